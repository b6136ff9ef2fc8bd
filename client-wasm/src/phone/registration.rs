//! Whether the user wants to be reachable, and what the registrar says about it.
//!
//! sip-core keeps one binding fresh on one connection (RFC 3261 §10, RFC 5626); this decides when there is to be one:
//! on each new connection while it is wanted, again later when the server could not do it now, never again by itself
//! when it refused the account.

use std::collections::VecDeque;

use sip_core::agent::{Failure, Grant, Register, RegistrationEvent, RegistrationId, UserAgent};
use sip_core::message::{NameAddr, StatusCode, Uri};
use sip_core::{Duration, Entropy, Flow, Instant};

use super::Output;
use super::backoff::Backoff;
use super::settings::Settings;
use crate::errors;
use crate::types::{CoreEvent, ErrorCode, ErrorInfo, RegistrationGrant, RegistrationState};

/// A server that wants to be left alone longer is asked then all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The registration machine.
pub(super) struct Registration {
    wanted: bool,
    /// The agent's, which has one Call-ID and its nonces for all connections.
    id: Option<RegistrationId>,
    is_connected: bool,
    shown: RegistrationState,
    retry: Option<Instant>,
    failures: u32,
}

/// What the phone does about what the registrar said.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// It is settled for now: the server takes the flow for dead after so much silence.
    Settled(Option<Duration>),
    /// This connection leads nowhere.
    DeadFlow,
    /// Another server may do better; this one wants to be left alone so long.
    Overloaded(Option<Duration>),
}

impl Registration {
    pub(super) const fn new() -> Self {
        Self {
            wanted: false,
            id: None,
            is_connected: false,
            shown: RegistrationState::Unregistered,
            retry: None,
            failures: 0,
        }
    }

    /// Whether there is a binding.
    pub(super) fn stands(&self) -> bool {
        self.shown == RegistrationState::Registered
    }

    /// The user wants to be reachable; `flow` is there when the server is connected.
    pub(super) fn want(&mut self, agent: &mut UserAgent, settings: &Settings, flow: Option<Flow>, now: Instant) {
        self.wanted = true;
        self.failures = 0;
        let is_there = matches!(self.shown, RegistrationState::Registering | RegistrationState::Registered);
        if let Some(flow) = flow.filter(|_| !is_there) {
            self.register(agent, settings, flow, now);
        }
    }

    /// The user does not want to be reachable any more; with `all`, at no other phone either.
    pub(super) fn unwant(&mut self, all: bool, agent: &mut UserAgent, out: &mut VecDeque<Output>, now: Instant) {
        self.wanted = false;
        self.retry = None;
        let withdraw = if all { UserAgent::unregister_all } else { UserAgent::unregister };
        let withdrawn = self.is_connected && self.id.is_some_and(|id| withdraw(agent, id, now).is_ok());
        if !withdrawn {
            self.show(RegistrationState::Unregistered, None, None, None, out);
        }
    }

    /// Whether its outcome is awaited on this connection.
    pub(super) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Whether it is wanted and not there.
    pub(super) fn is_pending(&self) -> bool {
        self.wanted && self.shown != RegistrationState::Registered
    }

    /// A new connection is there.
    pub(super) fn handle_connected(&mut self, agent: &mut UserAgent, settings: &Settings, flow: Flow, now: Instant) {
        self.is_connected = true;
        if self.wanted {
            self.register(agent, settings, flow, now);
        }
    }

    /// The connection is gone, and nobody can be reached on it.
    pub(super) fn handle_disconnected(&mut self, out: &mut VecDeque<Output>) {
        self.retry = None;
        self.is_connected = false;
        if matches!(self.shown, RegistrationState::Registering | RegistrationState::Registered) {
            let error = self.wanted.then(|| ErrorInfo::new(ErrorCode::ConnectionLost));
            self.show(RegistrationState::Unregistered, None, error, None, out);
        }
    }

