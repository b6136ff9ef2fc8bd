//! All publications of an agent: one or two, bounded by `Config::max_publications`.

use super::Publication;
use crate::agent::{AgentError, Endpoint, Failure, PublicationId, Publish, headers};
use crate::flow::{Flow, SocketId};
use crate::message::Response;
use crate::time::Instant;
use crate::transaction::ClientId;

/// See the module.
#[derive(Debug)]
pub(crate) struct Publications(Vec<Publication>);

impl Publications {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn publish(
        &mut self,
        wish: Publish,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<PublicationId, AgentError> {
        headers::check(&wish.headers)?;
        if self.0.len() >= endpoint.config.max_publications {
            return Err(AgentError::Full);
        }
        let (id, flow) = (PublicationId(endpoint.fresh_id()), wish.flow);
        endpoint.socket(flow.socket)?;
        let publication = Publication::new(id, wish, endpoint);
        self.0.push(publication);
        self.with(id, |publication| publication.publish(flow, endpoint, now));
        Ok(id)
    }

    pub(crate) fn forget(&mut self, id: PublicationId) {
        self.0.retain(|publication| publication.id != id);
    }

    pub(crate) fn handle_outcome(
        &mut self,
        (id, client): (PublicationId, ClientId),
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        self.with(id, |publication| publication.handle_outcome(client, outcome, endpoint, now));
    }

    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, endpoint: &mut Endpoint) {
        self.0.iter_mut().for_each(|publication| publication.handle_socket_closed(socket, endpoint));
        self.drop_ended();
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        self.0.iter_mut().for_each(|publication| publication.handle_timeout(endpoint, now));
        self.drop_ended();
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(Publication::deadline).min()
    }

    /// Lets something happen to a publication; one that is over goes.
    pub(crate) fn with<T>(&mut self, id: PublicationId, act: impl FnOnce(&mut Publication) -> T) -> Option<T> {
        let result = act(self.0.iter_mut().find(|publication| publication.id == id)?);
        self.drop_ended();
        Some(result)
    }

    fn drop_ended(&mut self) {
        self.0.retain(|publication| !publication.is_over());
    }

    pub(crate) fn republish(
        &mut self,
        id: PublicationId,
        flow: Flow,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        endpoint.socket(flow.socket)?;
        let done = self.with(id, |publication| publication.publish(flow, endpoint, now));
        done.ok_or(AgentError::UnknownPublication(id))
    }
}
