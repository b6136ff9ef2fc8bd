//! The demo exchange: a small PBX as a value, so that a first call needs nothing but the relay.
//!
//! A registrar and a few numbers that answer by themselves ([`Number`]) on a [`UserAgent`], and calls between its
//! accounts, in which it stands as a back-to-back user agent (RFC 7092). What a number plays is the business of
//! [`player`], one value for each call, driven by whoever owns its RTP socket.
//!
//! It is for demonstrations and tests: no trunk, no voice mail, accounts from the settings, bindings in memory.
//! After each [`Exchange::handle_input`], call [`Exchange::poll_output`] until it returns [`Output::Timeout`].

mod accounts;
mod applications;
mod bridge;
mod config;
mod join;
mod locations;
mod numbers;
pub mod player;
mod port;
mod registrar;
mod sdp;
mod transfers;

pub use config::{Account, Config};
pub use numbers::{NUMBERS, Number};
pub use port::{Input, Output, PlayerId};

use accounts::Gate;
use applications::Applications;
use bridge::Bridges;
use locations::Locations;
use sip_core::agent::{self, Event, IncomingId, LocalSocket, Reply, RequestId, SessionId, UserAgent};
use sip_core::message::{Host, Method, Reason, Request, StatusCode, Uri};
use sip_core::{Entropy, Instant, Transport};
use std::collections::{BTreeMap, VecDeque};
use transfers::Transfers;

/// The demo exchange.
#[derive(Debug)]
pub struct Exchange {
    config: Config,
    agent: UserAgent,
    gate: Gate,
    locations: Locations,
    applications: Applications,
    bridges: Bridges,
    transfers: Transfers,
    /// Requests inside a call that were passed on and wait for the other side's answer.
    relayed: BTreeMap<RequestId, IncomingId>,
    entropy: Entropy,
    outputs: VecDeque<Output>,
    agent_timeout: Option<Instant>,
}