    /// What the agent says.
    pub(super) fn handle_event(
        &mut self,
        id: RegistrationId,
        event: RegistrationEvent,
        entropy: &mut Entropy,
        out: &mut VecDeque<Output>,
        now: Instant,
    ) -> Effect {
        // On a lost connection it fails, which has been told already.
        if self.id != Some(id) || !self.is_connected {
            return Effect::None;
        }
        match event {
            RegistrationEvent::Registering => self.show(RegistrationState::Registering, None, None, None, out),
            RegistrationEvent::Registered { grant } => {
                self.failures = 0;
                let flow_timer = grant.flow_timer;
                self.show(RegistrationState::Registered, Some(&grant), None, None, out);
                return Effect::Settled(flow_timer);
            }
            RegistrationEvent::Unregistered => self.show(RegistrationState::Unregistered, None, None, None, out),
            RegistrationEvent::Failed { failure, retry_after } => {
                self.fail(&failure, retry_after, entropy, out, now);
                return effect_of(&failure, retry_after);
            }
            _ => {}
        }
        Effect::None
    }

    /// Another attempt, if one is due.
    pub(super) fn handle_timeout(
        &mut self,
        agent: &mut UserAgent,
        settings: &Settings,
        flow: Option<Flow>,
        now: Instant,
    ) {
        if self.retry.is_some_and(|due| due <= now) {
            self.retry = None;
            if let Some(flow) = flow {
                self.register(agent, settings, flow, now);
            }
        }
    }

    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        self.retry
    }

    fn register(&mut self, agent: &mut UserAgent, settings: &Settings, flow: Flow, now: Instant) {
        self.retry = None;
        if self.id.is_some_and(|id| agent.reregister(id, flow, now).is_ok()) {
            return;
        }
        let register = Register {
            registrar: settings.registrar.clone(),
            aor: settings.from.clone(),
            contact: settings.binding(),
            flow,
            expires: settings.expires,
            credentials: settings.credentials.clone(),
            headers: settings.headers.clone(),
            is_sole: true,
        };
        self.id = Some(agent.register(register, now));
    }

    fn fail(
        &mut self,
        failure: &Failure,
        retry_after: Option<Duration>,
        entropy: &mut Entropy,
        out: &mut VecDeque<Output>,
        now: Instant,
    ) {
        let mut error = errors::registration(failure);
        let mut wait = None;
        if self.wanted && may_pass(failure) {
            self.failures = self.failures.saturating_add(1);
            let drawn = Backoff::REGISTRATION.wait(self.failures, entropy.number());
            let next = retry_after.map_or(drawn, |asked| asked.min(LONGEST_RETRY_AFTER));
            self.retry = Some(now + next);
            wait = u32::try_from(next.as_millis()).ok();
        } else {
            // Nothing is tried again by itself, whatever a caller may hope from the same status.
            error.fatal = true;
        }
        self.show(RegistrationState::Failed, None, Some(error), wait, out);
    }

    fn show(
        &mut self,
        state: RegistrationState,
        grant: Option<&Grant>,
        error: Option<Box<ErrorInfo>>,
        retry_in_ms: Option<u32>,
        out: &mut VecDeque<Output>,
    ) {
        if state == self.shown && grant.is_none() && error.is_none() {
            return;
        }
        self.shown = state;
        let grant = grant.map(shown);
        out.push_back(Output::Event(CoreEvent::RegistrationChange { state, grant, error, retry_in_ms }));
    }
}

/// A grant as the page sees it.
fn shown(grant: &Grant) -> RegistrationGrant {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let text = |uri: &Uri| uri.to_string();
    RegistrationGrant {
        expires: seconds(grant.expires),
        public_gruu: grant.public_gruu.as_ref().map(text),
        temporary_gruu: grant.temporary_gruu.as_ref().map(text),
        service_route: grant.service_route.iter().map(NameAddr::to_string).collect(),
        outbound: grant.is_outbound,
        flow_timer: grant.flow_timer.map(seconds),
    }
}

/// Whether the same REGISTER may succeed later without anybody changing anything.
fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Timeout | Failure::TransportFailed | Failure::Protocol(_) => true,
        Failure::Rejected { status, .. } => matches!(status.as_u16(), 408 | 430 | 480 | 500..=599),
        _ => false,
    }
}

fn effect_of(failure: &Failure, retry_after: Option<Duration>) -> Effect {
    match failure {
        Failure::Timeout | Failure::Rejected { status: StatusCode::FLOW_FAILED, .. } => Effect::DeadFlow,
        Failure::Rejected { status: StatusCode::SERVICE_UNAVAILABLE, .. } => Effect::Overloaded(retry_after),
        _ => Effect::Settled(None),
    }
}
