//! What was counted: each drop of something that the network sent has its number here.

/// Counts since the agent was made. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages handed in that were SIP.
    pub messages: u64,
    /// Messages that could not be parsed and were dropped.
    pub unparsable: u64,
    /// Broken requests that were answered with the status the parser named.
    pub answered_unparsable: u64,
    /// Keep-alives answered (RFC 5626 §3.5.1).
    pub keep_alives: u64,
    /// Messages on sockets that are not open.
    pub unknown_socket: u64,
    /// Messages dropped because `Config::max_outputs` outputs waited for the host.
    pub outputs_full: u64,
    /// Requests answered 503 because `Config::max_transactions` were there.
    pub transactions_full: u64,
    /// INVITEs answered `Config::full_status` because `Config::max_sessions` were there.
    pub sessions_full: u64,
    /// Requests answered 405.
    pub method_not_allowed: u64,
    /// Requests answered 481: no such dialog or transaction.
    pub unknown_dialog: u64,
    /// Requests refused before the application saw them, for other reasons (400, 415, 416, 420, 483, 500).
    pub refused: u64,
    /// NOTIFYs answered 481: no such subscription.
    pub unknown_subscription: u64,
    /// SUBSCRIBEs answered 489: no such event package here.
    pub unknown_event: u64,
    /// ACKs that fit no session.
    pub stray_acks: u64,
    /// Responses that fit nothing.
    pub stray_responses: u64,
    /// Forks of one INVITE above the number that is kept.
    pub forks_dropped: u64,
    /// Early and late 2xx of forks that were acknowledged and hung up (RFC 3261 §13.2.2.4).
    pub forks_hung_up: u64,
    /// Requests the application did not answer in time; answered 500 in its place.
    pub unanswered_requests: u64,
    /// Sessions made, by either side.
    pub sessions: u64,
    /// Sessions ended.
    pub sessions_ended: u64,
}
