//! Where a request to a PBX goes: domain, trunk, gateways, addresses; and what is done when one of them does not answer
//! (RFC 3263 §4.3).

use super::cause::Refusal;
use super::config::{Domain, GatewayId, Trunk, TrunkSocket};
use super::locate::{Located, Locator, Place};
use super::port::FlowFault;
use super::{B2bua, Output};
use core::net::SocketAddr;
use sip_core::agent::{Failure, OutgoingRequest, RequestId};
use sip_core::message::{HeaderName, Headers, Method, NameAddr, Request, Response, Scheme, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::collections::VecDeque;

/// Addresses tried for one request.
const MAX_TARGETS: usize = 8;
/// Faults remembered until the transactions that suffer from them end.
const MAX_FAULTS: usize = 256;
/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u8 = 70;

/// The trunk that serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextHop {
    pub(super) trunk: usize,
    /// A `sips:` address: TLS or nothing.
    pub(super) is_secure: bool,
}

/// One address of a gateway, and the socket that leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) gateway: GatewayId,
    pub(super) socket: SocketId,
    pub(super) address: SocketAddr,
}

impl Target {
    pub(super) const fn flow(&self) -> Flow {
        Flow::datagram(self.socket, self.address)
    }
}

/// What is known of a way.
#[derive(Debug)]
pub(super) enum Route {
    /// To be tried in this order; never empty.
    Targets(VecDeque<Target>),
    /// The DNS is being asked; try again when it has answered.
    Pending,
    /// There is none.
    Nowhere(Refusal),
}

impl B2bua {
    /// The trunk that serves `uri`'s domain.
    pub(super) fn next_hop(&self, uri: &Uri) -> Option<NextHop> {
        let host = uri.host.to_string();
        let serves = |domain: &&Domain| domain.name == "*" || domain.name.eq_ignore_ascii_case(&host);
        let domain = self.config.domains.iter().find(serves)?;
        Some(NextHop { trunk: domain.trunk, is_secure: uri.scheme == Scheme::Sips })
    }

    /// The addresses to try. `before` is where an earlier request of the same attempt went, whose challenge this one
    /// answers: it comes first.
    pub(super) fn route(&mut self, hop: NextHop, before: Option<Flow>, now: Instant) -> Route {
        let Some(settings) = self.config.trunks.get(hop.trunk).cloned() else {
            return Route::Nowhere(Refusal::new(StatusCode::NOT_FOUND, "No PBX Serves This Domain"));
        };
        let gateways = self.trunks.order(hop.trunk, &settings, &mut self.entropy);
        if gateways.is_empty() {
            return Route::Nowhere(all_down(&settings));
        }
        let mut targets = Vec::new();
        let mut why = String::new();
        let mut is_pending = false;
        for id in gateways {
            match self.locate(id, hop.is_secure, now) {
                Located::Places(places) => targets.extend(self.targets(id, places)),
                Located::Nowhere(text) => why = text,
                // What is known already does not wait for what comes after it.
                Located::Pending if targets.is_empty() => is_pending = true,
                Located::Pending => {}
            }
        }
        if is_pending {
            return Route::Pending;
        }
        self.trunks.avoid(&mut targets, now);
        targets.sort_by_key(|target| Some(target.flow()) != before);
        targets.truncate(MAX_TARGETS);
        if targets.is_empty() { Route::Nowhere(nowhere(why)) } else { Route::Targets(targets.into()) }
    }

    fn locate(&mut self, id: GatewayId, is_secure: bool, now: Instant) -> Located {
        let Self { config, resolver, abilities, entropy, .. } = self;
        let Some(gateway) = config.trunks.get(id.trunk).and_then(|trunk| trunk.gateways.get(id.gateway)) else {
            return Located::Nowhere("No Such Gateway".to_owned());
        };
        let mut asked = Vec::new();
        let located = Locator { resolver, abilities, entropy, asked: &mut asked, now }.locate(gateway, is_secure);
        let questions = asked.into_iter().map(|(query, question)| Output::Resolve { query, question });
        self.outputs.extend(questions);
        located
    }

