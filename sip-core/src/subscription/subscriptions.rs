//! All subscriptions of an agent. A phone watches a few dozen lines, bounded by `Config::max_subscriptions`: a walk
//! through them costs less than indexes would.

use super::Subscription;
use crate::agent::{AgentError, Endpoint, Failure, Subscribe, SubscriptionId, headers};
use crate::flow::{Flow, SocketId};
use crate::message::{Request, Response};
use crate::time::Instant;
use crate::transaction::{ClientId, ServerId};

/// See the module.
#[derive(Debug)]
pub(crate) struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn subscribe(
        &mut self,
        wish: Subscribe,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<SubscriptionId, AgentError> {
        headers::check(&wish.headers)?;
        if self.0.len() >= endpoint.config.max_subscriptions {
            return Err(AgentError::Full);
        }
        let (id, flow) = (SubscriptionId(endpoint.fresh_id()), wish.flow);
        endpoint.socket(flow.socket)?;
        self.0.push(Subscription::new(id, wish));
        self.with(id, |subscription| subscription.subscribe(flow, endpoint, now));
        Ok(id)
    }

    pub(crate) fn resubscribe(
        &mut self,
        id: SubscriptionId,
        flow: Flow,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        endpoint.socket(flow.socket)?;
        let done = self.with(id, |subscription| subscription.subscribe(flow, endpoint, now));
        done.ok_or(AgentError::UnknownSubscription(id))
    }

    pub(crate) fn unsubscribe(
        &mut self,
        id: SubscriptionId,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        let done = self.with(id, |subscription| subscription.unsubscribe(endpoint, now));
        done.unwrap_or(Err(AgentError::UnknownSubscription(id)))
    }

    pub(crate) fn forget(&mut self, id: SubscriptionId) {
        self.0.retain(|subscription| subscription.id != id);
    }

    /// Which subscription a NOTIFY answers.
    pub(crate) fn find(&self, notify: &Request) -> Option<SubscriptionId> {
        let (call_id, to) = (notify.headers.call_id().ok()?, notify.headers.to().ok()?);
        let tag = to.tag()?;
        self.0.iter().find(|subscription| subscription.is_named(call_id, tag)).map(|subscription| subscription.id)
    }

    pub(crate) fn handle_notify(
        &mut self,
        id: SubscriptionId,
        notify: (ServerId, Request),
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        self.with(id, |subscription| subscription.handle_notify(notify, endpoint, now));
    }

    pub(crate) fn handle_outcome(
        &mut self,
        (id, client): (SubscriptionId, ClientId),
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        self.with(id, |subscription| subscription.handle_outcome(client, outcome, endpoint, now));
    }

    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, endpoint: &mut Endpoint) {
        self.0.iter_mut().for_each(|subscription| subscription.handle_socket_closed(socket, endpoint));
        self.drop_ended();
    }

    pub(crate) fn handle_timeout(&mut self, endpoint: &mut Endpoint, now: Instant) {
        for subscription in &mut self.0 {
            while subscription.deadline().is_some_and(|due| due <= now) {
                subscription.handle_timeout(endpoint, now);
            }
        }
        self.drop_ended();
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(Subscription::deadline).min()
    }

    fn with<T>(&mut self, id: SubscriptionId, act: impl FnOnce(&mut Subscription) -> T) -> Option<T> {
        let result = act(self.0.iter_mut().find(|subscription| subscription.id == id)?);
        self.drop_ended();
        Some(result)
    }

    fn drop_ended(&mut self) {
        self.0.retain(|subscription| !subscription.is_over());
    }
}
