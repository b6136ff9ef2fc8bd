//! The relay's signalling: a back-to-back user agent (RFC 7092 §3.2.3) between browsers on WebSockets and PBXs on UDP,
//! TCP and TLS.
//!
//! Two [`UserAgent`]s, one for each side, and a table ([`join`]) that says what an event on one leg does to the
//! other. It does not touch media: a worker is told by [`MediaCommand`]s what to do and answers with
//! [`MediaEvent`](crate::media::control::MediaEvent)s.
//!
//! After each [`B2bua::handle_input`], call [`B2bua::poll_output`] until it returns [`Output::Timeout`].

mod bindings;
mod call;
mod calls;
mod cause;
mod config;
mod decisions;
mod dns;
mod drain;
mod early;
mod failover;
mod farewell;
mod fit;
mod guards;
mod guests;
mod headers;
mod identity;
mod in_call;
mod in_dialog;
mod inbound;
mod join;
mod late_news;
mod locate;
mod media;
mod order;
mod outbound;
mod outside;
mod passing;
mod port;
mod redirect;
mod registrar;
mod resolver;
mod routes;
mod sdp_bridge;
mod subscriptions;
mod supervision;
mod takeover;
mod terms;
mod transfers;
mod trunks;
mod unasked;
mod watches;

pub use call::{CallDirection, CallRecord};
pub use config::{Config, Domain, Gateway, GatewayId, LegConfig, Trunk, TrunkSocket};
pub use decisions::{Decision, Undecided};
pub use dns::{Answer, Question, Record, RecordKind};
pub use guards::RequestPaces;
pub use passing::PassHeaders;
pub use port::{Access, FlowFault, Input, Output};
pub use redirect::Redirects;
pub use supervision::{CallFault, CallState, CallStatus};
pub use terms::Srtp;
pub use trunks::{GatewayStatus, Health};

use crate::admission::{Admission, Denial};
use crate::media::control::{MediaCommand, MediaId, Side};
use bindings::Bindings;
use calls::Calls;
use cause::Refusal;
use guards::Guards;
use guests::Guests;
use locate::Abilities;
use outside::Outside;
use registrar::Registers;
use resolver::Resolver;
use sip_core::agent::{self, Event, IncomingId, LocalSocket, RequestId, UserAgent};
use sip_core::message::{Method, Request, StatusCode, Uri};
use sip_core::{Entropy, Flow, Instant, SocketId, Transport};
use std::collections::{BTreeMap, VecDeque};
use transfers::Senders;
use trunks::Trunks;
use watches::Watches;

/// The relay's signalling machine.
#[derive(Debug)]
pub struct B2bua {
    config: Config,
    web: UserAgent,
    trunk: UserAgent,
    calls: Calls,
    bindings: Bindings,
    registers: Registers,
    guests: Guests,
    guards: Guards,
    senders: Senders,
    outside: Outside,
    watches: Watches,
    relayed: BTreeMap<(SideKey, RequestId), (IncomingId, MediaId)>,
    /// Calls whose PBX has hung up before it told how a transfer went.
    late_news: BTreeMap<late_news::DialogName, MediaId>,
    probes: BTreeMap<RequestId, MediaId>,
    /// BYEs of browsers on their way to the PBX.
    byes: BTreeMap<RequestId, MediaId>,
    resolver: Resolver,
    abilities: Abilities,
    trunks: Trunks,
    /// Why flows toward PBXs failed, while their transactions are being told.
    faults: BTreeMap<Flow, FlowFault>,
    /// Calls whose way is not known yet.
    wayless: Vec<MediaId>,
    is_draining: bool,
    entropy: Entropy,
    outputs: VecDeque<Output>,
    web_timeout: Option<Instant>,
    trunk_timeout: Option<Instant>,
}

/// [`Side`] as a key: which agent sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SideKey {
    Web,
    Trunk,
}

impl From<Side> for SideKey {
    fn from(side: Side) -> Self {
        match side {
            Side::Web => Self::Web,
            Side::Trunk => Self::Trunk,
        }
    }
}

/// Sessions beyond the calls that are allowed: those that are being refused or are ending.
const SPARE_SESSIONS: usize = 256;
/// Requests under way on one side, refreshes of all bindings among them.
const MAX_TRANSACTIONS: usize = 65_536;

/// How busy the relay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Calls that are not over.
    pub calls: usize,
    /// Bindings granted or asked for.
    pub bindings: usize,
    /// Subscriptions that are not over.
    pub subscriptions: usize,
}

