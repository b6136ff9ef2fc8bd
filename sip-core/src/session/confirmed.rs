//! A call that stands: requests inside its dialog, and its end (RFC 3261 §12.2, §15).

use super::negotiation::{Negotiation, Retry};
use super::{Session, State, cause};
use crate::agent::{AgentError, EndedBy, Endpoint, SessionEvent};
use crate::agent::{Auth, headers};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Method, Request, Response, StatusCode, Uri};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// A session with its one dialog.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) dialog: Dialog,
    pub(super) side: Side,
    pub(super) negotiation: Negotiation,
    /// An offer of ours that waits for its turn.
    pub(super) retry: Option<Retry>,
}

/// Who made the Call-ID; decides how long to wait after a glare (§14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Callee,
}

impl Side {
    pub(super) const fn glare_wait(self) -> (Duration, Duration) {
        match self {
            Self::Caller => (Duration::from_millis(2_100), Duration::from_millis(4_000)),
            Self::Callee => (Duration::ZERO, Duration::from_millis(2_000)),
        }
    }
}

impl Confirmed {
    pub(super) const fn caller(dialog: Dialog) -> Self {
        Self { dialog, side: Side::Caller, negotiation: Negotiation::Settled, retry: None }
    }

    pub(super) const fn callee(dialog: Dialog) -> Self {
        Self { dialog, side: Side::Callee, negotiation: Negotiation::Settled, retry: None }
    }

    pub(super) const fn owes_ack(&self) -> bool {
        matches!(self.negotiation, Negotiation::OwingAck { .. })
    }

    /// The other side's 2xx had an offer; the ACK has to bring our answer.
    pub(super) fn owe_ack(&mut self, client: ClientId, invite: Request) {
        self.negotiation = Negotiation::OwingAck { client, invite: Box::new(invite) };
    }
}

impl Session {
    /// A request of the application inside the dialog, ready to be sent.
    pub(crate) fn request(
        &mut self,
        method: Method,
        rows: Vec<(HeaderName, String)>,
        body: Option<(String, Vec<u8>)>,
    ) -> Result<Request, AgentError> {
        headers::check(&rows)?;
        if matches!(method, Method::Invite | Method::Ack | Method::Cancel | Method::Bye) {
            return Err(AgentError::WrongMethod(method.as_str().to_owned()));
        }
        let wrong_state = self.wrong_state("session_request");
        let State::Confirmed(confirmed) = &mut self.state else {
            return Err(wrong_state);
        };
        let mut request = in_dialog(&mut confirmed.dialog, method, &self.contact);
        headers::lay_over(&mut request.headers, rows);
        if let Some((content_type, content)) = body {
            request.set_body(&content_type, content);
        }
        Auth::authorize(&mut self.auth, &mut request);
        Ok(request)
    }

    /// Makes a request of the application, as it was sent, the one to send after a challenge.
    pub(crate) fn answer_challenge(
        &mut self,
        request: &mut Request,
        response: &Response,
        endpoint: &mut Endpoint,
    ) -> bool {
        let State::Confirmed(confirmed) = &mut self.state else {
            return false;
        };
        if Auth::answer(&mut self.auth, request, response, endpoint).is_err() {
            return false;
        }
        renumber(&mut confirmed.dialog, request);
        true
    }

    /// What the answer to a request of the application means for the dialog.
    pub(crate) fn note_response(
        &mut self,
        request: &Request,
        response: Response,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        confirmed.dialog.handle_response(request, &response);
        Auth::accepted(&mut self.auth, &response);
        // What a subscription is told does not concern the call (RFC 5057 §5.1).
        let is_of_call = !matches!(request.method, Method::Notify | Method::Subscribe);
        if is_of_call && response.status == StatusCode::CALL_DOES_NOT_EXIST {
            self.leave_forgotten(response, endpoint, now);
        }
    }

    /// The other side does not know the dialog any more (§12.2.1.2).
    pub(super) fn leave_forgotten(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        self.leave_with(None, cause::by_response(EndedBy::Remote, response, None), endpoint, now);
    }

    pub(super) fn handle_confirmed_bye(&mut self, bye: &Request, endpoint: &mut Endpoint, now: Instant) {
        let State::Confirmed(confirmed) = &mut self.state else {
            return;
        };
        let negotiation = core::mem::replace(&mut confirmed.negotiation, Negotiation::Settled);
        if let Negotiation::Offered { server, request } = negotiation {
            self.respond(server, &request, StatusCode::REQUEST_TERMINATED, endpoint, now);
        }
        self.close(cause::by_request(&bye.headers, None), endpoint);
    }

    pub(super) fn tell_answer(&self, result: Result<Option<String>, StatusCode>, endpoint: &mut Endpoint) {
        endpoint.emit_session(self.id, SessionEvent::Answered { result });
    }
}

/// A request of this dialog with the Contact that table 2 wants.
pub(super) fn in_dialog(dialog: &mut Dialog, method: Method, contact: &Uri) -> Request {
    let mut request = dialog.request(method);
    if headers::needs_contact(&request.method) {
        request.headers.set(HeaderName::Contact, format!("<{contact}>"));
    }
    request
}

/// Gives a request that is sent again the dialog's next CSeq.
pub(super) fn renumber(dialog: &mut Dialog, request: &mut Request) {
    let next = dialog.request(request.method.clone());
    if let Some(cseq) = next.headers.get(&HeaderName::CSeq) {
        request.headers.set(HeaderName::CSeq, cseq);
    }
}
