//! The sockets toward PBXs: which there are, what they are bound to, and as what they are announced.
//!
//! Bound and announced are two things: behind address translation the first is ours and the second is the translator's.

use crate::config::{Config, Host, Sip, Trunk};
use crate::counters::Counters;
use crate::error::StartError;
use crate::resolve;
use crate::sip_udp::{SipUdp, local_address_toward};
use crate::streams::tls::{Expectation, Identity, TlsDoor, TlsPeer, is_address};
use crate::streams::{Acceptor, Way};
use relay_core::b2bua::{GatewayId, TrunkSocket};
use sip_core::{SocketId, Transport};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Numbers below are for listeners: UDP, TCP and TLS of the first family, then of the second.
const FIRST_OF_GATEWAYS: u64 = 16;
/// Ports tried until one is free for UDP and TCP both, where the system may choose.
const MAX_BINDS: usize = 32;

/// See the module.
pub(crate) struct SipSockets {
    pub(crate) udp: BTreeMap<SocketId, Arc<SipUdp>>,
    pub(crate) acceptors: Vec<Acceptor>,
    pub(crate) ways: BTreeMap<SocketId, Way>,
    /// As the core knows them.
    pub(crate) known: Vec<TrunkSocket>,
    /// The first UDP socket as bound.
    pub(crate) bound: SocketAddr,
    /// Where PBXs connect by TLS.
    pub(crate) tls: Option<SocketAddr>,
}

/// One family's listeners.
struct Family<'a> {
    number: u64,
    listen: SocketAddr,
    external: Option<SocketAddr>,
    tls_listen: Option<SocketAddr>,
    config: &'a Config,
}

impl SipSockets {
    /// Binds everything.
    pub(crate) async fn bind(config: &Config, counters: &Arc<Counters>) -> Result<Self, StartError> {
        let sip = &config.sip;
        let none = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut all = Self {
            udp: BTreeMap::new(),
            acceptors: Vec::new(),
            ways: BTreeMap::new(),
            known: Vec::new(),
            bound: none,
            tls: None,
        };
        let first =
            Family { number: 0, listen: sip.listen, external: sip.external, tls_listen: sip.tls_listen, config };
        all.bound = all.bind_family(&first, counters).await?;
        if let Some(listen) = sip.listen_ipv6 {
            let second =
                Family { number: 3, listen, external: sip.external_ipv6, tls_listen: sip.tls_listen_ipv6, config };
            all.bind_family(&second, counters).await?;
        }
        all.bind_gateways(config)?;
        Ok(all)
    }

    async fn bind_family(&mut self, family: &Family<'_>, counters: &Arc<Counters>) -> Result<SocketAddr, StartError> {
        let listen = family.bind_address(family.listen);
        let (udp_id, tcp_id, tls_id) =
            (SocketId(family.number), SocketId(family.number + 1), SocketId(family.number + 2));
        let (udp, acceptor) = bind_pair(listen, (udp_id, tcp_id), family.config.sip.tcp, counters)?;
        let bound = udp.local_addr().map_err(|source| StartError::System { what: "SIP socket", source })?;
        let announced = family.announced(bound).await;
        self.udp.insert(udp_id, Arc::new(udp));
        self.acceptors.extend(acceptor);
        let from = Some(listen.ip()).filter(|ip| !ip.is_unspecified());
        self.ways.insert(tcp_id, Way { from, tls: None });
        self.know(udp_id, Transport::Udp, announced, None);
        self.know(tcp_id, Transport::Tcp, announced, None);
        if let Some(listen) = family.tls_listen {
            let bound = self.bind_tls(tls_id, family.bind_address(listen), family.config)?;
            self.tls = self.tls.or(Some(bound));
            self.know(tls_id, Transport::Tls, SocketAddr::new(announced.ip(), bound.port()), None);
        }
        Ok(bound)
    }

