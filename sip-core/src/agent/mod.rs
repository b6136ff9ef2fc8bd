//! UserAgent: a SIP user agent as a value (RFC 3261 §6, §8).
//!
//! It has four kinds of methods, in this order: **commands** of the application, **`handle_*`** for what the world did,
//! **`poll_output`** for what the agent wants done, and **getters**. The law that holds between them is in the
//! [crate's documentation](crate).
//!
//! `dispatch` sends what the transactions tell to its owner; `incoming` judges requests before anybody else sees them;
//! `endpoint` is what all owners share. Calls are in `session`, bindings in `registration`.

mod asking;
mod auth;
mod command;
mod config;
mod counters;
mod deadlines;
mod dispatch;
mod endpoint;
mod error;
mod event;
pub(crate) mod headers;
mod incoming;
mod keeping;
mod notification;
mod recovery;
mod registrations;
mod requests;
mod transfers;
mod view;

pub use crate::message::Reason;
pub use crate::registration::Grant;
pub use command::{Invite, OutgoingRequest, Register, Reply};
pub use config::{Config, LocalSocket, Refresher, Reliability, SessionTimers};
pub use counters::Counters;
pub use error::AgentError;
pub use event::{
    End, EndedBy, Event, Failure, IncomingId, Output, RegistrationEvent, RegistrationId, RequestId, SessionEvent,
    SessionId, TransferEvent,
};
pub use notification::{
    Notified, PublicationEvent, PublicationId, Publish, Subscribe, SubscriptionEnd, SubscriptionEvent, SubscriptionId,
};
pub use transfers::{Refer, TransferId};
pub use view::{SessionState, SessionView};

pub(crate) use asking::{Asking, backoff, may_pass, refresh_after, retry_after};
pub(crate) use auth::{Auth, advance_cseq};
pub(crate) use deadlines::Deadlines;
pub(crate) use endpoint::{Endpoint, Owner};
pub(crate) use requests::out_of_dialog;

use crate::flow::{Flow, SocketId};
use crate::message::{HeaderName, Message, Method, Request, StatusCode};
use crate::ordered::Map;
use crate::publication::Publications;
use crate::session::{Refused, Session, Sessions};
use crate::subscription::Subscriptions;
use crate::time::Instant;
use crate::transaction::{ServerId, TransactionCounters};
use crate::transfer::Transfers;
use registrations::Registrations;
use requests::Requests;

/// A user agent on any number of sockets. See the module and the crate.
#[derive(Debug)]
pub struct UserAgent {
    endpoint: Endpoint,
    sessions: Sessions,
    registrations: Registrations,
    subscriptions: Subscriptions,
    publications: Publications,
    requests: Requests,
    transfers: Transfers,
    /// Which session takes the place of which, once it is accepted.
    replacing: Map<SessionId, SessionId>,
    /// Which session an INVITE of the other side belongs to, for its CANCEL.
    invites: Map<ServerId, SessionId>,
    /// Sockets that are gone, and until when their calls wait for another.
    lost: Vec<(SocketId, Instant)>,
}

