//! From a gateway's name to addresses and transports (RFC 3263 §4.1, §4.2).
//!
//! Nothing is waited for: each step reads what the [`Resolver`] knows, and asks for the rest. When an answer has come the
//! steps are gone through again from the start. NAPTR and SRV lead one step down each and never back, so no record can
//! make a circle; how many of them are followed is bounded.

use super::config::Gateway;
use super::dns::{Question, Record, RecordKind};
use super::order::{Rank, in_order};
use super::resolver::{Known, Resolver};
use core::net::{IpAddr, SocketAddr};
use sip_core::{Entropy, Instant, Transport};

/// NAPTR records followed.
const MAX_SERVICES: usize = 6;
/// SRV records of one service followed.
const MAX_SERVERS: usize = 16;
/// Addresses tried at most.
const MAX_PLACES: usize = 16;

/// Where messages can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) transport: Transport,
    pub(super) address: SocketAddr,
}

/// What is known of a gateway's whereabouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// In the order in which they are to be tried; never empty.
    Places(Vec<Place>),
    /// The DNS is being asked.
    Pending,
    /// There is no such place; a sentence says why.
    Nowhere(String),
}

/// The transports and families that we have sockets for.
#[derive(Clone, Debug, Default)]
pub(super) struct Abilities(Vec<(Transport, bool)>);

impl Abilities {
    pub(super) fn new(sockets: impl Iterator<Item = (Transport, SocketAddr)>) -> Self {
        Self(sockets.map(|(transport, local)| (transport, local.is_ipv4())).collect())
    }

    fn has(&self, transport: Transport) -> bool {
        self.0.iter().any(|(own, _)| *own == transport)
    }

    fn reaches(&self, transport: Transport, ip: IpAddr) -> bool {
        self.has_family(transport, ip.is_ipv4())
    }

    fn has_family(&self, transport: Transport, is_v4: bool) -> bool {
        self.0.contains(&(transport, is_v4))
    }
}

/// One look at what is known.
pub(super) struct Locator<'a> {
    pub(super) resolver: &'a mut Resolver,
    pub(super) abilities: &'a Abilities,
    pub(super) entropy: &'a mut Entropy,
    /// What has to be asked is put here.
    pub(super) asked: &'a mut Vec<(u64, Question)>,
    pub(super) now: Instant,
}

/// A step is not done yet.
struct Wait;

