//! All registrations of an agent, found by id, by socket and by deadline.

use super::event::{Failure, RegistrationId};
use super::{AgentError, Deadlines, Endpoint, Register};
use crate::flow::{Flow, SocketId};
use crate::message::Response;
use crate::ordered::{Map, Set};
use crate::registration::Registration;
use crate::time::Instant;
use crate::transaction::ClientId;

/// See the module.
#[derive(Debug)]
pub(crate) struct Registrations {
    all: Map<RegistrationId, Registration>,
    sockets: Set<(SocketId, RegistrationId)>,
    deadlines: Deadlines<RegistrationId>,
}

impl Registrations {
    pub(crate) const fn new() -> Self {
        Self { all: Map::new(), sockets: Set::new(), deadlines: Deadlines::new() }
    }

    pub(crate) fn register(&mut self, register: Register, endpoint: &mut Endpoint, now: Instant) -> RegistrationId {
        let id = RegistrationId(endpoint.fresh_id());
        let flow = register.flow;
        self.all.insert(id, Registration::new(id, register, endpoint));
        self.sockets.insert((flow.socket, id));
        self.with(id, |registration| registration.register(flow, endpoint, now));
        id
    }

    pub(crate) fn reregister(
        &mut self,
        id: RegistrationId,
        flow: Flow,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        endpoint.socket(flow.socket)?;
        let done = self.with(id, |registration| registration.register(flow, endpoint, now));
        done.ok_or(AgentError::UnknownRegistration(id))
    }

    pub(crate) fn unregister(
        &mut self,
        id: RegistrationId,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let done = self.with(id, |registration| registration.unregister(endpoint, now));
        done.unwrap_or(Err(AgentError::UnknownRegistration(id)))
    }

    pub(crate) fn unregister_all(
        &mut self,
        id: RegistrationId,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let done = self.with(id, |registration| registration.clear(endpoint, now));
        done.ok_or(AgentError::UnknownRegistration(id))
    }

    pub(crate) fn forget(&mut self, id: RegistrationId) {
        if let Some(registration) = self.all.remove(&id) {
            self.sockets.remove(&(registration.flow().socket, id));
            self.deadlines.set(id, None);
        }
    }

    pub(crate) fn handle_outcome(
        &mut self,
        (id, client): (RegistrationId, ClientId),
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        self.with(id, |registration| registration.handle_outcome(client, outcome, endpoint, now));
    }

    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, endpoint: &mut Endpoint) {
        let range = (socket, RegistrationId(0))..=(socket, RegistrationId(u64::MAX));
        let ids: Vec<RegistrationId> = self.sockets.range(range).map(|(_, id)| *id).collect();
        for id in ids {
            self.with(id, |registration| registration.handle_socket_closed(endpoint));
        }
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        while let Some(id) = self.deadlines.pop_due(now) {
            self.with(id, |registration| registration.handle_timeout(endpoint, now));
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    fn with<T>(&mut self, id: RegistrationId, act: impl FnOnce(&mut Registration) -> T) -> Option<T> {
        let registration = self.all.get_mut(&id)?;
        let socket = registration.flow().socket;
        let result = act(registration);
        self.deadlines.set(id, registration.deadline());
        if registration.flow().socket != socket {
            self.sockets.remove(&(socket, id));
            self.sockets.insert((registration.flow().socket, id));
        }
        Some(result)
    }
}