    fn targets(&self, gateway: GatewayId, places: Vec<Place>) -> Vec<Target> {
        let target = |place: Place| {
            let socket = self.socket_for(gateway, place)?;
            Some(Target { gateway, socket, address: place.address })
        };
        places.into_iter().filter_map(target).collect()
    }

    /// The gateway's own socket before one that all share.
    fn socket_for(&self, gateway: GatewayId, place: Place) -> Option<SocketId> {
        let fits = |socket: &&TrunkSocket| {
            socket.transport == place.transport && socket.local.is_ipv4() == place.address.is_ipv4()
        };
        let fitting = || self.config.sockets.iter().filter(fits);
        let own = fitting().find(|socket| socket.gateway == Some(gateway));
        own.or_else(|| fitting().find(|socket| socket.gateway.is_none())).map(|socket| socket.id)
    }

    pub(super) fn trunk_socket(&self, id: SocketId) -> Option<&TrunkSocket> {
        self.config.sockets.iter().find(|socket| socket.id == id)
    }

    /// Our URI on a way toward PBXs.
    pub(super) fn contact_on(&self, socket: SocketId, user: &str) -> Uri {
        match self.trunk_socket(socket) {
            Some(socket) => super::contact_at(socket, user),
            None => Uri::sip(Some(user), sip_core::message::Host::Name("invalid".to_owned()), None),
        }
    }

    pub(super) fn settings_of(&self, target: Target) -> Option<Trunk> {
        self.config.trunks.get(target.gateway.trunk).cloned()
    }

    /// How long a target may leave a request unanswered when there are others.
    pub(super) fn patience(&self, target: Target) -> Duration {
        self.config.trunks.get(target.gateway.trunk).map_or(Duration::from_secs(4), |trunk| trunk.patience)
    }

    /// A target answered, whatever it was.
    pub(super) fn target_answered(&mut self, target: Target) {
        if let Some(settings) = self.settings_of(target) {
            self.trunks.note_success(target, &settings);
        }
    }

    /// A target did not answer, or is overloaded. Returns what the network said about it.
    pub(super) fn target_failed(
        &mut self,
        target: Target,
        response: Option<&Response>,
        now: Instant,
    ) -> Option<FlowFault> {
        let fault = self.faults.remove(&target.flow());
        let reason = match (&fault, response) {
            (Some(fault), _) => fault.text(),
            (None, Some(response)) => format!("{} {}", response.status.as_u16(), response.reason),
            (None, None) => "no answer".to_owned(),
        };
        let retry_after = response.and_then(|response| retry_after(&response.headers));
        if let Some(settings) = self.settings_of(target) {
            self.trunks.note_failure((target, &settings), &reason, retry_after, now);
        }
        tracing::info!(address = %target.address, reason, "a PBX address failed");
        fault
    }

    /// Messages on a flow toward a PBX do not arrive.
    pub(super) fn handle_flow_failed(&mut self, flow: Flow, fault: FlowFault, now: Instant) {
        // A connection that ends when nothing waits on it is nobody's fault.
        if fault != FlowFault::Closed && self.faults.len() < MAX_FAULTS {
            self.faults.insert(flow, fault);
        }
        self.trunk.handle_flow_failed(flow, now);
        self.drain(now);
        self.faults.remove(&flow);
    }

    // Probes.

    /// Sends the probes that are due.
    pub(super) fn probe_gateways(&mut self, now: Instant) {
        while let Some((id, unanswered)) = self.trunks.pop_due(now) {
            if let Some(target) = unanswered {
                self.target_failed(target, None, now);
            }
            let Some(settings) = self.config.trunks.get(id.trunk).cloned() else { return };
            let mut targets = match self.locate(id, false, now) {
                Located::Places(places) => self.targets(id, places),
                Located::Pending => Vec::new(),
                Located::Nowhere(text) => {
                    self.trunks.count_failure(id, &settings, &text, now);
                    Vec::new()
                }
            };
            self.trunks.avoid(&mut targets, now);
            let probe = targets.first().and_then(|target| Some((self.send_probe(*target, now)?, *target)));
            self.trunks.probing(id, probe, &settings, now);
        }
    }

