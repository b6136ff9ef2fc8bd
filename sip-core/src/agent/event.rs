//! What a user agent wants from its host, and what it tells the application.

use super::TransferId;
use super::notification::{PublicationEvent, PublicationId, SubscriptionEvent, SubscriptionId};
use crate::flow::Flow;
use crate::message::{NameAddr, Replaces, Request, Response, StatusCode, Uri};
use crate::registration::Grant;
use crate::time::{Duration, Instant};

/// One INVITE usage, from the first INVITE to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// One binding that the agent keeps registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub u64);

/// A request of ours that waits for its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request of theirs that waits for our response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingId(pub u64);

/// What [`UserAgent::poll_output`](super::UserAgent::poll_output) returns.
#[derive(Debug)]
#[must_use]
pub enum Output {
    /// Send these bytes on this flow.
    Transmit {
        /// Where.
        flow: Flow,
        /// One SIP message.
        bytes: Vec<u8>,
    },
    /// Tell the application.
    Event(Event),
    /// Nothing more now; call `handle_timeout` at this moment if nothing else happens before. None: no timer runs.
    Timeout(Option<Instant>),
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A registration changed.
    Registration {
        /// Which.
        id: RegistrationId,
        /// How.
        event: RegistrationEvent,
    },
    /// A subscription changed, or brought something.
    Subscription {
        /// Which.
        id: SubscriptionId,
        /// How.
        event: SubscriptionEvent,
    },
    /// A publication changed.
    Publication {
        /// Which.
        id: PublicationId,
        /// How.
        event: PublicationEvent,
    },
    /// Somebody calls. Answer with `ring`, `accept` or `reject`.
    IncomingCall {
        /// The new session.
        session: SessionId,
        /// The flow it came on.
        flow: Flow,
        /// The INVITE.
        request: Box<Request>,
        /// Its SDP; none is a delayed offer (the answer then comes with the ACK, RFC 3261 §13.2.1).
        offer: Option<String>,
        /// The session whose place it takes when it is accepted (RFC 3891).
        replaces: Option<SessionId>,
    },
    /// A transfer is asked for, or goes on.
    Transfer {
        /// Which.
        id: TransferId,
        /// The session it was asked for in, which may have ended.
        session: SessionId,
        /// What is new.
        event: TransferEvent,
    },
    /// A session changed.
    Session {
        /// Which.
        id: SessionId,
        /// How.
        event: SessionEvent,
    },
    /// A request that the application answers with `respond`: out of any dialog, or inside a session.
    Request {
        /// To answer it.
        id: IncomingId,
        /// The flow it came on.
        flow: Flow,
        /// The session it belongs to.
        session: Option<SessionId>,
        /// The request itself.
        request: Box<Request>,
    },
    /// The answer to a request made by `request` or `session_request`. Provisional ones too; a status of 200 or
    /// above is the last.
    Response {
        /// Which.
        id: RequestId,
        /// What came.
        response: Box<Response>,
    },
    /// A request made by `request` or `session_request` got no answer. Always the last event of that request.
    RequestFailed {
        /// Which.
        id: RequestId,
        /// Why.
        failure: Failure,
    },
}

/// How a registration changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationEvent {
    /// A REGISTER is under way, and there is no binding: a first one, or one that comes too late for the last.
    Registering,
    /// The registrar has the binding. Refreshed in time by the agent itself; this comes again with each refresh.
    Registered {
        /// Until when, and what comes with it.
        grant: Box<Grant>,
    },
    /// The binding is gone by our own wish.
    Unregistered,
    /// It failed. The agent does not try again by itself; what to do is the application's decision.
    Failed {
        /// Why.
        failure: Failure,
        /// The registrar's wish before another attempt.
        retry_after: Option<Duration>,
    },
}

/// Why something got no success.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No answer in 64·T1 (timers B and F).
    Timeout,
    /// The flow is gone or refused the message.
    TransportFailed,
    /// The other side refused our credentials, or asked for some and we have none.
    Unauthorized {
        /// 401, 403 or 407.
        status: StatusCode,
        /// The realm that asked.
        realm: Option<String>,
    },
    /// The other side said no.
    Rejected {
        /// 300 and above.
        status: StatusCode,
        /// Its reason phrase.
        reason: String,
    },
    /// The other side sent something that breaks the protocol.
    Protocol(&'static str),
}