    /// Only connections that PBXs make are on this socket.
    fn bind_tls(&mut self, id: SocketId, listen: SocketAddr, config: &Config) -> Result<SocketAddr, StartError> {
        let own = identity(&config.sip).ok_or_else(|| tls_fault(&"sip.tls_certificate is missing"))?;
        let door = TlsDoor::new(&own, config.sip.tls_client_ca.as_deref()).map_err(|error| tls_fault(&error))?;
        let acceptor = Acceptor::bind(id, listen, Some(door));
        let acceptor = acceptor.map_err(|source| bind_fault("SIP over TLS", listen, "sip.tls_listen", source))?;
        let bound = acceptor.local_addr().map_err(|source| StartError::System { what: "SIP socket", source })?;
        self.acceptors.push(acceptor);
        // Those who connected are answered; nobody is called by it.
        self.ways.insert(id, Way { from: Some(listen.ip()).filter(|ip| !ip.is_unspecified()), tls: None });
        Ok(bound)
    }

    fn know(&mut self, id: SocketId, transport: Transport, local: SocketAddr, gateway: Option<GatewayId>) {
        self.known.push(TrunkSocket { id, transport, local, gateway });
    }

    /// TLS has a socket number for each gateway and family, because each has its own name to verify.
    fn bind_gateways(&mut self, config: &Config) -> Result<(), StartError> {
        let mut next = FIRST_OF_GATEWAYS;
        let locals: Vec<(SocketAddr, Option<IpAddr>)> = self
            .known
            .iter()
            .filter(|socket| socket.transport == Transport::Tcp)
            .map(|socket| (socket.local, self.ways.get(&socket.id).and_then(|way| way.from)))
            .collect();
        for (trunk, settings) in trunks(config).iter().enumerate() {
            for (gateway, host) in settings.hosts.iter().enumerate().filter(|(_, host)| may_be_tls(host)) {
                let peer = match TlsPeer::new(&expectation(config, settings, host), identity(&config.sip).as_ref()) {
                    Ok(peer) => Arc::new(peer),
                    Err(error) if host.transport == Some(Transport::Tls) => return Err(tls_fault(&error)),
                    Err(error) => {
                        tracing::debug!(host = host.host, %error, "no TLS toward this PBX");
                        continue;
                    }
                };
                if settings.insecure {
                    tracing::warn!(trunk = settings.name, host = host.host, INSECURE);
                }
                for (local, from) in &locals {
                    let port = self.tls_port(local.is_ipv4());
                    let id = SocketId(next);
                    next += 1;
                    self.ways.insert(id, Way { from: *from, tls: Some(Arc::clone(&peer)) });
                    let gateway = GatewayId { trunk, gateway };
                    self.know(id, Transport::Tls, SocketAddr::new(local.ip(), port), Some(gateway));
                }
            }
        }
        Ok(())
    }

    fn tls_port(&self, is_v4: bool) -> u16 {
        let listener = self.known.iter().find(|socket| {
            socket.transport == Transport::Tls && socket.gateway.is_none() && socket.local.is_ipv4() == is_v4
        });
        listener.map_or(5061, |socket| socket.local.port())
    }
}

const INSECURE: &str = "INSECURE: any certificate is believed on this trunk (trunk.insecure), so anybody in between can \
    read and change its calls";

impl Family<'_> {
    /// `network.bind_ip` stands for "any".
    fn bind_address(&self, listen: SocketAddr) -> SocketAddr {
        let instead = self.config.network.bind_ip.filter(|ip| ip.is_ipv4() == listen.is_ipv4());
        match instead {
            Some(ip) if listen.ip().is_unspecified() => SocketAddr::new(ip, listen.port()),
            _ => listen,
        }
    }

    /// The socket's address as PBXs reach it.
    async fn announced(&self, bound: SocketAddr) -> SocketAddr {
        if let Some(external) = self.external {
            return external;
        }
        let external = self.config.network.external_ip.filter(|ip| ip.is_ipv4() == bound.is_ipv4());
        if let Some(ip) = external {
            return SocketAddr::new(ip, bound.port());
        }
        if !bound.ip().is_unspecified() {
            return bound;
        }
        let ip = address_toward_pbx(self.config, bound).await.unwrap_or_else(|| loopback(bound));
        tracing::info!(%ip, "PBXs are told to answer to this address (sip.external names another)");
        SocketAddr::new(ip, bound.port())
    }
}