impl B2bua {
    /// A relay without calls. `seed` is drawn from the system once.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut entropy = Entropy::new(seed);
        // A browser's Replaces may name a dialog that only the PBX has.
        let trunk_config = agent::Config {
            replaces: true,
            dialog_methods: vec![Method::Notify],
            ..agent_config(&config, &config.trunk_leg, &[Method::Message, Method::Notify])
        };
        let web_methods = [Method::Register, Method::Bye, Method::Message, Method::Subscribe, Method::Publish];
        let web_config = agent::Config {
            dialog_methods: vec![Method::Subscribe],
            ..agent_config(&config, &config.web_leg, &web_methods)
        };
        let mut trunk = UserAgent::new(trunk_config, entropy.bytes());
        for socket in &config.sockets {
            trunk.open_socket(socket.id, local_socket(socket));
        }
        Self {
            web: UserAgent::new(web_config, entropy.bytes()),
            trunk,
            calls: Calls::default(),
            bindings: Bindings::default(),
            registers: Registers::default(),
            guards: Guards::default(),
            guests: Guests::new(Admission::new(config.admission.clone())),
            senders: Senders::default(),
            outside: Outside::default(),
            watches: Watches::default(),
            relayed: BTreeMap::new(),
            late_news: BTreeMap::new(),
            probes: BTreeMap::new(),
            byes: BTreeMap::new(),
            resolver: Resolver::new(config.resolve_ttl),
            abilities: Abilities::new(config.sockets.iter().map(|socket| (socket.transport, socket.local))),
            trunks: Trunks::new(&config, Instant::ZERO),
            faults: BTreeMap::new(),
            wayless: Vec::new(),
            is_draining: false,
            entropy,
            outputs: VecDeque::new(),
            web_timeout: None,
            trunk_timeout: None,
            config,
        }
    }

    /// Something happened.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::WallClock(time) => self.guests.set_clock(time, now),
            Input::Rules(rules) => self.guests.set_rules(*rules),
            Input::WebOpened { socket, peer, secure, page, access } => {
                self.guards.opened(socket, peer.ip());
                self.web.open_socket(socket, web_socket(secure));
                self.guests.opened(socket, page, access);
            }
            Input::WebMessage { socket, bytes } => self.web.handle_message(Flow::connection(socket), &bytes, now),
            Input::WebClosed { socket } => self.handle_web_closed(socket, now),
            Input::WebLost { socket } => self.handle_web_lost(socket, now),
            Input::TrunkMessage { flow, bytes } => self.trunk.handle_message(flow, &bytes, now),
            Input::FlowFailed { flow, fault } => self.handle_flow_failed(flow, fault, now),
            Input::Media(event) => self.handle_media(event, now),
            Input::Resolved { query, result } => self.handle_resolved(query, result, now),
            Input::Timeout => self.handle_timeout(now),
            Input::Decided { id, decision } => self.handle_decided(id, decision, now),
            Input::Drain => self.is_draining = true,
            Input::Shutdown => self.handle_shutdown(now),
        }
        self.drain(now);
        self.tell_gateways();
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(self.next_timeout()))
    }

    /// How busy the relay is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        Occupancy { calls: self.calls.len(), bindings: self.bindings.len(), subscriptions: self.watches.len() }
    }

    /// Every gateway and whether it is there.
    #[must_use]
    pub fn gateways(&self) -> Vec<GatewayStatus> {
        self.trunks.all(&self.config)
    }

    /// Drains both agents into `outputs`, acting on their events as they come.
    fn drain(&mut self, now: Instant) {
        loop {
            let moved = self.drain_web(now) | self.drain_trunk(now);
            if !moved {
                return;
            }
        }
    }

    fn drain_web(&mut self, now: Instant) -> bool {
        let mut moved = false;
        loop {
            match self.web.poll_output() {
                agent::Output::Transmit { flow, bytes } => {
                    self.outputs.push_back(Output::WebSend { socket: flow.socket, bytes });
                }
                agent::Output::Event(event) => self.handle_event(Side::Web, event, now),
                agent::Output::Timeout(at) => {
                    self.web_timeout = at;
                    return moved;
                }
            }
            moved = true;
        }
    }

    fn drain_trunk(&mut self, now: Instant) -> bool {
        let mut moved = false;
        loop {
            match self.trunk.poll_output() {
                agent::Output::Transmit { flow, bytes } => self.outputs.push_back(Output::TrunkSend { flow, bytes }),
                agent::Output::Event(event) => self.handle_event(Side::Trunk, event, now),
                agent::Output::Timeout(at) => {
                    self.trunk_timeout = at;
                    return moved;
                }
            }
            moved = true;
        }
    }

    fn handle_event(&mut self, side: Side, event: Event, now: Instant) {
        match (side, event) {
            (Side::Web, Event::IncomingCall { session, request, offer, .. }) => {
                self.web_calls(session, request, offer.as_deref(), now);
            }
            (Side::Trunk, Event::IncomingCall { session, flow, request, offer, replaces, .. }) => {
                self.note_alias(flow, &request);
                self.trunk_calls((session, replaces), request, offer.as_deref(), now);
            }
            (side, Event::Session { id, event }) => self.join(side, id, event, now),
            (Side::Web, Event::Request { id, session: Some(session), request, .. })
                if request.method == Method::Bye =>
            {
                self.browser_leaves(id, session, request, now);
            }
            (side, Event::Request { id, session: Some(session), request, .. }) => {
                self.relay_request(side, id, session, &request, now);
            }
            (Side::Trunk, Event::Request { id, flow, request, .. }) if request.method == Method::Notify => {
                self.trunk_notifies(id, flow, &request, now);
            }
            (Side::Trunk, Event::Request { id, request, .. }) => self.trunk_asks(id, &request, now),
            (Side::Web, Event::Request { id, flow, request, .. })
                if request.method != Method::Bye && self.is_closed_to(flow.socket, &request.headers) =>
            {
                let Refusal { status, reason, .. } = self.denied(Denial::NotACall);
                self.turn_down(Side::Web, id, status, &reason.unwrap_or_default(), now);
            }
            (Side::Web, Event::Request { id, flow, request, .. }) => match request.method {
                Method::Register => self.browser_registers(id, flow, *request, now),
                Method::Subscribe if has_to_tag(&request) => self.browser_resubscribes(id, &request, now),
                // Of no call that there is.
                Method::Bye => self.respond(Side::Web, id, StatusCode::CALL_DOES_NOT_EXIST, now),
                _ => self.browser_asks(id, flow, request, now),
            },
            (side, Event::Response { id, response }) => self.handle_response(side, id, &response, now),
            (side, Event::RequestFailed { id, failure }) => self.handle_failure(side, id, &failure, now),
            (_, event) => tracing::debug!(?event, "an event that the relay has no use for"),
        }
    }

    fn handle_web_closed(&mut self, socket: SocketId, now: Instant) {
        self.bindings.handle_socket_closed(socket);
        self.guests.closed(socket);
        self.guards.closed(socket);
        self.watches_lose_socket(socket, now);
        self.web.handle_socket_closed(socket, now);
    }

    fn handle_web_lost(&mut self, socket: SocketId, now: Instant) {
        self.bindings.handle_socket_closed(socket);
        self.guests.closed(socket);
        self.guards.closed(socket);
        self.web.handle_socket_lost(socket, self.config.call_recovery, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.web.handle_timeout(now);
        self.trunk.handle_timeout(now);
        self.bindings.handle_timeout(now);
        self.watches_timeout(now);
        self.calls_timeout(now);
        self.guests_timeout(now);
        self.registers_timeout(now);
        self.probe_gateways(now);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let all = [
            self.web_timeout,
            self.trunk_timeout,
            self.bindings.next_timeout(),
            self.calls.next_timeout(),
            self.guests.next_timeout(),
            self.registers.next_timeout(),
            self.trunks.next_timeout(),
            self.watches.next_timeout(),
        ];
        all.into_iter().flatten().min()
    }

    /// The DNS has answered: what waited for it goes on, or asks the next question.
    fn handle_resolved(&mut self, query: u64, result: Result<Answer, String>, now: Instant) {
        if self.resolver.handle_resolved(query, result, now) {
            self.calls_resolved(now);
            self.registers_resolved(now);
            self.outside_resolved(now);
        }
    }

    fn media(&mut self, command: MediaCommand) {
        self.outputs.push_back(Output::Media(command));
    }
}

