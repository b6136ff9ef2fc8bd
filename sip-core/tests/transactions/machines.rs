//! The four machines as `transactions.md` sees them.

use sip_core::transaction::Phase;

/// One of the four: its table, and how each of its states is reached.
pub(crate) struct Machine {
    pub(crate) title: &'static str,
    pub(crate) method: &'static str,
    pub(crate) is_client: bool,
    /// States, their phases, and the inputs that lead there from the request on.
    pub(crate) states: &'static [(&'static str, Phase, &'static [&'static str])],
    /// What can happen in every state, timers aside.
    pub(crate) inputs: &'static [&'static str],
}

pub(crate) const INVITE_CLIENT: Machine = Machine {
    title: "INVITE client",
    method: "INVITE",
    is_client: true,
    states: &[
        ("Calling", Phase::Calling, &[]),
        ("Proceeding", Phase::Proceeding, &["1xx"]),
        ("Completed", Phase::Completed, &["3xx–6xx"]),
        ("Accepted", Phase::Accepted, &["2xx"]),
    ],
    inputs: &["1xx", "2xx", "3xx–6xx", "CANCEL sent", "flow failed", "socket closed"],
};

pub(crate) const NON_INVITE_CLIENT: Machine = Machine {
    title: "Non-INVITE client",
    method: "OPTIONS",
    is_client: true,
    states: &[
        ("Trying", Phase::Trying, &[]),
        ("Proceeding", Phase::Proceeding, &["1xx"]),
        ("Completed", Phase::Completed, &["2xx"]),
    ],
    inputs: &["1xx", "2xx", "3xx–6xx", "flow failed", "socket closed"],
};

pub(crate) const INVITE_SERVER: Machine = Machine {
    title: "INVITE server",
    method: "INVITE",
    is_client: false,
    states: &[
        ("Proceeding (silent)", Phase::Proceeding, &[]),
        ("Proceeding (answered)", Phase::Proceeding, &["1xx"]),
        ("Completed", Phase::Completed, &["3xx–6xx"]),
        ("Confirmed", Phase::Confirmed, &["3xx–6xx", "ACK"]),
        ("Accepted", Phase::Accepted, &["2xx"]),
    ],
    inputs: &["1xx", "2xx", "3xx–6xx", "request again", "ACK", "flow failed", "socket closed"],
};

pub(crate) const NON_INVITE_SERVER: Machine = Machine {
    title: "Non-INVITE server",
    method: "OPTIONS",
    is_client: false,
    states: &[
        ("Trying", Phase::Trying, &[]),
        ("Proceeding", Phase::Proceeding, &["1xx"]),
        ("Completed", Phase::Completed, &["2xx"]),
    ],
    inputs: &["1xx", "2xx", "3xx–6xx", "request again", "flow failed", "socket closed"],
};

/// The inputs that a name in the table stands for.
pub(crate) fn samples(input: &str) -> Vec<u16> {
    match input {
        "1xx" => vec![100, 180, 183, 199],
        "2xx" => vec![200, 202, 299],
        "3xx–6xx" => vec![300, 401, 486, 503, 603, 699],
        _ => vec![0],
    }
}