impl Exchange {
    /// An exchange without calls. `seed` is drawn from the system once.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut entropy = Entropy::new(seed);
        let mut agent = UserAgent::new(agent_config(&config), entropy.bytes());
        agent.open_socket(config.socket, local_socket(&config));
        Self {
            agent,
            gate: Gate::new(&config, entropy.fork()),
            locations: Locations::default(),
            applications: Applications::default(),
            bridges: Bridges::default(),
            transfers: Transfers::default(),
            relayed: BTreeMap::new(),
            entropy,
            outputs: VecDeque::new(),
            agent_timeout: None,
            config,
        }
    }

    /// Something happened.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        match input {
            Input::Datagram { flow, bytes } => self.agent.handle_message(flow, &bytes, now),
            Input::FlowFailed { flow } => self.agent.handle_flow_failed(flow, now),
            Input::PlayerOpened { player, address } => self.player_opened(player, address, now),
            Input::Timeout => self.handle_timeout(now),
            Input::Shutdown => self.handle_shutdown(now),
        }
        self.drain(now);
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Timeout(self.next_timeout()))
    }

    /// How many calls there are; one between two accounts counts as one.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.applications.len() + self.bridges.len()
    }

    /// How many phones are registered.
    #[must_use]
    pub fn binding_count(&self) -> usize {
        self.locations.len()
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.agent.poll_output() {
                agent::Output::Transmit { flow, bytes } => self.outputs.push_back(Output::Datagram { flow, bytes }),
                agent::Output::Event(event) => self.handle_event(event, now),
                agent::Output::Timeout(at) => {
                    self.agent_timeout = at;
                    return;
                }
            }
        }
    }

    fn handle_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::IncomingCall { session, request, offer, .. } => self.incoming_call(session, &request, offer, now),
            Event::Session { id, event } => {
                if let Some(event) = self.transfer_event(id, event, now) {
                    self.join(id, event, now);
                }
            }
            Event::Transfer { id, session, event } => self.transfer(id, session, event, now),
            Event::Request { id, session: Some(session), request, .. } => {
                self.in_call_request(id, session, &request, now);
            }
            Event::Request { id, flow, request, .. } if request.method == Method::Register => {
                self.register(id, flow, &request, now);
            }
            Event::Request { id, .. } => self.respond(id, Reply::new(StatusCode::METHOD_NOT_ALLOWED), now),
            Event::Response { id, response } => self.in_call_response(id, &response, now),
            Event::RequestFailed { id, .. } => {
                if let Some(incoming) = self.relayed.remove(&id) {
                    self.respond(incoming, Reply::new(StatusCode::REQUEST_TIMEOUT), now);
                }
            }
            event => tracing::debug!(?event, "an event that the exchange has no use for"),
        }
    }

    /// A new call: who may make it, and where it goes.
    fn incoming_call(&mut self, session: SessionId, request: &Request, offer: Option<String>, now: Instant) {
        let caller = match self.gate.admit_call(request, now) {
            Ok(caller) => caller,
            Err(refusal) => return self.reject(session, refusal.status, None, refusal.headers, now),
        };
        if self.call_count() >= self.config.max_calls {
            return self.reject(session, StatusCode::SERVICE_UNAVAILABLE, None, Vec::new(), now);
        }
        let number = self.number_of(&request.uri);
        tracing::debug!(session = session.0, ?number, "a call");
        match number {
            Some(Number::Busy) => self.reject_with_cause(session, StatusCode::BUSY_HERE, 17, "User busy", now),
            Some(Number::Reject) => self.reject_with_cause(session, StatusCode::DECLINE, 21, "Call rejected", now),
            Some(Number::Account(callee)) => self.call_account(session, request, (caller, callee), offer, now),
            Some(number) => self.call_application(session, number, offer, now),
            None => self.reject_with_cause(session, StatusCode::NOT_FOUND, 1, "Unallocated number", now),
        }
    }

    fn number_of(&self, uri: &Uri) -> Option<Number> {
        let user = uri.user_text().filter(|_| self.is_ours(uri))?;
        Number::named(&user).or_else(|| self.gate.account(&user).map(|account| Number::Account(account.name.clone())))
    }

    /// Whether a URI's host is this exchange: by its domain or by its address. Numbers of `tel:` have no host.
    fn is_ours(&self, uri: &Uri) -> bool {
        let is_domain = uri.host.to_string().eq_ignore_ascii_case(&self.config.domain);
        let is_address = uri.host.ip() == Some(self.config.local.ip());
        is_domain || is_address || !uri.is_sip()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        self.drain(now);
        self.locations.handle_timeout(now);
        self.applications_timeout(now);
        self.transfers_timeout(now);
    }

    fn handle_shutdown(&mut self, now: Instant) {
        for session in self.applications.sessions().into_iter().chain(self.bridges.sessions()) {
            self.hang_up(session, None, now);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let own = self.transfers.next_timeout();
        let all = [self.agent_timeout, self.locations.next_timeout(), self.applications.next_timeout(), own];
        all.into_iter().flatten().min()
    }

    fn reject_with_cause(&mut self, session: SessionId, status: StatusCode, cause: u16, text: &str, now: Instant) {
        self.reject(session, status, None, vec![cause_row(cause, text)], now);
    }

    fn reject(&mut self, session: SessionId, status: StatusCode, reason: Option<String>, headers: Rows, now: Instant) {
        let rejected = self.agent.reject(session, status, reason, headers, now);
        note(rejected, "reject");
    }

    fn hang_up(&mut self, session: SessionId, reason: Option<Reason>, now: Instant) {
        note(self.agent.hang_up(session, reason, now), "hang up");
    }

    fn respond(&mut self, id: IncomingId, reply: Reply, now: Instant) {
        note(self.agent.respond(id, reply, now), "respond");
    }
}

/// Headers for a command.
type Rows = Vec<(sip_core::message::HeaderName, String)>;

/// RFC 3326: what an ISDN would say.
fn cause_row(cause: u16, text: &str) -> (sip_core::message::HeaderName, String) {
    (sip_core::message::HeaderName::Reason, Reason::q850(cause, text).to_string())
}

/// A command may come too late: the other side has just hung up, and its event is on the way.
fn note<T>(result: Result<T, agent::AgentError>, command: &'static str) -> Option<T> {
    result.inspect_err(|error| tracing::debug!(command, %error, "came too late")).ok()
}

fn agent_config(config: &Config) -> agent::Config {
    let default = agent::Config::default();
    agent::Config {
        supported: vec!["norefersub"],
        allow: default.allow.iter().cloned().chain([Method::Refer]).collect(),
        transfers: true,
        max_transfers: config.max_calls,
        product: Some(config.product.clone()),
        application_methods: vec![Method::Register],
        // The caller and all phones of the called account, and one that is refused.
        max_sessions: config.max_calls.saturating_mul(1 + locations::MAX_PHONES).saturating_add(1),
        full_status: 503,
        ..default
    }
}

fn local_socket(config: &Config) -> LocalSocket {
    let host: Host = config.local.ip().into();
    LocalSocket {
        transport: Transport::Udp,
        sent_by: config.local.to_string(),
        contact: Uri::sip(Some("exchange"), host, Some(config.local.port())),
    }
}
