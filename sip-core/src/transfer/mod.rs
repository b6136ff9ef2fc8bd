//! Transfers: REFER inside a call and the subscription that comes with it (RFC 3515, RFC 4488, RFC 5589, RFC 6665).
//!
//! `referring` is the side that asks the other to call somebody, `referred` the side that is asked. Neither makes or
//! ends a call: the application does, and tells the second how far the new call is. A subscription outlives the call it
//! was made in (RFC 5057 §3.2), so that an early BYE loses no news.
//!
//! At most [`Config::max_transfers`](crate::agent::Config) at once, one in each direction of a call.

mod referred;
mod referring;

use crate::agent::{AgentError, Endpoint, Event, Failure, SessionId, TransferEvent, TransferId};
use crate::flow::Flow;
use crate::message::{HeaderName, Request, Response, StatusCode, Uri};
use crate::session::Sessions;
use crate::time::{Duration, Instant};
use crate::transaction::ServerId;
use referred::Referred;
use referring::Referring;

const SIPFRAG: &str = "message/sipfrag";
/// How long a subscription lives when nobody says otherwise; a call rings for three minutes at most (RFC 3261 §16.6).
const LIFETIME: Duration = Duration::from_secs(180);
/// How long news are waited for once the call itself is over.
const AFTERMATH: Duration = Duration::from_secs(32);

/// All transfers under way; a handful.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    all: Vec<(TransferId, Transfer)>,
}

/// Which side of one this is.
#[derive(Debug)]
enum Transfer {
    /// We asked.
    Ours(Box<Referring>),
    /// We are asked.
    Theirs(Box<Referred>),
}

/// A request of theirs and what its answer needs.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) server: ServerId,
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    pub(crate) contact: Uri,
    pub(crate) tag: String,
}

impl Incoming {
    pub(crate) fn respond(&self, status: StatusCode, row: Option<(HeaderName, &str)>, to: &mut Endpoint, now: Instant) {
        let mut response = self.request.reply(status, Some(&self.tag));
        if let Some((name, value)) = row {
            response.headers.push(name, value);
        }
        to.respond(self.server, &self.request, response, &self.contact, now);
    }

    fn refuse(&self, status: StatusCode, endpoint: &mut Endpoint, now: Instant) {
        endpoint.counters.refused += 1;
        let row = match status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Some((HeaderName::Accept, SIPFRAG)),
            StatusCode::SERVICE_UNAVAILABLE => Some((HeaderName::RetryAfter, "10")),
            _ => None,
        };
        self.respond(status, row, endpoint, now);
    }
}

/// Whether a transfer is done with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    IsOver,
}

impl Transfers {
    pub(crate) const fn new() -> Self {
        Self { all: Vec::new() }
    }

    /// The answer to a REFER or NOTIFY of ours.
    pub(crate) fn handle_outcome(
        &mut self,
        id: TransferId,
        outcome: Result<Response, Failure>,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        if outcome.as_ref().is_ok_and(|response| response.status.is_provisional()) {
            return;
        }
        self.with(id, |transfer| match transfer {
            Transfer::Ours(referring) => referring.handle_outcome(id, outcome, sessions, endpoint, now),
            Transfer::Theirs(referred) => referred.handle_outcome(id, outcome, sessions, endpoint, now),
        });
    }

    /// A session is over; what was asked in it may still be answered.
    pub(crate) fn handle_session_ended(&mut self, session: SessionId, endpoint: &mut Endpoint, now: Instant) {
        for id in self.ids(|transfer| transfer.session() == session) {
            self.with(id, |transfer| match transfer {
                Transfer::Ours(referring) => referring.handle_session_ended(now),
                Transfer::Theirs(referred) => referred.handle_session_ended(id, endpoint, now),
            });
        }
    }

    pub(crate) fn handle_timeout(&mut self, sessions: &mut Sessions, endpoint: &mut Endpoint, now: Instant) {
        for id in self.ids(|transfer| transfer.deadline() <= now) {
            self.with(id, |transfer| match transfer {
                Transfer::Ours(referring) => referring.handle_timeout(id, endpoint),
                Transfer::Theirs(referred) => referred.handle_timeout(id, sessions, endpoint, now),
            });
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.all.iter().map(|(_, transfer)| transfer.deadline()).min()
    }

    fn add(&mut self, transfer: Transfer, endpoint: &mut Endpoint) -> TransferId {
        let id = TransferId(endpoint.fresh_id());
        self.all.push((id, transfer));
        id
    }

    /// Lets something happen to a transfer, which may end it.
    fn with(&mut self, id: TransferId, act: impl FnOnce(&mut Transfer) -> Fate) {
        let Some(place) = self.all.iter().position(|(here, _)| *here == id) else {
            return;
        };
        if self.all.get_mut(place).is_some_and(|(_, transfer)| act(transfer) == Fate::IsOver) {
            self.all.remove(place);
        }
    }

    fn ids(&self, is_so: impl Fn(&Transfer) -> bool) -> Vec<TransferId> {
        self.all.iter().filter(|(_, transfer)| is_so(transfer)).map(|(id, _)| *id).collect()
    }

    fn check_room(&self, endpoint: &Endpoint) -> Result<(), AgentError> {
        if self.all.len() < endpoint.config.max_transfers { Ok(()) } else { Err(AgentError::Full) }
    }
}

impl Transfer {
    const fn session(&self) -> SessionId {
        match self {
            Self::Ours(referring) => referring.session,
            Self::Theirs(referred) => referred.session,
        }
    }

    fn deadline(&self) -> Instant {
        match self {
            Self::Ours(referring) => referring.deadline,
            Self::Theirs(referred) => referred.deadline,
        }
    }
}

fn emit(id: TransferId, session: SessionId, event: TransferEvent, endpoint: &mut Endpoint) {
    endpoint.emit(Event::Transfer { id, session, event });
}
