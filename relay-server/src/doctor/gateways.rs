//! Whether the PBXs are there: asked by the relay's own machine, so that whatever it would say of them is said here.

use super::view::{Name, Port};
use crate::config::{Config, Trunk};
use crate::counters::Counters;
use crate::resolve::Lookups;
use crate::sip_sockets::trunks;
use crate::streams::tls::is_address;
use relay_core::b2bua::{GatewayStatus, Health, Question, Record, RecordKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// For all gateways together.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between OPTIONS to a gateway.
const PROBE: Duration = Duration::from_millis(500);

/// Starts a relay for a moment, which asks each gateway by OPTIONS.
pub(super) async fn ask(config: &Config, ports: &[Port]) -> Result<Vec<GatewayStatus>, String> {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let mut running = crate::run(asking(config, ports), shutdown).await.map_err(|error| error.to_string())?;
    // Empty until signalling has begun; good settings have a gateway.
    let is_settled =
        |all: &Vec<GatewayStatus>| !all.is_empty() && all.iter().all(|status| status.health != Health::Unknown);
    // Who has said nothing by then stays unknown.
    let _ = tokio::time::timeout(PATIENCE, running.gateways.wait_for(is_settled)).await;
    let found = running.gateways.borrow().clone();
    drop(stop);
    running.finished().await.map_err(|error| error.to_string())?;
    Ok(found)
}

/// Settings that listen where the relay would, if nothing else does, and take no calls.
fn asking(config: &Config, ports: &[Port]) -> Config {
    let mut asking = config.clone();
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    (asking.web.listen, asking.web.tls_certificate, asking.web.tls_key) = (any_port, None, None);
    (asking.media.web_listen, asking.media.trunk_listen, asking.media.workers) = (any_port, any_port.ip(), 1);
    (asking.sip.tls_listen, asking.sip.tls_listen_ipv6) = (None, None);
    (asking.records.file, asking.web.site) = (None, None);
    asking.sites.clear();
    let is_taken = |port: &Port| port.key.starts_with("sip.listen") && port.fault.is_some();
    if ports.iter().any(is_taken) {
        asking.sip.listen.set_port(0);
        asking.sip.listen_ipv6 = asking.sip.listen_ipv6.map(|listen| SocketAddr::new(listen.ip(), 0));
        (asking.sip.external, asking.sip.external_ipv6, asking.network.external_ip) = (None, None, None);
    }
    asking.trunks = trunks(config);
    asking.sip.domains.clear();
    for trunk in &mut asking.trunks {
        (trunk.probe, trunk.failures, trunk.recoveries) = (PROBE, 3, 1);
    }
    asking
}

/// What the DNS says of each host that is a name.
pub(super) async fn names(config: &Config) -> Vec<Name> {
    let lookups = Lookups::new(&config.sip.dns_servers, Arc::new(Counters::default()));
    let mut names = Vec::new();
    for Trunk { name, hosts, .. } in trunks(config) {
        for host in hosts.into_iter().filter(|host| !is_address(&host.host)) {
            let targets = match host.port {
                Some(_) => Vec::new(),
                None => servers(&lookups, &host.host).await,
            };
            let targets = if targets.is_empty() { vec![host.host.clone()] } else { targets };
            let found = addresses(&lookups, &targets).await;
            names.push(Name { trunk: name.clone(), host: host.host, found });
        }
    }
    names
}

/// The targets of SRV records, of any transport (RFC 3263 §4.1).
async fn servers(lookups: &Lookups, host: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for service in ["_sip._udp", "_sip._tcp", "_sips._tcp"] {
        let question = Question { name: format!("{service}.{host}").to_ascii_lowercase(), kind: RecordKind::Srv };
        let records = lookups.ask(&question).await.map(|answer| answer.records).unwrap_or_default();
        targets.extend(records.into_iter().filter_map(|record| match record {
            Record::Srv { target, .. } => Some(target.trim_end_matches('.').to_ascii_lowercase()),
            _ => None,
        }));
    }
    targets
}

/// Where one family is enough, the other's failure says nothing.
async fn addresses(lookups: &Lookups, hosts: &[String]) -> Result<Vec<IpAddr>, String> {
    let (mut found, mut fault) = (Vec::new(), None);
    for host in hosts {
        for kind in [RecordKind::Aaaa, RecordKind::A] {
            match lookups.ask(&Question { name: host.to_ascii_lowercase(), kind }).await {
                Ok(answer) => found.extend(answer.records.into_iter().filter_map(|record| match record {
                    Record::A(ip) => Some(IpAddr::V4(ip)),
                    Record::Aaaa(ip) => Some(IpAddr::V6(ip)),
                    _ => None,
                })),
                Err(error) => fault = Some(error),
            }
        }
    }
    match fault {
        Some(fault) if found.is_empty() => Err(fault),
        _ => Ok(found),
    }
}
