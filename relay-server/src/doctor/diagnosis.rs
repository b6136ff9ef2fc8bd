//! What the doctor makes of what it has seen. A function of values: the same view gives the same findings.

use super::finding::{Finding, Verdict};
use super::view::{Certificate, Name, Port, View};
use crate::config::Config;
use crate::media::sockets::SHARED_BUFFER;
use relay_core::b2bua::{GatewayStatus, Health};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;

/// 1 January 2026: this program is younger.
const BEFORE_US: i64 = 1_767_225_600;
const DAY: i64 = 86_400;
/// Authorities that renew by themselves do it a month before the end; who is later than this has a fault.
const SOON: i64 = 14 * DAY;
/// Open files beside those of connections and calls: listeners, media threads, the log.
const SPARE_FILES: u64 = 100;

/// Every finding, in the order in which a person would look.
#[must_use]
pub fn diagnose(config: &Config, view: &View) -> Vec<Finding> {
    let mut findings: Vec<Finding> = view.ports.iter().map(port).collect();
    findings.extend(view.certificates.iter().map(|certificate| certified(certificate, view.now)));
    findings.extend(view.names.iter().map(|name| named(name, view)));
    findings.extend(gateways(view));
    findings.extend(addresses(config, view));
    findings.extend([clock(view), receive_buffer(view), open_files(config, view), codecs(config, view)]);
    findings
}

fn port(port: &Port) -> Finding {
    let Port { key, protocol, at, fault } = port;
    let Some(fault) = fault else {
        return Finding::ok(key, &format!("{protocol} {at} is free"));
    };
    let (said, remedy) = match fault {
        ErrorKind::AddrInUse => (
            "is taken by another program".to_owned(),
            format!("`ss -lnp 'sport = :{}'` names it; if it is this relay, nothing is wrong", at.port()),
        ),
        ErrorKind::PermissionDenied => (
            "may not be listened on by this user".to_owned(),
            "start the relay by its systemd unit, or `setcap cap_net_bind_service=+ep` the program".to_owned(),
        ),
        ErrorKind::AddrNotAvailable => (
            "is no address of this machine".to_owned(),
            "`ip address` lists those; an address that only a translator has belongs into network.external_ip"
                .to_owned(),
        ),
        other => (format!("cannot be listened on: {other}"), format!("name another address with {key}")),
    };
    Finding::failure(key, &format!("{protocol} {at} {said}"), &remedy)
}

fn certified(certificate: &Certificate, now: i64) -> Finding {
    let Certificate { key, path, found } = certificate;
    let file = path.display();
    let days = |seconds: i64| seconds / DAY;
    match found {
        Err(fault) => Finding::failure(key, fault, "let the relay's user read it, and check that the key is its key"),
        Ok(good) if good.until <= now => Finding::failure(
            key,
            &format!("{file} expired {} days ago", days(now - good.until)),
            "renew it; the relay shows the new one by itself",
        ),
        Ok(good) if good.from > now => Finding::failure(
            key,
            &format!("{file} is good from {} days on only", days(good.from - now) + 1),
            "check the clock of this machine, then that of the authority",
        ),
        Ok(good) if good.until - now < SOON => Finding::warning(
            key,
            &format!("{file} expires in {} days", days(good.until - now)),
            "renew it, and look why that did not happen by itself",
        ),
        Ok(good) => Finding::ok(key, &format!("{file} is good for {} days", days(good.until - now))),
    }
}

/// A gateway that answers was found, whatever one of the questions came to.
fn named(name: &Name, view: &View) -> Finding {
    let Name { trunk, host, found } = name;
    let subject = format!("trunk {trunk}");
    let answers = |all: &Vec<GatewayStatus>| {
        all.iter().any(|status| &status.trunk == trunk && &status.host == host && status.health == Health::Up)
    };
    let is_there = view.gateways.as_ref().is_ok_and(answers);
    let fault = match found {
        Ok(found) if !found.is_empty() => {
            let list: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            return Finding::ok(&subject, &format!("{host} is {}", list.join(", ")));
        }
        Ok(_) => "the DNS knows no address of it".to_owned(),
        Err(fault) => fault.clone(),
    };
    let (said, remedy) = (format!("{host} has no address: {fault}"), "check its spelling, and sip.dns_servers");
    if is_there { Finding::warning(&subject, &said, remedy) } else { Finding::failure(&subject, &said, remedy) }
}

/// A trunk works while one of its gateways does.
fn gateways(view: &View) -> Vec<Finding> {
    let all = match &view.gateways {
        Ok(all) => all,
        Err(fault) => return vec![Finding::failure("trunks", fault, "mend that; no PBX could be asked")],
    };
    let mut living: BTreeMap<&str, bool> = BTreeMap::new();
    for status in all {
        *living.entry(&status.trunk).or_default() |= status.health == Health::Up;
    }
    all.iter().map(|status| gateway(status, living.get(status.trunk.as_str()) == Some(&true))).collect()
}

