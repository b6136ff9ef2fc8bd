//! A call that stands: requests inside its dialog, and its end (RFC 3261 §12.2, §15).

use super::{Session, State, cause};
use crate::agent::{AgentError, Auth, EndedBy, Endpoint, Failure, headers};
use crate::dialog::Dialog;
use crate::message::{HeaderName, Method, Request, Response, StatusCode, Uri};
use crate::time::Instant;

impl Session {
    /// Forgets an offer of ours that is to be made later.
    pub(crate) fn withdraw_offer(&mut self) -> bool {
        match &mut self.state {
            State::Confirmed(confirmed) => confirmed.retry.take().is_some(),
            _ => false,
        }
    }

    /// The other side's BYE, which the application has answered.
    pub(crate) fn end(&mut self, bye: &Request, endpoint: &mut Endpoint, now: Instant) {
        if let State::Confirmed(_) = self.state {
            self.handle_confirmed_bye(bye, endpoint, now);
        }
    }

    /// Names another Contact from the next message on.
    pub(crate) fn set_contact(&mut self, contact: Uri) {
        self.contact = contact;
    }

    /// A request of the application inside the dialog, ready to be sent.
    pub(crate) fn request(
        &mut self,
        method: Method,
        rows: Vec<(HeaderName, String)>,
        body: Option<(String, Vec<u8>)>,
    ) -> Result<Request, AgentError> {
        headers::check(&rows)?;
        if has_own_command(&method) {
            return Err(AgentError::WrongMethod(method.as_str().to_owned()));
        }
        let wrong_state = self.wrong_state("session_request");
        let State::Confirmed(usage) = &mut self.state else {
            return Err(wrong_state);
        };
        let mut request = in_dialog(&mut usage.dialog, method, &self.contact);
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
        let State::Confirmed(usage) = &mut self.state else {
            return false;
        };
        if Auth::answer(&mut self.auth, request, response, endpoint).is_err() {
            return false;
        }
        usage.renumber(request);
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
        let State::Confirmed(usage) = &mut self.state else {
            return;
        };
        usage.dialog.handle_response(request, &response);
        Auth::accepted(&mut self.auth, &response);
        if request.method == Method::Bye {
            let is_challenge = matches!(response.status.as_u16(), 401 | 407);
            if !is_challenge {
                self.close(cause::by_us(None, None), endpoint);
            }
            return;
        }
        let is_gone = matches!(response.status, StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT);
        if is_gone && !has_own_usage(&request.method) {
            self.leave_forgotten(response, endpoint, now);
        }
    }

    /// A request of the application got no answer at all (§12.2.1.2).
    pub(crate) fn note_silence(&mut self, request: &Request, endpoint: &mut Endpoint, now: Instant) {
        if request.method == Method::Bye {
            return self.close(cause::by_us(None, None), endpoint);
        }
        if matches!(self.state, State::Confirmed(_)) && !has_own_usage(&request.method) {
            self.leave_with(None, cause::by_failure(Failure::Timeout), endpoint, now);
        }
    }

    /// The other side does not know the dialog any more (§12.2.1.2).
    pub(super) fn leave_forgotten(&mut self, response: Response, endpoint: &mut Endpoint, now: Instant) {
        self.leave_with(None, cause::by_response(EndedBy::Remote, response, None), endpoint, now);
    }

    pub(super) fn handle_confirmed_bye(&mut self, bye: &Request, endpoint: &mut Endpoint, now: Instant) {
        self.refuse_open_offers(endpoint, now);
        self.close(cause::by_request(&bye.headers, None), endpoint);
    }
}

/// Methods that the agent sends by itself or by a command of their own.
const fn has_own_command(method: &Method) -> bool {
    use Method::{Ack, Cancel, Invite, Prack, Update};
    matches!(method, Invite | Ack | Cancel | Prack | Update)
}

/// Requests of another usage of the dialog, whose end is not the call's (RFC 5057 §4.1).
const fn has_own_usage(method: &Method) -> bool {
    matches!(method, Method::Subscribe | Method::Notify | Method::Refer)
}

/// A request of this dialog with the Contact that table 2 wants.
pub(super) fn in_dialog(dialog: &mut Dialog, method: Method, contact: &Uri) -> Request {
    let mut request = dialog.request(method);
    if headers::needs_contact(&request.method) {
        request.headers.set(HeaderName::Contact, ["<", &contact.to_string(), ">"].concat());
    }
    request
}
