//! From a transaction to its owner: one table for what came, one for whose it is.

use super::UserAgent;
use super::endpoint::Owner;
use super::event::{Failure, SessionId};
use crate::dialog::Dialog;
use crate::flow::Flow;
use crate::message::{Method, Request, Response, StatusCode};
use crate::time::Instant;
use crate::transaction::{ClientId, ServerId, TransactionEvent, TransactionOutput};

impl UserAgent {
    /// Takes everything out of the transactions. What their events cause goes back in, so this ends when nothing more
    /// is caused.
    pub(super) fn drain(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.endpoint.transactions.poll_output() {
                match output {
                    TransactionOutput::Transmit { flow, bytes } => self.endpoint.transmit(flow, bytes),
                    TransactionOutput::Event(event) => self.dispatch(event, now),
                }
            }
            let Some(session) = self.endpoint.pop_ended() else {
                return;
            };
            self.replacing.remove(&session);
            self.transfers.handle_session_ended(session, &mut self.endpoint, now);
        }
    }

    fn dispatch(&mut self, event: TransactionEvent, now: Instant) {
        match event {
            TransactionEvent::Request { id, request, flow } => self.handle_request(id, request, flow, now),
            TransactionEvent::Cancel { id, request, invite, flow } => {
                self.handle_cancel(id, &request, invite, flow, now)
            }
            TransactionEvent::Ack { request, .. } => self.handle_ack(&request, now),
            TransactionEvent::Response { id, response } => self.handle_outcome(id, Ok(response), now),
            TransactionEvent::Timeout { id } => self.handle_outcome(id, Err(Failure::Timeout), now),
            TransactionEvent::TransportFailed { id } if self.endpoint.falls_back(id) => {}
            TransactionEvent::TransportFailed { id } => self.handle_outcome(id, Err(Failure::TransportFailed), now),
            TransactionEvent::StrayResponse { .. } => self.endpoint.counters.stray_responses += 1,
            TransactionEvent::ServerTransportFailed { id } => self.handle_unanswerable(id),
            TransactionEvent::AckTimeout { .. } => {}
            TransactionEvent::ClientTerminated { id } => self.endpoint.retire(id, now),
            TransactionEvent::ServerTerminated { id } => self.handle_server_terminated(id),
        }
    }

    fn handle_outcome(&mut self, client: ClientId, outcome: Result<Response, Failure>, now: Instant) {
        let Some((owner, flow)) = self.endpoint.owner(client) else {
            return;
        };
        let Self { endpoint, sessions, registrations, subscriptions, publications, requests, transfers, .. } = self;
        match owner {
            Owner::Invite(id) => self.handle_invite_outcome(id, (client, flow), outcome, now),
            Owner::Reinvite(id) => self.handle_reinvite_outcome(id, client, outcome, now),
            Owner::Aside(id) => {
                sessions.with(id, |session| session.handle_aside_outcome(client, outcome, endpoint, now)).unwrap_or(())
            }
            Owner::Bye(id) => {
                sessions.with(id, |session| session.handle_bye_outcome(outcome, endpoint, now)).unwrap_or(())
            }
            Owner::Request(id) => requests.handle_outcome(id, outcome, sessions, endpoint, now),
            Owner::Subscription(id) => subscriptions.handle_outcome((id, client), outcome, endpoint, now),
            Owner::Publication(id) => publications.handle_outcome((id, client), outcome, endpoint, now),
            Owner::Transfer(id) => transfers.handle_outcome(id, outcome, sessions, endpoint, now),
            Owner::Registration(id) => registrations.handle_outcome((id, client), outcome, endpoint, now),
            Owner::Nobody => {}
        }
    }

    /// The session takes all up to its first 2xx; copies of a 2xx are acknowledged again, 2xx of other forks hung up
    /// (RFC 3261 §13.2.2.4).
    fn handle_invite_outcome(
        &mut self,
        id: SessionId,
        (client, flow): (ClientId, Flow),
        outcome: Result<Response, Failure>,
        now: Instant,
    ) {
        let Self { endpoint, sessions, .. } = self;
        let outcome = match outcome {
            Ok(response) if response.status.is_success() && endpoint.repeat_ack(client, &response) => {
                return;
            }
            outcome => outcome,
        };
        let takes = sessions.get(id).is_some_and(|session| session.awaits(client));
        match outcome {
            outcome if takes => {
                sessions.with(id, |session| session.handle_invite_outcome(outcome, endpoint, now));
            }
            Ok(response) if response.status.is_success() => self.handle_surplus_2xx(id, (client, flow), &response, now),
            _ => {}
        }
    }

    fn handle_reinvite_outcome(
        &mut self,
        id: SessionId,
        client: ClientId,
        outcome: Result<Response, Failure>,
        now: Instant,
    ) {
        let Self { endpoint, sessions, .. } = self;
        match outcome {
            Ok(response) if response.status.is_success() && endpoint.repeat_ack(client, &response) => {}
            outcome => {
                sessions.with(id, |session| session.handle_reinvite_outcome(client, outcome, endpoint, now));
            }
        }
    }

    /// A 2xx nobody waits for: of another fork, or after the session has ended. ACK and BYE.
    fn handle_surplus_2xx(
        &mut self,
        id: SessionId,
        (client, flow): (ClientId, Flow),
        response: &Response,
        now: Instant,
    ) {
        let owes_ack = self.sessions.get(id).is_some_and(|session| session.owes_ack_for(response));
        let Some(invite) = self.endpoint.transactions.invite_request(client).cloned() else {
            return;
        };
        if owes_ack {
            return;
        }
        if !self.endpoint.has_room_for_fork(client) {
            self.endpoint.counters.forks_dropped += 1;
            return;
        }
        let Ok(mut dialog) = Dialog::uac(&invite, response, flow) else {
            return;
        };
        self.endpoint.counters.forks_hung_up += 1;
        self.endpoint.acknowledge(&dialog, &invite, None, flow, client);
        let bye = dialog.request(Method::Bye);
        let flow = self.endpoint.next_hop(&bye, flow);
        if self.endpoint.send(bye, flow, Owner::Nobody, now).is_err() {
            tracing::debug!("the BYE of a surplus fork could not be sent");
        }
    }

    fn handle_ack(&mut self, ack: &Request, now: Instant) {
        let Self { endpoint, sessions, .. } = self;
        let found = find_session(sessions, ack);
        let handled = found.and_then(|id| sessions.with(id, |session| session.handle_ack(ack, endpoint, now)));
        if handled.is_none() {
            endpoint.counters.stray_acks += 1;
        }
    }

    /// The CANCEL gets its 200 here, the INVITE its 487 from the session (§9.2).
    fn handle_cancel(&mut self, id: ServerId, cancel: &Request, invite: Option<ServerId>, flow: Flow, now: Instant) {
        let Self { endpoint, sessions, invites, .. } = self;
        let session = invite.and_then(|invite| invites.get(&invite).copied());
        let tag = session.and_then(|id| sessions.get(id)).map(|session| session.view().local_tag.to_owned());
        let status = if invite.is_some() { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        let tag = tag.unwrap_or_else(|| endpoint.fresh_tag());
        let Ok(contact) = endpoint.socket(flow.socket).map(|local| local.contact.clone()) else {
            return;
        };
        endpoint.respond(id, cancel, cancel.reply(status, Some(&tag)), &contact, now);
        if let (Some(invite), Some(session)) = (invite, session) {
            sessions.with(session, |session| session.handle_cancel(invite, cancel, endpoint, now));
        }
    }

    /// Our responses do not arrive.
    fn handle_unanswerable(&mut self, server: ServerId) {
        let Self { endpoint, sessions, invites, .. } = self;
        if let Some(id) = invites.get(&server).copied() {
            sessions.with(id, |session| session.handle_unanswerable(server, endpoint));
        }
    }

    fn handle_server_terminated(&mut self, server: ServerId) {
        self.invites.remove(&server);
        self.requests.handle_terminated(server);
    }
}

