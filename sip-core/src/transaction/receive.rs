//! What comes from the network finds its transaction, opens one, or is passed on (RFC 3261 §17.1.3, §17.2.3, §18).

use super::context::{ClientInput, ServerInput};
use super::key::{ClientKey, MergeKey, ServerKey};
use super::server_invite::ServerInvite;
use super::server_non_invite::ServerNonInvite;
use super::servers::{Server, ServerMachine};
use super::timer::Owner;
use super::{Context, ServerId, TransactionEvent, Transactions, reply_path};
use crate::flow::{Flow, Transport};
use crate::hash::sha256;
use crate::message::{HeaderName, Method, Request, Response, StatusCode};
use crate::time::Instant;

impl Transactions {
    pub(super) fn receive_request(&mut self, mut request: Request, flow: Flow, transport: Transport, now: Instant) {
        let Ok(key) = ServerKey::of(&request) else {
            self.counters.unmatchable += 1;
            return;
        };
        match (self.servers.find(&key), &request.method) {
            (found, Method::Ack) => self.receive_ack(found, request, flow, now),
            (Some(id), _) => self.step_server(id, ServerInput::Repeated, now),
            (None, _) => {
                reply_path::stamp(&mut request, flow);
                self.receive_new(key, request, flow, transport, now);
            }
        }
    }

    fn receive_ack(&mut self, id: Option<ServerId>, ack: Request, flow: Flow, now: Instant) {
        match id {
            Some(id) if self.is_answered_by(id, &ack) => {
                self.step_server(id, ServerInput::Acked(ack, flow), now);
            }
            Some(_) => self.counters.stray_acks += 1,
            None => self.outbox.emit(TransactionEvent::Ack { request: ack, flow }),
        }
    }

    /// Of an ACK by RFC 2543, the To tag decides whether it is for our response.
    fn is_answered_by(&self, id: ServerId, ack: &Request) -> bool {
        self.servers.server(id).is_some_and(|server| {
            let tag = ack.headers.to().ok().and_then(|to| to.tag().map(str::to_owned));
            !server.key.needs_to_tag() || tag == server.to_tag
        })
    }

    fn receive_new(&mut self, key: ServerKey, request: Request, flow: Flow, transport: Transport, now: Instant) {
        let cancelled = (request.method == Method::Cancel).then(|| key.cancelled());
        let invite = cancelled.and_then(|key| self.servers.find(&key));
        // A CANCEL of what is here is let in: there is at most one for each INVITE.
        if self.servers.len() >= self.limits.servers && invite.is_none() {
            return self.refuse(&request, flow, transport);
        }
        let merge = MergeKey::of(&request);
        let is_merged = merge.as_ref().is_some_and(|merge| self.servers.has_merged(merge));
        let id = self.open_server(key, merge, &request, flow, transport, now);
        if is_merged {
            self.counters.merged_requests += 1;
            let response = request.reply(StatusCode::LOOP_DETECTED, Some(&stateless_tag(&request)));
            self.step_server(id, ServerInput::from(response), now);
        } else if request.method == Method::Cancel {
            self.outbox.emit(TransactionEvent::Cancel { id, request, flow, invite });
        } else {
            self.outbox.emit(TransactionEvent::Request { id, request, flow });
        }
    }

    fn open_server(
        &mut self,
        key: ServerKey,
        merge: Option<MergeKey>,
        request: &Request,
        flow: Flow,
        transport: Transport,
        now: Instant,
    ) -> ServerId {
        let id = ServerId(self.fresh_id());
        let home = reply_path::sent_by_flow(request, flow, transport).filter(|_| transport.is_reliable());
        let flow = reply_path::reply_flow(request, flow, transport);
        let is_reliable = transport.is_reliable();
        let outbox = &mut self.outbox;
        let mut cx = Context { outbox, owner: Owner::Server(id), flow, is_reliable, now };
        let machine = match request.method {
            Method::Invite => ServerMachine::Invite(ServerInvite::start(id, request, &mut cx)),
            _ => ServerMachine::NonInvite(ServerNonInvite::start(id)),
        };
        let server = Server { key, merge, flow, home, is_reliable, machine, to_tag: None };
        self.servers.insert(id, server);
        id
    }

    /// A 503 without a transaction: for requests above the limit.
    fn refuse(&mut self, request: &Request, flow: Flow, transport: Transport) {
        self.counters.refused_requests += 1;
        let tag = stateless_tag(request);
        let response = request.reply(StatusCode::SERVICE_UNAVAILABLE, Some(&tag));
        self.outbox.transmit(reply_path::reply_flow(request, flow, transport), response.write());
    }

    pub(super) fn receive_response(&mut self, response: Response, flow: Flow, now: Instant) {
        let Some(key) = ClientKey::of(&response.headers) else {
            self.counters.unmatchable += 1;
            return;
        };
        let is_ours = response.headers.values(&HeaderName::Via).nth(1).is_none();
        match self.clients.find(&key) {
            Some(id) if is_ours => self.step_client(id, ClientInput::from(response), now),
            None if is_ours && response.status.is_success() && key.is_invite() => {
                self.outbox.emit(TransactionEvent::StrayResponse { response, flow });
            }
            _ => self.counters.stray_responses += 1,
        }
    }
}

/// A To tag that is the same for each copy of a request (RFC 3261 §8.2.7).
fn stateless_tag(request: &Request) -> String {
    let names = [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq, HeaderName::From];
    let text = names.map(|name| request.headers.get(&name).unwrap_or_default()).join("\0");
    let bytes = sha256(&[text.as_bytes()]);
    crate::message::text::hex(bytes.get(..8).unwrap_or_default())
}
