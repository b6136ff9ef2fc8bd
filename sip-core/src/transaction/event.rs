//! What the transactions want sent, and what they tell their user.

use core::fmt;

use super::{ClientId, ServerId, Timer};
use crate::flow::Flow;
use crate::message::{Request, Response};
use crate::time::Instant;

/// What [`Transactions::poll_output`](super::Transactions::poll_output) returns.
#[derive(Debug)]
#[must_use]
#[allow(clippy::large_enum_variant, reason = "short-lived, and most outputs are events; smaller on wasm32")]
pub enum TransactionOutput {
    /// Send these bytes on this flow.
    Transmit {
        /// Where.
        flow: Flow,
        /// One message.
        bytes: Vec<u8>,
    },
    /// Tell the transaction user.
    Event(TransactionEvent),
}

/// What the transaction user learns.
///
/// A client transaction ends its work with exactly one of a final [`Response`](Self::Response),
/// [`Timeout`](Self::Timeout) and [`TransportFailed`](Self::TransportFailed) (an INVITE may bring more 2xx after the
/// first); [`ClientTerminated`](Self::ClientTerminated) or [`ServerTerminated`](Self::ServerTerminated) is the last
/// word of each transaction.
#[derive(Debug)]
pub enum TransactionEvent {
    /// A new request, neither ACK nor CANCEL. To be answered by [`respond`](super::Transactions::respond).
    Request {
        /// Its transaction.
        id: ServerId,
        /// The request, `received` and `rport` filled in.
        request: Request,
        /// Where it came from.
        flow: Flow,
    },
    /// A CANCEL. Both are to be answered: the CANCEL, and the INVITE if it has no final response yet.
    Cancel {
        /// The transaction of the CANCEL.
        id: ServerId,
        /// The CANCEL.
        request: Request,
        /// Where it came from.
        flow: Flow,
        /// The transaction it cancels; none: 481 is the answer (RFC 3261 §9.2).
        invite: Option<ServerId>,
    },
    /// An ACK for a 2xx: it belongs to no transaction that waits for one.
    Ack {
        /// The ACK.
        request: Request,
        /// Where it came from.
        flow: Flow,
    },
    /// A response: each provisional one, the first final one, and of an INVITE each 2xx.
    Response {
        /// The transaction of the request.
        id: ClientId,
        /// The response.
        response: Response,
    },
    /// A 2xx to an INVITE whose transaction is gone; a user agent still has to acknowledge it (RFC 3261 §13.2.2.4).
    StrayResponse {
        /// The response.
        response: Response,
        /// Where it came from.
        flow: Flow,
    },
    /// Timer B or F, or 64·T1 after a CANCEL: no final response came.
    Timeout {
        /// The transaction.
        id: ClientId,
    },
    /// The request cannot be sent, or its flow is gone.
    TransportFailed {
        /// The transaction.
        id: ClientId,
    },
    /// A response could not be sent.
    ServerTransportFailed {
        /// The transaction.
        id: ServerId,
    },
    /// Timer H: nobody acknowledged our final response to an INVITE.
    AckTimeout {
        /// The transaction.
        id: ServerId,
    },
    /// The client transaction is gone.
    ClientTerminated {
        /// The transaction.
        id: ClientId,
    },
    /// The server transaction is gone.
    ServerTerminated {
        /// The transaction.
        id: ServerId,
    },
}

/// A state of a transaction, by its name in RFC 3261 §17 and RFC 6026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// INVITE client: nothing heard yet.
    Calling,
    /// Non-INVITE: no response yet.
    Trying,
    /// Provisional responses only.
    Proceeding,
    /// INVITE: a 2xx (RFC 6026).
    Accepted,
    /// A final response; of an INVITE one that is no 2xx.
    Completed,
    /// INVITE server: the ACK came.
    Confirmed,
    /// Over; seen by nobody outside.
    Terminated,
}

/// A look at one transaction, for logs and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionView {
    /// Its state.
    pub phase: Phase,
    /// Its running timers and when they fire, in the order of their letters.
    pub timers: Vec<(Timer, Instant)>,
}

/// Why a request got no client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no topmost Via with a branch, or no CSeq.
    NoBranch,
    /// A transaction with this branch and method runs already.
    BranchInUse,
    /// An ACK has no transaction of its own (RFC 3261 §17).
    Ack,
    /// [`Limits::clients`](super::Limits::clients) transactions run.
    Full,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBranch => "the request has no Via with a branch, or no CSeq",
            Self::BranchInUse => "the branch is in use",
            Self::Ack => "an ACK has no transaction",
            Self::Full => "too many client transactions",
        })
    }
}

impl core::error::Error for RequestError {}

/// The transaction to answer is gone, or has its final response already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTransaction;

impl fmt::Display for NoTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transaction is gone or answered")
    }
}

impl core::error::Error for NoTransaction {}

/// Counts since the beginning. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionCounters {
    /// Requests answered 503 because [`Limits::servers`](super::Limits::servers) transactions ran.
    pub refused_requests: u64,
    /// Requests of ours refused because [`Limits::clients`](super::Limits::clients) transactions ran.
    pub refused_clients: u64,
    /// Requests answered 482: they came a second time on another way (RFC 3261 §8.2.2.2).
    pub merged_requests: u64,
    /// Responses that fit no transaction; 2xx to INVITE, which are passed on, not among them.
    pub stray_responses: u64,
    /// ACKs that match no response of ours and are no ACK for a 2xx.
    pub stray_acks: u64,
    /// Messages without the headers that matching needs.
    pub unmatchable: u64,
}