/// The session whose dialog a request of the other side names.
pub(super) fn find_session(sessions: &crate::session::Sessions, request: &Request) -> Option<SessionId> {
    let to = request.headers.to().ok()?;
    sessions.find(request.headers.call_id().ok()?, to.tag()?)
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use crate::message::NameAddr;
    use crate::{Duration, Transport};

    const WIRE: Flow = Flow::connection(SocketId(1));

    fn agent(name: &str, seed: u8) -> UserAgent {
        let mut agent = UserAgent::new(Config::default(), [seed; 32]);
        let contact = format!("sip:{name}@{name}.invalid").parse().unwrap();
        let local = LocalSocket { transport: Transport::Udp, sent_by: format!("{name}.invalid"), contact };
        agent.open_socket(WIRE.socket, local);
        agent
    }

    /// Takes what an agent sends; accepts what comes and hangs up what stands.
    fn sent(agent: &mut UserAgent, now: Instant) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        loop {
            match agent.poll_output() {
                Output::Transmit { bytes, .. } => sent.push(bytes),
                Output::Event(Event::IncomingCall { session, .. }) => {
                    agent.accept(session, "v=0".to_owned(), Vec::new(), now).unwrap();
                }
                Output::Event(Event::Session { id, event: SessionEvent::Confirmed { .. } }) => {
                    agent.hang_up(id, None, now).unwrap();
                }
                Output::Event(_) => {}
                Output::Timeout(_) => return sent,
            }
        }
    }

    #[test]
    fn a_call_that_is_over_leaves_nothing_behind() {
        let (mut alice, mut bob) = (agent("alice", 1), agent("bob", 2));
        let mut now = Instant::ZERO;
        let uri = |text: &str| text.parse().unwrap();
        let invite = Invite::new(uri("sip:bob@bob.invalid"), NameAddr::new(uri("sip:alice@alice.invalid")), WIRE);
        alice.invite(Invite { offer: Some("v=0".to_owned()), ..invite }, now).unwrap();

        for _ in 0..200 {
            now += Duration::from_millis(500);
            sent(&mut alice, now).iter().for_each(|bytes| bob.handle_message(WIRE, bytes, now));
            sent(&mut bob, now).iter().for_each(|bytes| alice.handle_message(WIRE, bytes, now));
            alice.handle_timeout(now);
            bob.handle_timeout(now);
        }

        for agent in [&alice, &bob] {
            assert_eq!(agent.counters().sessions_ended, 1);
            assert_eq!(agent.sessions.len(), 0);
            assert!(agent.invites.is_empty());
            assert_eq!(agent.endpoint.transactions.client_count(), 0);
            assert_eq!(agent.endpoint.transactions.server_count(), 0);
            assert!(agent.endpoint.is_bare(), "{:?}", agent.endpoint);
        }
    }
}