impl UserAgent {
    /// An agent without sockets. All its tags, branches and Call-IDs come from `seed`: 32 bytes that nobody can
    /// guess.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        Self {
            endpoint: Endpoint::new(config, seed),
            sessions: Sessions::new(),
            registrations: Registrations::new(),
            subscriptions: Subscriptions::new(),
            publications: Publications::new(),
            requests: Requests::new(),
            transfers: Transfers::new(),
            replacing: Map::new(),
            invites: Map::new(),
            lost: Vec::new(),
        }
    }

    // Commands: sockets.

    /// Says how the agent names itself on a socket. Messages on a socket that is not open are dropped.
    pub fn open_socket(&mut self, socket: SocketId, local: LocalSocket) {
        self.endpoint.open_socket(socket, local);
    }

    /// Moves a session to another flow, where its next request goes: the other side has come back on a new connection.
    ///
    /// # Errors
    /// There is no such session, or the flow's socket is not open.
    pub fn rebind(&mut self, id: SessionId, flow: Flow) -> Result<(), AgentError> {
        self.endpoint.socket(flow.socket)?;
        self.sessions.with(id, |session| session.rebind(flow)).ok_or(AgentError::UnknownSession(id))
    }

    // Commands: registration.

    /// Makes a binding and keeps it until `unregister`, a failure, or the end of its socket. What becomes of it is told
    /// by events, also when the flow's socket is not open.
    pub fn register(&mut self, register: Register, now: Instant) -> RegistrationId {
        let id = self.registrations.register(register, &mut self.endpoint, now);
        self.drain(now);
        id
    }

    /// Asks again for a binding that failed, or that has to move to another flow: with the same Call-ID and the next
    /// CSeq.
    ///
    /// # Errors
    /// There is no such registration, or the flow's socket is not open.
    pub fn reregister(&mut self, id: RegistrationId, flow: Flow, now: Instant) -> Result<(), AgentError> {
        let done = self.registrations.reregister(id, flow, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Gives a binding back.
    ///
    /// # Errors
    /// There is no such registration, or it has no binding.
    pub fn unregister(&mut self, id: RegistrationId, now: Instant) -> Result<(), AgentError> {
        let done = self.registrations.unregister(id, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Gives back all bindings of the account, those of other phones too (`Contact: *`, RFC 3261 §10.2.2).
    ///
    /// # Errors
    /// There is no such registration.
    pub fn unregister_all(&mut self, id: RegistrationId, now: Instant) -> Result<(), AgentError> {
        let done = self.registrations.unregister_all(id, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    /// Drops a registration without a message. No event of it follows.
    pub fn forget_registration(&mut self, id: RegistrationId) {
        self.registrations.forget(id);
    }

    // Commands: calls.

    /// Calls somebody.
    ///
    /// # Errors
    /// The socket is not open, a header is broken, or the agent is full.
    pub fn invite(&mut self, invite: Invite, now: Instant) -> Result<SessionId, AgentError> {
        if self.sessions.len() >= self.endpoint.config.max_sessions {
            return Err(AgentError::Full);
        }
        let id = SessionId(self.endpoint.fresh_id());
        let session = Session::invite(id, invite, &mut self.endpoint, now)?;
        self.sessions.insert(session);
        self.endpoint.counters.sessions += 1;
        self.drain(now);
        Ok(id)
    }

    /// Answers an incoming call with a provisional status above 100, with our SDP where `answer` is given (early
    /// media). The agent repeats it every minute. Where both sides know RFC 3262 (`Config::reliability`), it is repeated
    /// until its PRACK; the next one then waits for that, and the SDP is given once. Where the INVITE had no offer, the
    /// SDP is one, and is sent only reliably; `Answered` brings its answer.
    ///
    /// # Errors
    /// There is no such session, it does not ring any more, or the status is not provisional.
    pub fn ring(
        &mut self,
        id: SessionId,
        status: StatusCode,
        answer: Option<String>,
        headers: Vec<(HeaderName, String)>,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.ring((status, answer), headers, endpoint, now))
    }

    /// Takes an incoming call: 200 with our answer, or with our offer where the INVITE had none; without either where a
    /// reliable response has described the session already. It waits for a PRACK that is due. The agent repeats it
    /// until the ACK comes; then the session is `Confirmed`. The session whose place it takes is ended.
    ///
    /// # Errors
    /// There is no such session, or it does not ring any more.
    pub fn accept(
        &mut self,
        id: SessionId,
        answer: String,
        headers: Vec<(HeaderName, String)>,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.accept(answer, headers, endpoint, now))?;
        if let Some(replaced) = self.replacing.remove(&id) {
            // It may have ended by itself meanwhile.
            drop(self.hang_up(replaced, None, now));
        }
        Ok(())
    }

    /// Refuses an incoming call, or redirects it where `headers` has a Contact and the status is 3xx. `reason` replaces
    /// the status' own phrase.
    ///
    /// # Errors
    /// There is no such session, it does not ring any more, or the status is below 300.
    pub fn reject(
        &mut self,
        id: SessionId,
        status: StatusCode,
        reason: Option<String>,
        headers: Vec<(HeaderName, String)>,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.reject((status, reason), headers, endpoint, now))
    }

    /// Ends a session by what its state allows: CANCEL, which waits for the first provisional response (RFC 3261 §9.1);
    /// a refusal (603, or the SIP status of `reason`); BYE, which waits for the ACK (§15). `Ended` follows when that
    /// has happened; a 2xx that crosses a CANCEL is acknowledged and hung up.
    ///
    /// # Errors
    /// There is no such session, or it is being ended already.
    pub fn hang_up(&mut self, id: SessionId, reason: Option<Reason>, now: Instant) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.hang_up(reason, endpoint, now))
    }

    /// Offers a new description: by re-INVITE in a confirmed session, before that by UPDATE once the first offer has been
    /// answered reliably. A collision with the other side's (491, 500) is tried again after the time of RFC 3261 §14.
    /// `Answered` brings the result.
    ///
    /// # Errors
    /// There is no such session, another offer is open, or the other side takes no UPDATE.
    pub fn offer(&mut self, id: SessionId, sdp: String, now: Instant) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.offer(sdp, endpoint, now))
    }

    /// Passes somebody else's offer on by INVITE or UPDATE, with that party's headers: credentials, which are good for
    /// one method alone. A collision (491, 500 with Retry-After) is not waited out; that is for who made the offer.
    ///
    /// # Errors
    /// As `offer` and `update`; or a header is broken.
    pub fn offer_with(
        &mut self,
        id: SessionId,
        (method, sdp): (Method, String),
        headers: Vec<(HeaderName, String)>,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.offer_with(method, sdp, headers, endpoint, now))
    }

    /// Offers a new description by UPDATE (RFC 3311), whose receiver has to answer at once; `Answered` brings the result.
    ///
    /// # Errors
    /// There is no such session, another offer is open, or the other side takes no UPDATE.
    pub fn update(&mut self, id: SessionId, sdp: String, now: Instant) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.update(sdp, endpoint, now))
    }

    /// Asks the other side for an offer, by a re-INVITE without one. It comes as `Offered`.
    ///
    /// # Errors
    /// There is no such session, it is not confirmed, or another offer is open.
    pub fn ask_offer(&mut self, id: SessionId, now: Instant) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.ask_offer(endpoint, now))
    }

    /// Takes an offer back that waits for another attempt after a collision. Returns whether there was one; an offer that
    /// is on its way cannot be taken back.
    pub fn withdraw_offer(&mut self, id: SessionId) -> bool {
        self.sessions.with(id, Session::withdraw_offer).unwrap_or(false)
    }

    /// Answers `Offered`; or, of a call made without an offer, the other side's offer in `Progress` or `Accepted`, by
    /// PRACK or ACK.
    ///
    /// # Errors
    /// There is no such session, no offer is open, or the status is below 300.
    pub fn answer_offer(
        &mut self,
        id: SessionId,
        result: Result<String, StatusCode>,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.command(id, now, |session, endpoint| session.answer_offer(result.map_err(Refused::from), endpoint, now))
    }

    /// Refuses `Offered` with headers that say why, or what is missing.
    ///
    /// # Errors
    /// As `answer_offer`; or a header is broken.
    pub fn refuse_offer(
        &mut self,
        id: SessionId,
        status: StatusCode,
        headers: Vec<(HeaderName, String)>,
        now: Instant,
    ) -> Result<(), AgentError> {
        let refused = Refused { status, headers };
        self.command(id, now, |session, endpoint| session.answer_offer(Err(refused), endpoint, now))
    }

    // Commands: other requests.

    /// Sends a request inside a confirmed session: INFO, MESSAGE, REFER, NOTIFY. `body` is a content type and a
    /// content.
    ///
    /// # Errors
    /// There is no such session, it is not confirmed, the method has a command of its own, or a header is broken.
    /// A BYE ends the session when it is answered, or is not answered in time; a challenge leaves it standing.
    pub fn session_request(
        &mut self,
        id: SessionId,
        method: Method,
        headers: Vec<(HeaderName, String)>,
        body: Option<(String, Vec<u8>)>,
        now: Instant,
    ) -> Result<RequestId, AgentError> {
        let made = self.sessions.with(id, |session| {
            let request = session.request(method, headers, body)?;
            Ok((request, session.flow()))
        });
        let (request, flow) = made.unwrap_or(Err(AgentError::UnknownSession(id)))?;
        let flow = self.endpoint.next_hop(&request, flow);
        let sent = self.requests.request_in_session((id, request), flow, &mut self.endpoint, now);
        self.drain(now);
        sent
    }

    /// Ends a session by the other side's BYE, which the application has answered: `Config::application_methods` names
    /// the method. `Ended` follows.
    pub fn end(&mut self, id: SessionId, bye: &Request, now: Instant) {
        self.sessions.with(id, |session| session.end(bye, &mut self.endpoint, now));
        self.drain(now);
    }

    /// Names another Contact in a session's messages from the next one on.
    pub fn set_contact(&mut self, id: SessionId, contact: crate::message::Uri) {
        self.sessions.with(id, |session| session.set_contact(contact));
    }

    /// Sends a request out of any dialog.
    ///
    /// # Errors
    /// The socket is not open, the method has a command of its own, or a header is broken.
    pub fn request(&mut self, request: OutgoingRequest, now: Instant) -> Result<RequestId, AgentError> {
        let sent = self.requests.request(request, &mut self.endpoint, now);
        self.drain(now);
        sent
    }

    /// Answers an [`Event::Request`].
    ///
    /// # Errors
    /// It is answered already, or its sender has given up; or a header is broken.
    pub fn respond(&mut self, id: IncomingId, reply: Reply, now: Instant) -> Result<(), AgentError> {
        let done = self.requests.respond(id, reply, &mut self.endpoint, now);
        self.drain(now);
        done
    }

    // What the world did.

    /// Takes one message: a datagram, a WebSocket frame, or what stream framing cut out.
    pub fn handle_message(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        let Some(transport) = self.admit(flow) else {
            return;
        };
        match Message::parse(bytes) {
            Ok(message) => {
                self.endpoint.counters.messages += 1;
                self.endpoint.transactions.handle_message(message, flow, transport, now);
            }
            Err(error) => self.handle_unparsable(flow, bytes, &error),
        }
        self.drain(now);
    }

    /// A connection is gone, or a port closed: what runs on it fails, and its sessions and registrations with it.
    pub fn handle_socket_closed(&mut self, socket: SocketId, now: Instant) {
        for id in self.sessions.on_socket(socket) {
            self.sessions.with(id, |session| session.handle_socket_closed(&mut self.endpoint));
        }
        self.registrations.handle_socket_closed(socket, &mut self.endpoint);
        self.subscriptions.handle_socket_closed(socket, &mut self.endpoint);
        self.publications.handle_socket_closed(socket, &mut self.endpoint);
        self.endpoint.transactions.handle_socket_closed(socket, now);
        self.endpoint.close_socket(socket);
        self.lost.retain(|(other, _)| *other != socket);
        self.drain(now);
    }

    /// The network says that nobody is at the other end of this flow (ICMP unreachable), or the connection under a flow
    /// with an address has ended. Sessions go on; the next message on the flow makes the host connect again.
    pub fn handle_flow_failed(&mut self, flow: Flow, now: Instant) {
        self.endpoint.transactions.handle_flow_failed(flow, now);
        self.drain(now);
    }

    /// The moment of [`Output::Timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.handle_lost_timeout(now);
        self.endpoint.transactions.handle_timeout(now);
        self.drain(now);
        while let Some(id) = self.sessions.pop_due(now) {
            self.sessions.with(id, |session| session.handle_timeout(&mut self.endpoint, now));
        }
        self.registrations.handle_timeout(&mut self.endpoint, now);
        self.subscriptions.handle_timeout(&mut self.endpoint, now);
        self.publications.handle_timeout(&mut self.endpoint, now);
        self.requests.handle_timeout(&mut self.endpoint, now);
        self.transfers.handle_timeout(&mut self.sessions, &mut self.endpoint, now);
        self.drain(now);
    }

    // What the agent wants done.

    /// The next thing to do. Call it until it returns [`Output::Timeout`], after every call of a method that takes
    /// `&mut self`.
    pub fn poll_output(&mut self) -> Output {
        self.endpoint.pop_output().unwrap_or_else(|| Output::Timeout(self.next_timeout()))
    }

    // Getters.

    /// A session that has not ended; none after its `Ended` and the end of its BYE.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<SessionView<'_>> {
        self.sessions.get(id).map(Session::view)
    }

    /// How many sessions there are, those that wait for the end of their BYE among them.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Whether a request is one of this agent's own calls that has come back to it (RFC 3261 §16.3): it has the
    /// Call-ID and the From tag of one.
    #[must_use]
    pub fn has_looped(&self, request: &Request) -> bool {
        let tag = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
        let (Ok(call_id), Some(tag)) = (request.headers.call_id(), tag) else { return false };
        self.sessions.find(call_id, &tag).is_some()
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.endpoint.counters
    }

    /// What was counted below.
    #[must_use]
    pub const fn transaction_counters(&self) -> &TransactionCounters {
        self.endpoint.transactions.counters()
    }

    // Private.

    fn command(
        &mut self,
        id: SessionId,
        now: Instant,
        act: impl FnOnce(&mut Session, &mut Endpoint) -> Result<(), AgentError>,
    ) -> Result<(), AgentError> {
        let done = self.sessions.with(id, |session| act(session, &mut self.endpoint));
        self.drain(now);
        done.unwrap_or(Err(AgentError::UnknownSession(id)))
    }

    fn next_timeout(&self) -> Option<Instant> {
        let moments = [
            self.endpoint.transactions.next_timeout(),
            self.sessions.next_deadline(),
            self.registrations.next_deadline(),
            self.subscriptions.next_deadline(),
            self.publications.next_deadline(),
            self.requests.next_deadline(),
            self.next_lost_timeout(),
            self.transfers.next_deadline(),
        ];
        moments.into_iter().flatten().min()
    }
}
