//! After our BYE (RFC 3261 §15.1.1). The application has been told; what remains is to see the BYE through, with
//! credentials where it is asked for some.

use super::negotiation::Negotiation;
use super::usage::{Usage, renumber};
use super::{Session, State, cause};
use crate::agent::{Auth, Endpoint, Owner};
use crate::agent::{End, Failure};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Method, Reason, Request, Response};
use crate::time::Instant;
use crate::transaction::ClientId;

/// A session whose BYE has no answer yet.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) dialog: Dialog,
    /// As last sent, without Via.
    bye: Request,
    /// A re-INVITE of ours that has no final response.
    reinvite: Option<(ClientId, Box<Request>)>,
}

impl Session {
    /// BYE, by our own wish.
    pub(super) fn leave(&mut self, reason: Option<Reason>, endpoint: &mut Endpoint, now: Instant) {
        let end = cause::by_us(None, reason.as_ref());
        self.leave_with(reason, end, endpoint, now);
    }

    /// BYE; the application is told `end` at once, because the session counts as over when the BYE is sent.
    pub(super) fn leave_with(&mut self, reason: Option<Reason>, end: End, endpoint: &mut Endpoint, now: Instant) {
        if !matches!(self.state, State::Confirmed(_)) {
            return;
        }
        self.refuse_open_offers(endpoint, now);
        let state = core::mem::replace(&mut self.state, State::Over);
        self.tell_end(end, endpoint);
        let State::Confirmed(usage) = state else {
            return;
        };
        let Usage { mut dialog, negotiation, .. } = *usage;
        let reinvite = self.abandon(&dialog, negotiation, endpoint);
        let mut bye = dialog.request(Method::Bye);
        if let Some(reason) = reason {
            bye.headers.push(HeaderName::Reason, reason.to_string());
        }
        Auth::authorize(&mut self.auth, &mut bye);
        self.send_bye(Leaving { dialog, bye, reinvite }, endpoint, now);
    }

    /// What the other side still waits for from an open negotiation. Returns our own re-INVITE, if one is under way.
    fn abandon(
        &self,
        dialog: &Dialog,
        negotiation: Negotiation,
        endpoint: &mut Endpoint,
    ) -> Option<(ClientId, Box<Request>)> {
        match negotiation {
            Negotiation::Offering { client, request, .. } if request.method == Method::Invite => {
                return Some((client, request));
            }
            Negotiation::OwingAck { client, invite } => endpoint.acknowledge(dialog, &invite, None, self.flow, client),
            _ => {}
        }
        None
    }

    /// A 2xx to a re-INVITE that was under way when we hung up wants its ACK all the same.
    pub(super) fn acknowledge_late(&self, client: ClientId, endpoint: &mut Endpoint) {
        let State::Leaving(leaving) = &self.state else {
            return;
        };
        if let Some((ours, reinvite)) = &leaving.reinvite
            && *ours == client
        {
            endpoint.acknowledge(&leaving.dialog, reinvite, None, self.flow, client);
        }
    }

    /// Any final answer, or none, ends it (§15.1.1); only a challenge is worth another attempt.
    pub(crate) fn handle_bye_outcome(
        &mut self,
        outcome: Result<Response, Failure>,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let response = match outcome {
            Ok(response) if response.status.is_provisional() => return,
            Ok(response) => response,
            Err(_) => return self.state = State::Over,
        };
        let State::Leaving(mut leaving) = core::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        if Auth::answer(&mut self.auth, &mut leaving.bye, &response, endpoint).is_ok() {
            renumber(&mut leaving.dialog, &mut leaving.bye);
            self.send_bye(*leaving, endpoint, now);
        }
    }

    fn send_bye(&mut self, leaving: Leaving, endpoint: &mut Endpoint, now: Instant) {
        let flow = endpoint.next_hop(&leaving.bye, self.flow);
        if endpoint.send(leaving.bye.clone(), flow, Owner::Bye(self.id), now).is_ok() {
            self.state = State::Leaving(Box::new(leaving));
        }
    }
}
