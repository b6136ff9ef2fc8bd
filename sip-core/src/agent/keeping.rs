//! The commands of [`UserAgent`] for subscriptions, publications, and dialogs that the application keeps itself.

use super::{AgentError, PublicationId, Publish, RequestId, Subscribe, SubscriptionId, UserAgent};
use crate::flow::Flow;
use crate::message::Request;
use crate::time::Instant;

impl UserAgent {
    /// Follows somebody's state until `unsubscribe`, or until the notifier refuses for good (RFC 6665). What comes is
    /// told by [`Event::Subscription`](super::Event::Subscription).
    ///
    /// # Errors
    /// The flow's socket is not open, a header is broken, or there are `Config::max_subscriptions` already.
    pub fn subscribe(&mut self, subscribe: Subscribe, now: Instant) -> Result<SubscriptionId, AgentError> {
        let id = self.subscriptions.subscribe(subscribe, &mut self.endpoint, now);
        self.drain(now);
        id
    }

    /// Makes a subscription anew, over another flow: the one before is gone.
    ///
    /// # Errors
    /// There is no such subscription, or the flow's socket is not open.
    pub fn resubscribe(&mut self, id: SubscriptionId, flow: Flow, now: Instant) -> Result<(), AgentError> {
        let done = self.subscriptions.resubscribe(id, flow, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Ends a subscription; `Ended` follows with the notifier's last NOTIFY, or 64·T1 later.
    ///
    /// # Errors
    /// There is no such subscription, or it is being ended already.
    pub fn unsubscribe(&mut self, id: SubscriptionId, now: Instant) -> Result<(), AgentError> {
        let done = self.subscriptions.unsubscribe(id, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Drops a subscription without a message. No event of it follows, and its next NOTIFY is answered 481.
    pub fn forget_subscription(&mut self, id: SubscriptionId) {
        self.subscriptions.forget(id);
    }

    /// Publishes a document and keeps it published until `unpublish`, or until the server refuses for good (RFC 3903).
    /// What becomes of it is told by [`Event::Publication`](super::Event::Publication).
    ///
    /// # Errors
    /// The flow's socket is not open, a header is broken, or there are `Config::max_publications` already.
    pub fn publish(&mut self, publish: Publish, now: Instant) -> Result<PublicationId, AgentError> {
        let id = self.publications.publish(publish, &mut self.endpoint, now);
        self.drain(now);
        id
    }

    /// Replaces the document. While a PUBLISH is under way, only the newest document follows it.
    ///
    /// # Errors
    /// There is no such publication, or it is being withdrawn.
    pub fn modify(&mut self, id: PublicationId, body: (String, Vec<u8>), now: Instant) -> Result<(), AgentError> {
        let Self { endpoint, publications, .. } = self;
        let done = publications.with(id, |publication| publication.modify(body, endpoint, now));
        self.drain(now);
        done.unwrap_or(Err(AgentError::UnknownPublication(id)))
    }

    /// Publishes again over another flow.
    ///
    /// # Errors
    /// There is no such publication, or the flow's socket is not open.
    pub fn republish(&mut self, id: PublicationId, flow: Flow, now: Instant) -> Result<(), AgentError> {
        let done = self.publications.republish(id, flow, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Withdraws a document.
    ///
    /// # Errors
    /// There is no such publication, or it is being withdrawn already.
    pub fn unpublish(&mut self, id: PublicationId, now: Instant) -> Result<(), AgentError> {
        let Self { endpoint, publications, .. } = self;
        let done = publications.with(id, |publication| publication.remove(endpoint, now));
        self.drain(now);
        done.unwrap_or(Err(AgentError::UnknownPublication(id)))
    }

    /// Drops a publication without a message; the server forgets it when its time is over.
    pub fn forget_publication(&mut self, id: PublicationId) {
        self.publications.forget(id);
    }

    /// Sends a request that the application has made in a [`Dialog`](crate::dialog::Dialog) of its own: a relay's
    /// SUBSCRIBE or NOTIFY. Via, Max-Forwards and the agent's own headers are added. A challenge is the response.
    ///
    /// # Errors
    /// The flow's socket is not open, or the agent is full.
    pub fn dialog_request(&mut self, request: Request, flow: Flow, now: Instant) -> Result<RequestId, AgentError> {
        // The first request of a dialog goes where the application says, like any other out of a dialog.
        let is_inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let flow = if is_inside { self.endpoint.next_hop(&request, flow) } else { flow };
        let sent = self.requests.dialog_request(request, flow, &mut self.endpoint, now);
        self.drain(now);
        sent
    }

    /// The tag that the answers to a request out of any dialog carry in To: what a dialog is made with.
    #[must_use]
    pub fn reply_tag(&self, id: super::IncomingId) -> Option<&str> {
        self.requests.reply_tag(id)
    }
}