    fn send_probe(&mut self, target: Target, now: Instant) -> Option<RequestId> {
        let settings = self.settings_of(target)?;
        let gateway = settings.gateways.get(target.gateway.gateway)?;
        let host = gateway.host.parse().unwrap_or_else(|_| target.address.into());
        let ours = self.contact_on(target.socket, "switchhook");
        let options = OutgoingRequest::new(
            Method::Options,
            Uri::sip(None, host, gateway.port),
            NameAddr::from(ours),
            target.flow(),
        );
        self.trunk.request(options, now).ok()
    }

    /// Whether a response was a probe's. Any but 408 and 503 is a living PBX.
    pub(super) fn gateway_answered(&mut self, id: RequestId, response: &Response, now: Instant) -> bool {
        let Some(target) = self.trunks.take_probe(id) else { return false };
        if matches!(response.status.as_u16(), 408 | 503) {
            self.target_failed(target, Some(response), now);
        } else {
            self.target_answered(target);
        }
        true
    }

    /// Whether a request that failed was a probe.
    pub(super) fn gateway_silent(&mut self, id: RequestId, _failure: &Failure, now: Instant) -> bool {
        let Some(target) = self.trunks.take_probe(id) else { return false };
        self.target_failed(target, None, now);
        true
    }

    /// Tells of gateways that came up or went down.
    pub(super) fn tell_gateways(&mut self) {
        for id in self.trunks.take_changed() {
            let status = self.trunks.status(id, &self.config);
            self.outputs.extend(status.map(Output::GatewayChanged));
        }
    }

    // Connections that PBXs make.

    /// A PBX may ask that requests to it take the connection it has made (RFC 5923). It is believed where the address in
    /// its Via is the one the connection comes from.
    pub(super) fn note_alias(&mut self, flow: Flow, request: &Request) {
        let is_stream = self.trunk_socket(flow.socket).is_some_and(|socket| socket.transport != Transport::Udp);
        let (Some(source), Ok(via), true) = (flow.remote, request.headers.via(), is_stream) else { return };
        if !via.params.has("alias") || via.host.ip() != Some(source.ip().to_canonical()) {
            return;
        }
        let is_tls = self.trunk_socket(flow.socket).is_some_and(|socket| socket.transport == Transport::Tls);
        let port = via.port.unwrap_or(if is_tls { 5061 } else { 5060 });
        self.outputs.push_back(Output::Alias { flow, listener: SocketAddr::new(source.ip(), port) });
    }
}

/// The Max-Forwards of a request that goes on to the other leg, one less than it came with (RFC 3261 §16.6).
pub(super) fn forwards(headers: &Headers) -> Result<(HeaderName, String), Refusal> {
    let left = headers.max_forwards().unwrap_or(MAX_FORWARDS);
    match left.checked_sub(1) {
        Some(left) => Ok((HeaderName::MaxForwards, left.to_string())),
        None => Err(Refusal::new(StatusCode::TOO_MANY_HOPS, "Too Many Hops")),
    }
}

/// A URI of the browser's for the PBX: what would tell it how to route stays out (RFC 3261 §19.1.1).
pub(super) fn without_routing(uri: &Uri) -> Uri {
    let mut uri = uri.clone();
    for name in ["maddr", "ttl", "lr", "transport", "received", "ob", "alias"] {
        uri.params.remove(name);
    }
    uri
}

/// The same for the URI of an address.
pub(super) fn address_without_routing(mut address: NameAddr) -> NameAddr {
    address.uri = without_routing(&address.uri);
    address
}

fn retry_after(headers: &Headers) -> Option<Duration> {
    let value = headers.get(&HeaderName::RetryAfter)?;
    let digits: String = value.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(Duration::from_secs)
}

fn all_down(settings: &Trunk) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "No Gateway Of The PBX Answers");
    let seconds = settings.probe.map_or(30, |interval| interval.as_secs().max(1));
    refusal.headers.push((HeaderName::RetryAfter, seconds.to_string()));
    refusal
}

fn nowhere(why: String) -> Refusal {
    let why = if why.is_empty() { "No Way To The PBX".to_owned() } else { why };
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, &why)
}