/// How a transfer goes. The first two are of theirs, the others of ours (RFC 3515).
#[derive(Debug)]
#[non_exhaustive]
pub enum TransferEvent {
    /// The other side asks us to call somebody. Answer with `accept_transfer` or `reject_transfer`, within two minutes.
    Asked {
        /// Whom.
        target: Box<Uri>,
        /// The dialog there whose place the call is to take: to be sent as Replaces.
        replaces: Option<Box<Replaces>>,
        /// Who asks, by its own words (RFC 3892): to be sent on as Referred-By.
        referred_by: Option<Box<NameAddr>>,
        /// The REFER.
        request: Box<Request>,
    },
    /// No decision is needed any more: the call ended, or it took too long.
    Withdrawn,
    /// The other side agreed. How its call goes is told later.
    Accepted,
    /// How far its call is.
    Progress {
        /// Below 200.
        status: StatusCode,
        /// In its words.
        reason: String,
    },
    /// Its call was answered. Always the last event, as the next three.
    Succeeded {
        /// The answer; or, where nobody tells how it goes, the answer to the REFER.
        status: StatusCode,
        /// Whether it is known to be answered: not where the other side agreed without a subscription (RFC 4488).
        is_confirmed: bool,
    },
    /// The other side does not call: it answered the REFER with this.
    Refused {
        /// 300 and above.
        status: StatusCode,
        /// In its words.
        reason: String,
    },
    /// Its call was not answered.
    Failed {
        /// 300 and above.
        status: StatusCode,
        /// In its words.
        reason: String,
    },
    /// Nobody knows: no answer, or the subscription ended without a result.
    Lost(Failure),
}

/// How a session changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// UAC: a provisional response above 100.
    Progress {
        /// The response.
        response: Box<Response>,
        /// Its SDP, where it has some and the dialog had none before. Where our INVITE had no offer, this is one, in a
        /// reliable response: the PRACK goes with `answer_offer`.
        answer: Option<String>,
    },
    /// UAC: a 2xx. The agent has sent the ACK; except where our INVITE had no offer: then this brings the other side's,
    /// and the ACK goes with `answer_offer`.
    Accepted {
        /// The response.
        response: Box<Response>,
        /// Its SDP; or that of the reliable provisional response that has settled the matter, unless an UPDATE has
        /// changed it since.
        answer: Option<String>,
    },
    /// UAS: the ACK for our 2xx arrived.
    Confirmed {
        /// The answer of a delayed offer.
        answer: Option<String>,
    },
    /// A re-INVITE, UPDATE or PRACK from the other side with an offer; or what our `ask_offer` asked for. Answer with
    /// `answer_offer`; where the other side has given up meanwhile, that command is refused.
    Offered {
        /// Its SDP; none asks us for an offer.
        offer: Option<String>,
        /// The request, for its headers; after `ask_offer` our own.
        request: Box<Request>,
    },
    /// The result of our re-INVITE or UPDATE; or the answer, in the ACK or PRACK, to the offer that an `Offered` without
    /// SDP or an INVITE without one had asked of us; or a new answer that a refresh of the session (RFC 4028) brought.
    Answered {
        /// The other side's SDP, or the status it refused with. The session goes on as before in the second case.
        result: Result<Option<String>, StatusCode>,
        /// What it refused with, for its headers: a challenge that this agent has no credentials for, among others.
        response: Option<Box<Response>>,
    },
    /// The session is over. Always its last event, and never missing.
    Ended(End),
}

/// How a session ended.
#[derive(Debug)]
pub struct End {
    /// Who ended it.
    pub by: EndedBy,
    /// The final response to the INVITE, or what a Reason header named; none for a plain BYE.
    pub status: Option<StatusCode>,
    /// A reason phrase or Reason text.
    pub reason: String,
    /// The Q.850 cause from a Reason header (RFC 3326).
    pub q850: Option<u16>,
    /// Why, where no response said so.
    pub failure: Option<Failure>,
    /// The response that ended it: redirection targets, challenges and Retry-After are read from here.
    pub response: Option<Box<Response>>,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Our application.
    Local,
    /// The other side.
    Remote,
    /// Neither: a time-out, a lost flow, a broken message.
    System,
}