fn agent_config(config: &Config, leg: &LegConfig, application_methods: &[Method]) -> agent::Config {
    let default = agent::Config::default();
    agent::Config {
        product: config.product.clone(),
        application_methods: application_methods.to_vec(),
        // Calls are counted here, where the refusal can say when to try again.
        max_sessions: config.max_calls.saturating_add(SPARE_SESSIONS),
        full_status: 503,
        max_transactions: MAX_TRANSACTIONS,
        supported: vec!["replaces", "norefersub"],
        allow: default.allow.iter().cloned().chain([Method::Refer]).collect(),
        reliability: leg.reliability,
        session_timers: leg.session_timers,
        ..default
    }
}

fn local_socket(socket: &TrunkSocket) -> LocalSocket {
    LocalSocket {
        transport: socket.transport,
        sent_by: socket.local.to_string(),
        contact: contact_at(socket, "switchhook"),
    }
}

/// Our URI on the trunk side.
fn contact_at(socket: &TrunkSocket, user: &str) -> Uri {
    let mut uri = Uri::sip(Some(user), socket.local.ip().into(), Some(socket.local.port()));
    if socket.transport != Transport::Udp {
        uri.params.set("transport", Some(socket.transport.uri_parameter()));
    }
    uri
}

/// Our URI on the web side.
fn web_contact() -> Uri {
    let mut contact = Uri::sip(Some("switchhook"), sip_core::message::Host::Name(transfers::WEB_HOST.to_owned()), None);
    contact.params.set("transport", Some("ws"));
    contact
}

fn has_to_tag(request: &Request) -> bool {
    request.headers.to().is_ok_and(|to| to.tag().is_some())
}

/// A browser reaches us only through its WebSocket, so the name in Via and Contact needs no meaning (RFC 7118 §5.2).
fn web_socket(secure: bool) -> LocalSocket {
    let transport = if secure { Transport::Wss } else { Transport::Ws };
    LocalSocket { transport, sent_by: transfers::WEB_HOST.to_owned(), contact: web_contact() }
}
