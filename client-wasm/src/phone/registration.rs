//! Whether the user wants to be reachable, and what the registrar says about it.
//!
//! sip-core keeps one binding fresh on one connection (RFC 3261 §10, RFC 5626); this decides when there is to be one:
//! on each new connection while it is wanted, again later when the server could not do it now, never again by itself
//! when it refused the account.

use std::collections::VecDeque;

use sip_core::agent::{Failure, Register, RegistrationEvent, RegistrationId, UserAgent};
use sip_core::{Duration, Entropy, Flow, Instant};

use super::Output;
use super::backoff::Backoff;
use super::settings::Settings;
use crate::errors;
use crate::types::{CoreEvent, ErrorCode, ErrorInfo, RegistrationState};

/// The registration machine.
pub(super) struct Registration {
    wanted: bool,
    /// The agent's, on the present connection.
    id: Option<RegistrationId>,
    shown: RegistrationState,
    retry: Option<Instant>,
    failures: u32,
}

impl Registration {
    pub(super) const fn new() -> Self {
        Self { wanted: false, id: None, shown: RegistrationState::Unregistered, retry: None, failures: 0 }
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

    /// The user does not want to be reachable any more.
    pub(super) fn unwant(&mut self, agent: &mut UserAgent, out: &mut VecDeque<Output>, now: Instant) {
        self.wanted = false;
        self.retry = None;
        let withdrawn = self.id.is_some_and(|id| agent.unregister(id, now).is_ok());
        if !withdrawn {
            self.show(RegistrationState::Unregistered, None, None, out);
        }
    }

    /// A new connection is there.
    pub(super) fn handle_connected(&mut self, agent: &mut UserAgent, settings: &Settings, flow: Flow, now: Instant) {
        if self.wanted {
            self.register(agent, settings, flow, now);
        }
    }

    /// The connection is gone, and nobody can be reached on it.
    pub(super) fn handle_disconnected(&mut self, agent: &mut UserAgent, out: &mut VecDeque<Output>) {
        self.retry = None;
        if let Some(id) = self.id.take() {
            agent.forget_registration(id);
        }
        if matches!(self.shown, RegistrationState::Registering | RegistrationState::Registered) {
            let error = self.wanted.then(|| ErrorInfo::new(ErrorCode::ConnectionLost));
            self.show(RegistrationState::Unregistered, None, error, out);
        }
    }

    /// What the agent says. Returns whether the connection seems to be dead.
    pub(super) fn handle_event(
        &mut self,
        id: RegistrationId,
        event: RegistrationEvent,
        entropy: &mut Entropy,
        out: &mut VecDeque<Output>,
        now: Instant,
    ) -> bool {
        if self.id != Some(id) {
            return false;
        }
        match event {
            RegistrationEvent::Registering => self.show(RegistrationState::Registering, None, None, out),
            RegistrationEvent::Registered { grant } => {
                self.failures = 0;
                self.show(RegistrationState::Registered, Some(grant.expires), None, out);
            }
            RegistrationEvent::Unregistered => self.show(RegistrationState::Unregistered, None, None, out),
            RegistrationEvent::Failed { failure, retry_after } => {
                self.fail(&failure, retry_after, entropy, out, now);
                return failure == Failure::Timeout;
            }
            _ => {}
        }
        false
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
        if let Some(id) = self.id.take() {
            agent.forget_registration(id);
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
        if self.wanted && may_pass(failure) {
            self.failures = self.failures.saturating_add(1);
            let wait = retry_after.unwrap_or_else(|| Backoff::REGISTRATION.wait(self.failures, entropy.number()));
            self.retry = Some(now + wait);
        } else {
            // Nothing is tried again by itself, whatever a caller may hope from the same status.
            error.fatal = true;
        }
        self.show(RegistrationState::Failed, None, Some(error), out);
    }

    fn show(
        &mut self,
        state: RegistrationState,
        expires: Option<Duration>,
        error: Option<ErrorInfo>,
        out: &mut VecDeque<Output>,
    ) {
        // A refresh is not worth an event; its grant is.
        let refresh = state == RegistrationState::Registering && self.shown == RegistrationState::Registered;
        if refresh || (state == self.shown && expires.is_none() && error.is_none()) {
            return;
        }
        self.shown = state;
        let expires = expires.map(|expires| u32::try_from(expires.as_secs()).unwrap_or(u32::MAX));
        out.push_back(Output::Event(CoreEvent::RegistrationChange { state, expires, error }));
    }
}

/// Whether the same REGISTER may succeed later without anybody changing anything.
fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Timeout | Failure::TransportFailed => true,
        Failure::Rejected { status, .. } => matches!(status.as_u16(), 408 | 480 | 500..=599),
        _ => false,
    }
}