impl Locator<'_> {
    /// Where `gateway` is. `secure` allows TLS alone (RFC 3261 §26.2.2).
    pub(super) fn locate(&mut self, gateway: &Gateway, secure: bool) -> Located {
        let wanted = match (gateway.transport, secure) {
            (Some(Transport::Tls) | None, true) => Some(Transport::Tls),
            (Some(_), true) => return Located::Nowhere("A sips: Address Needs TLS To The PBX".to_owned()),
            (wanted, false) => wanted,
        };
        if let Some(wanted) = wanted.filter(|wanted| !self.abilities.has(*wanted)) {
            return Located::Nowhere(format!("No Socket For {}", wanted.as_str()));
        }
        let plain = wanted.unwrap_or(Transport::Udp);
        let port = gateway.port.unwrap_or(default_port(plain));
        if let Ok(ip) = gateway.host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return self.finish(vec![Place { transport: plain, address: SocketAddr::new(ip, port) }], &gateway.host);
        }
        let found = match gateway.port {
            Some(_) => self.addresses(&gateway.host, port, plain),
            None => self.by_services(&gateway.host, wanted, port),
        };
        match found {
            Ok(places) => self.finish(places, &gateway.host),
            Err(Wait) => Located::Pending,
        }
    }

    fn finish(&self, mut places: Vec<Place>, host: &str) -> Located {
        places.retain(|place| self.abilities.reaches(place.transport, place.address.ip()));
        places.truncate(MAX_PLACES);
        if places.is_empty() {
            return Located::Nowhere(format!("The PBX's Name Cannot Be Resolved: {host}"));
        }
        Located::Places(places)
    }

    /// NAPTR and SRV, then the name itself.
    fn by_services(&mut self, host: &str, wanted: Option<Transport>, port: u16) -> Result<Vec<Place>, Wait> {
        let (services, is_told) = match wanted {
            Some(transport) => (vec![(transport, service_name(transport, host))], false),
            None => self.services(host)?,
        };
        let mut records = Vec::new();
        let mut is_waiting = false;
        for (transport, name) in services {
            match self.known(&name, RecordKind::Srv) {
                Ok(found) => records.push((transport, found)),
                Err(Wait) => is_waiting = true,
            }
        }
        if is_waiting {
            return Err(Wait);
        }
        let is_absent = records.iter().all(|(_, found)| found.is_empty());
        if is_absent {
            return self.addresses(host, port, wanted.unwrap_or(Transport::Udp));
        }
        let mut places = Vec::new();
        for (transport, found) in records {
            let new = self.servers(transport, found)?;
            // Without NAPTR the choice of transport is ours: the first that is served (§4.1).
            let is_chosen = !is_told && !new.is_empty();
            places.extend(new);
            if is_chosen {
                break;
            }
        }
        Ok(places)
    }

    /// The SRV names to ask for, best first, and whether NAPTR named them.
    fn services(&mut self, host: &str) -> Result<(Vec<(Transport, String)>, bool), Wait> {
        let mut told: Vec<_> = self.known(host, RecordKind::Naptr)?.into_iter().filter_map(service).collect();
        told.retain(|(_, transport, _)| self.abilities.has(*transport));
        told.sort_by_key(|(rank, ..)| *rank);
        told.truncate(MAX_SERVICES);
        if told.is_empty() {
            let own = [Transport::Udp, Transport::Tcp, Transport::Tls];
            let own = own.into_iter().filter(|transport| self.abilities.has(*transport));
            return Ok((own.map(|transport| (transport, service_name(transport, host))).collect(), false));
        }
        Ok((told.into_iter().map(|(_, transport, name)| (transport, name)).collect(), true))
    }

    /// The addresses of a service's servers, in the order of RFC 2782.
    fn servers(&mut self, transport: Transport, records: Vec<Record>) -> Result<Vec<Place>, Wait> {
        let servers: Vec<_> = records.into_iter().filter_map(server).take(MAX_SERVERS).collect();
        let mut hosts = Vec::new();
        let mut is_waiting = false;
        for (rank, target, port) in servers {
            match self.addresses(&target, port, transport) {
                Ok(places) => hosts.push((rank, places)),
                Err(Wait) => is_waiting = true,
            }
        }
        if is_waiting { Err(Wait) } else { Ok(in_order(hosts, self.entropy).concat()) }
    }

    /// AAAA before A, as RFC 6724 has it, of the families that we can send to.
    fn addresses(&mut self, host: &str, port: u16, transport: Transport) -> Result<Vec<Place>, Wait> {
        let v6 = self.family(host, RecordKind::Aaaa, transport);
        let v4 = self.family(host, RecordKind::A, transport);
        let ip = |record: &Record| match record {
            Record::A(ip) => Some(IpAddr::V4(*ip)),
            Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
            _ => None,
        };
        let records = [v6?, v4?].concat();
        Ok(records.iter().filter_map(ip).map(|ip| Place { transport, address: SocketAddr::new(ip, port) }).collect())
    }

    fn family(&mut self, host: &str, kind: RecordKind, transport: Transport) -> Result<Vec<Record>, Wait> {
        let is_usable = self.abilities.has_family(transport, kind == RecordKind::A);
        if is_usable { self.known(host, kind) } else { Ok(Vec::new()) }
    }

    /// A server that cannot say is one that says no: some know neither NAPTR nor SRV.
    fn known(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Record>, Wait> {
        match self.resolver.query(name, kind, self.asked, self.now) {
            Known::Records(records) => Ok(records),
            Known::Failed(reason) => {
                tracing::debug!(name, ?kind, reason, "the DNS does not say");
                Ok(Vec::new())
            }
            Known::Pending => Err(Wait),
        }
    }
}

/// A NAPTR record that leads to SRV records of a transport that exists. Those with a regular expression, other services
/// and other flags are not for us (RFC 3263 §4.1).
fn service(record: Record) -> Option<((u16, u16), Transport, String)> {
    let Record::Naptr { order, preference, flags, service, replacement } = record else { return None };
    let transport = match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Transport::Udp,
        "SIP+D2T" => Transport::Tcp,
        "SIPS+D2T" => Transport::Tls,
        _ => return None,
    };
    let is_name = !replacement.trim_end_matches('.').is_empty();
    (flags.eq_ignore_ascii_case("s") && is_name).then_some(((order, preference), transport, replacement))
}

fn server(record: Record) -> Option<(Rank, String, u16)> {
    let Record::Srv { priority, weight, port, target } = record else { return None };
    let is_there = port != 0 && !target.trim_end_matches('.').is_empty();
    is_there.then_some((Rank { priority, weight }, target, port))
}

fn service_name(transport: Transport, host: &str) -> String {
    let service = match transport {
        Transport::Tls => "_sips._tcp",
        Transport::Tcp => "_sip._tcp",
        _ => "_sip._udp",
    };
    format!("{service}.{host}")
}

const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Tls => 5061,
        _ => 5060,
    }
}