/// Every PBX as a trunk: those of `sip.domains` are not asked whether they are there.
pub(crate) fn trunks(config: &Config) -> Vec<Trunk> {
    let simple = config.sip.domains.iter().map(|domain| Trunk {
        name: domain.host.clone(),
        domains: vec![domain.name.clone()],
        hosts: vec![Host {
            host: domain.host.clone(),
            port: domain.port,
            transport: domain.transport,
            priority: 0,
            weight: 1,
        }],
        probe: std::time::Duration::ZERO,
        ..Trunk::default()
    });
    config.trunks.iter().cloned().chain(simple).collect()
}

/// Whether TLS may come of it: by wish, or because the DNS says so.
fn may_be_tls(host: &Host) -> bool {
    let is_open = host.transport.is_none() && host.port.is_none() && !is_address(&host.host);
    host.transport == Some(Transport::Tls) || is_open
}

fn expectation(config: &Config, trunk: &Trunk, host: &Host) -> Expectation {
    Expectation {
        host: trunk.server_name.clone().unwrap_or_else(|| host.host.clone()),
        authorities: trunk.ca.clone().or_else(|| config.sip.tls_ca.clone()),
        allows_wildcards: trunk.wildcards,
        is_insecure: trunk.insecure,
    }
}

pub(crate) fn identity(sip: &Sip) -> Option<Identity> {
    Some(Identity { certificate: sip.tls_certificate.clone()?, key: sip.tls_key.clone()? })
}

/// UDP and TCP on the same port (RFC 3261 §18.2.1).
fn bind_pair(
    listen: SocketAddr,
    (udp_id, tcp_id): (SocketId, SocketId),
    has_tcp: bool,
    counters: &Arc<Counters>,
) -> Result<(SipUdp, Option<Acceptor>), StartError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let udp = SipUdp::bind(udp_id, listen, Arc::clone(counters));
        let udp = udp.map_err(|source| bind_fault("SIP over UDP", listen, "sip.listen (--sip-listen)", source))?;
        if !has_tcp {
            return Ok((udp, None));
        }
        let bound = udp.local_addr().map_err(|source| StartError::System { what: "SIP socket", source })?;
        match Acceptor::bind(tcp_id, bound, None) {
            Ok(acceptor) => return Ok((udp, Some(acceptor))),
            Err(_) if listen.port() == 0 && tries < MAX_BINDS => {}
            Err(source) => {
                let key = "sip.listen (--sip-listen), or sip.tcp = false does without,";
                return Err(bind_fault("SIP over TCP", listen, key, source));
            }
        }
    }
}

fn bind_fault(purpose: &'static str, address: SocketAddr, key: &'static str, source: io::Error) -> StartError {
    StartError::Bind { purpose, address: address.to_string(), key, source }
}

fn tls_fault(error: &dyn std::fmt::Display) -> StartError {
    StartError::System { what: "TLS with PBXs", source: io::Error::other(error.to_string()) }
}

/// A PBX whose name is not known yet is taken to be where the default route leads (these addresses are nobody's, RFC
/// 5737 and RFC 3849).
async fn address_toward_pbx(config: &Config, bound: SocketAddr) -> Option<IpAddr> {
    let is_v4 = bound.is_ipv4();
    let far: IpAddr =
        if is_v4 { Ipv4Addr::new(192, 0, 2, 1).into() } else { Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1).into() };
    let first = trunks(config).into_iter().next().and_then(|trunk| trunk.hosts.into_iter().next());
    let found = match first {
        Some(host) => resolve::addresses(&host.host).await.into_iter().find(|ip| ip.is_ipv4() == is_v4),
        None => None,
    };
    local_address_toward(SocketAddr::new(found.unwrap_or(far), 5060)).ok().map(|address| address.ip())
}

fn loopback(bound: SocketAddr) -> IpAddr {
    if bound.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}
