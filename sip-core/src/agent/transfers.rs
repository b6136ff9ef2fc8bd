//! Commands of transfers (RFC 3515, RFC 3891, RFC 5589), and which session an INVITE is to take the place of.

use super::{AgentError, SessionId, UserAgent};
use crate::message::{HeaderName, NameAddr, Replaces, Request, StatusCode, StatusLine, Uri};
use crate::session::Session;
use crate::time::Instant;

/// One transfer, ours or theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// Whom the other side is to call.
#[derive(Clone, Debug)]
pub struct Refer {
    /// The address.
    pub target: Uri,
    /// The dialog there whose place the new call is to take: [`UserAgent::replaces`] of our session with the target.
    pub replaces: Option<Replaces>,
    /// Who asks (RFC 3892).
    pub referred_by: Option<NameAddr>,
    /// More headers.
    pub headers: Vec<(HeaderName, String)>,
    /// Whether we want to hear how it goes. Otherwise `Refer-Sub: false` (RFC 4488); who does not know that one tells
    /// us all the same.
    pub subscribe: bool,
}

impl Refer {
    /// A call to `target`, with news of it and without anything else.
    #[must_use]
    pub const fn new(target: Uri) -> Self {
        Self { target, replaces: None, referred_by: None, headers: Vec::new(), subscribe: true }
    }
}

impl UserAgent {
    /// Asks the other side of a session to call somebody (RFC 3515). [`TransferEvent`](super::TransferEvent)s tell how
    /// it goes; the session itself goes on until somebody hangs it up.
    ///
    /// # Errors
    /// There is no such session, it is not confirmed, it is being transferred already, or a header is broken.
    pub fn refer(&mut self, id: SessionId, refer: Refer, now: Instant) -> Result<TransferId, AgentError> {
        let Self { transfers, sessions, endpoint, .. } = self;
        let sent = transfers.refer(id, refer, sessions, endpoint, now);
        self.drain(now);
        sent
    }

    /// Agrees to [`TransferEvent::Asked`](super::TransferEvent::Asked): 202. The application makes the call, and reports
    /// how far it is.
    ///
    /// # Errors
    /// There is no such transfer, or it is decided already.
    pub fn accept_transfer(&mut self, id: TransferId, now: Instant) -> Result<(), AgentError> {
        self.decide(id, Ok(()), now)
    }

    /// Refuses it: 603 and 403 are usual.
    ///
    /// # Errors
    /// There is no such transfer, it is decided already, or the status is below 300.
    pub fn reject_transfer(&mut self, id: TransferId, status: StatusCode, now: Instant) -> Result<(), AgentError> {
        self.decide(id, Err(status), now)
    }

    /// Tells who asked how far the call is that was asked for. A final status is the last.
    ///
    /// # Errors
    /// There is no such transfer, it has not been accepted, or the other side wants no news any more.
    pub fn report_transfer(&mut self, id: TransferId, line: StatusLine, now: Instant) -> Result<(), AgentError> {
        let Self { transfers, sessions, endpoint, .. } = self;
        let done = transfers.report(id, line, sessions, endpoint, now);
        self.drain(now);
        done
    }

    /// A session as its other side would be asked to give it up; none before it has a dialog.
    #[must_use]
    pub fn replaces(&self, id: SessionId) -> Option<Replaces> {
        self.sessions.get(id).and_then(Session::as_replaces)
    }

    /// The session that a Replaces names, whatever its state, with our tag as the `to-tag`.
    #[must_use]
    pub fn session_named(&self, replaces: &Replaces) -> Option<SessionId> {
        let id = self.sessions.find(&replaces.call_id, &replaces.to_tag)?;
        let named = self.sessions.get(id)?.view().remote_tag == Some(replaces.from_tag.as_str());
        named.then_some(id)
    }

    /// The session whose place is asked for (RFC 3891 §3).
    ///
    /// # Errors
    /// The status for who asked: 481, no such dialog; 486, it is confirmed and was to be replaced only before; 603, it is
    /// being ended.
    pub fn replaced_by(&self, replaces: &Replaces) -> Result<SessionId, StatusCode> {
        let id = self.sessions.find(&replaces.call_id, &replaces.to_tag);
        let found = id.and_then(|id| Some((id, self.sessions.get(id)?)));
        let (id, session) = found.ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        session.may_be_replaced(replaces).map(|()| id)
    }

    /// The session that an INVITE wants to take the place of, if it wants to.
    pub(super) fn replaced_by_invite(&self, invite: &Request) -> Result<Option<SessionId>, StatusCode> {
        if !self.endpoint.config.replaces {
            return Ok(None);
        }
        let mut values = invite.headers.get_all(&HeaderName::Replaces);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() || invite.headers.has(&HeaderName::Join) {
            return Err(StatusCode::BAD_REQUEST);
        }
        let replaces = value.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
        self.replaced_by(&replaces).map(Some)
    }

    fn decide(&mut self, id: TransferId, decision: Result<(), StatusCode>, now: Instant) -> Result<(), AgentError> {
        let Self { transfers, sessions, endpoint, .. } = self;
        let done = transfers.decide(id, decision, sessions, endpoint, now);
        self.drain(now);
        done
    }
}