fn gateway(status: &GatewayStatus, is_trunk_alive: bool) -> Finding {
    let GatewayStatus { trunk, host, health, reason } = status;
    let subject = format!("trunk {trunk}");
    if *health == Health::Up {
        return Finding::ok(&subject, &format!("{host} answers OPTIONS"));
    }
    let said = match reason.as_str() {
        "" => format!("{host} does not answer OPTIONS"),
        reason => format!("{host} does not answer OPTIONS: {reason}"),
    };
    let remedy = if reason.contains("Certificate") {
        "sip.tls_ca or trunk.ca names the authority to believe, trunk.server_name the name in the certificate"
    } else {
        "check that the PBX runs, listens by this transport and port, and lets this machine's SIP port through its firewall"
    };
    match is_trunk_alive {
        true => Finding::warning(&subject, &said, remedy),
        false => Finding::failure(&subject, &said, remedy),
    }
}

/// Behind address translation somebody must be told the outer address; nothing on this machine knows it.
fn addresses(config: &Config, view: &View) -> Vec<Finding> {
    let (media, network) = (&config.media, &config.network);
    let bound = |ip: IpAddr| {
        let known = Some(ip).filter(|ip| !ip.is_unspecified()).or(network.bind_ip).or(view.own_address);
        known.filter(|ip| is_private(*ip))
    };
    let mut findings = Vec::new();
    let hidden_from_browsers = bound(media.web_listen.ip());
    match (media.web_external.or(network.external_ip), hidden_from_browsers) {
        (None, Some(ip)) => findings.push(Finding::warning(
            "media.web_external",
            &format!("browsers are told to send audio to {ip}, which is reached from its own network only"),
            "set network.external_ip to the outer address, unless all browsers are in that network",
        )),
        (Some(ip), _) => findings.push(Finding::ok("media.web_external", &format!("browsers send audio to {ip}"))),
        (None, None) => {}
    }
    let outside = view.names.iter().filter_map(|name| name.found.as_ref().ok()).flatten().find(|ip| !is_private(**ip));
    let hidden_from_pbxs = bound(config.sip.listen.ip());
    let told = config.sip.external.map(|external| external.ip()).or(network.external_ip);
    if let (None, Some(ours), Some(theirs)) = (told, hidden_from_pbxs, outside) {
        findings.push(Finding::warning(
            "sip.external",
            &format!("a PBX at {theirs} is told to answer to {ours}, which it may not reach"),
            "set network.external_ip to the outer address, unless a tunnel leads there",
        ));
    }
    findings
}

fn clock(view: &View) -> Finding {
    let remedy = "run chrony or systemd-timesyncd: tokens and certificates have times";
    match view.is_clock_kept {
        _ if view.now < BEFORE_US => Finding::failure("clock", "it is before this program was made", remedy),
        Some(false) => Finding::warning("clock", "nothing keeps it right", remedy),
        Some(true) => Finding::ok("clock", "it is kept right"),
        None => Finding::ok("clock", "it looks right; the system does not say who keeps it"),
    }
}

fn receive_buffer(view: &View) -> Finding {
    let (subject, asked) = ("net.core.rmem_max", SHARED_BUFFER as u64);
    match view.receive_buffer {
        Some(granted) if granted < asked => Finding::warning(
            subject,
            &format!("{granted} bytes: a burst of audio packets is lost where {asked} would hold it"),
            &format!("`sysctl -w {subject}={asked}`, and the same in a file in /etc/sysctl.d"),
        ),
        Some(granted) => Finding::ok(subject, &format!("{granted} bytes")),
        None => Finding::ok(subject, "the system does not say"),
    }
}

fn open_files(config: &Config, view: &View) -> Finding {
    let limits = &config.limits;
    let needed = (limits.connections + limits.sip_connections + 2 * limits.calls) as u64 + SPARE_FILES;
    let subject = "open files";
    match view.open_files {
        Some(allowed) if allowed < needed => Finding::warning(
            subject,
            &format!("{allowed} are allowed, and the limits in the settings add up to {needed}"),
            &format!("set LimitNOFILE={needed} in the unit (`ulimit -n`), or lower limits.connections"),
        ),
        Some(allowed) => Finding::ok(subject, &format!("{allowed} are allowed, {needed} are needed at most")),
        None => Finding::ok(subject, "the system does not say"),
    }
}

fn codecs(config: &Config, view: &View) -> Finding {
    let subject = "media.codecs";
    let list = |codecs: &mut dyn Iterator<Item = &relay_core::media::control::TrunkCodec>| {
        let mut names: Vec<&str> = codecs.map(|codec| codec.name()).collect();
        names.dedup();
        names.join(", ")
    };
    let missing = list(&mut config.media.codecs.iter().filter(|codec| !view.spoken.contains(codec)));
    let remedy = "install libbcg729-0 (G729) or libspeex1 (speex), or take them out of media.codecs";
    let verdict = match (view.spoken.is_empty(), missing.is_empty()) {
        (true, _) => Verdict::Failure,
        (false, false) => Verdict::Warning,
        (false, true) => return Finding::ok(subject, &format!("{} can be spoken", list(&mut view.spoken.iter()))),
    };
    let said = format!("no library for {missing}; not offered to PBXs");
    Finding { verdict, ..Finding::failure(subject, &said, remedy) }
}

/// Whether an address is one that the rest of the world cannot reach (RFC 1918, RFC 6598, RFC 4193, RFC 3927).
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
