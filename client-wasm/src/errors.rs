//! Failures in words: what the page is told when a browser, a server or the other side says no.
//!
//! One table gives each [`ErrorCode`] its sentence and says whether trying again makes sense; the functions below it
//! choose the code. Nothing here knows how a failure was noticed.

use sip_core::agent::{End, Failure, TransferEvent};
use sip_core::message::{HeaderName, Response, StatusCode};

use crate::types::{EndedBy, ErrorCode, ErrorInfo};

/// Whether the same attempt may succeed later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// It may, and something here or the user may simply do it.
    Later,
    /// Not until the page or the user changes something.
    Never,
}

const fn describe(code: ErrorCode) -> (Retry, &'static str) {
    use ErrorCode as E;
    use Retry::{Later, Never};
    match code {
        E::MicDenied => (
            Never,
            "The microphone is not allowed. Allow it for this page in the browser's address bar and call again.",
        ),
        E::MicNotFound => (Never, "No microphone was found. Connect one and call again."),
        E::MicInUse => (Later, "The microphone could not be opened. Close other programs that use it and call again."),
        E::InsecurePage => {
            (Never, "Browsers give no microphone to this page. It must be served over https or from localhost.")
        }
        E::ConnectionLost => (Later, "The connection to the server was lost."),
        E::ConnectionRefused => (Later, "The server could not be reached. Check its address and the network."),
        E::WrongCredentials => {
            (Never, "The server refused the user name or the password. Correct them and register again.")
        }
        E::Busy => (Later, "The other side is in another call. Try again later."),
        E::NotFound => (Never, "Nobody has this number or address. Check it."),
        E::NoAnswer => (Later, "Nobody answered. Try again later."),
        E::Rejected => (Never, "The other side declined the call."),
        E::Cancelled => (Later, "The call was cancelled before it was answered."),
        E::Forbidden => (Never, "The server does not allow this. Ask whoever runs it."),
        E::ServerError => (Later, "The server could not do this now. Try again later."),
        E::Unreachable => (Later, "The other side cannot be reached now. Try again later."),
        E::Timeout => (Later, "The server did not answer in time. Try again later."),
        E::MediaFailed => (Later, "The sound's connection failed. Check the network and firewall and call again."),
        E::IncompatibleMedia => (Never, "Both sides have no kind of sound in common."),
        E::TransferUnsupported => (Never, "The other side cannot be transferred. The call goes on."),
        E::TransferUnconfirmed => (Later, "The other side did not say how the transfer went. It may have succeeded."),
        E::InvalidTarget => {
            (Never, "This is no phone number and no SIP address. Examples: +49 30 1234, bob, sip:bob@example.com.")
        }
        E::InvalidConfig => (Never, "A setting is wrong."),
        E::InvalidArgument => (Never, "An argument is wrong."),
        E::WrongState => (Never, "This is not possible now."),
        E::ProtocolError => (Later, "The other side broke the protocol."),
        E::MessageTooLarge => (Never, "The message is too long for the other side or for a server on the way."),
        E::NotSupported => (Never, "The other side does not support this."),
        E::Disposed => (Never, "This user agent was disposed. Make a new one."),
    }
}

impl ErrorInfo {
    /// The error of this code, in its usual words.
    pub(crate) fn new(code: ErrorCode) -> Box<Self> {
        Self::with_message(code, describe(code).1)
    }

    /// The error of this code, in words that say more.
    pub(crate) fn with_message(code: ErrorCode, message: impl Into<String>) -> Box<Self> {
        let (retry, _) = describe(code);
        let (fatal, retryable) = (retry == Retry::Never, retry == Retry::Later);
        // One pointer, because most commands and tasks return it and few fail.
        Box::new(Self { code, message: message.into(), status: None, fatal, retryable })
    }

    fn with_status(mut self: Box<Self>, status: u16) -> Box<Self> {
        self.status = Some(status);
        self
    }
}

/// The error behind the name of a `DOMException` that `getUserMedia` was refused with.
pub(crate) fn microphone(name: &str) -> Box<ErrorInfo> {
    ErrorInfo::new(match name {
        "NotAllowedError" | "SecurityError" => ErrorCode::MicDenied,
        "NotFoundError" | "OverconstrainedError" => ErrorCode::MicNotFound,
        // `navigator.mediaDevices` is not there outside of secure contexts.
        "TypeError" => ErrorCode::InsecurePage,
        _ => ErrorCode::MicInUse,
    })
}

/// The error of a WebSocket that closed. A browser tells a page nothing about a connection that never opened.
pub(crate) fn connection(was_open: bool) -> Box<ErrorInfo> {
    ErrorInfo::new(if was_open { ErrorCode::ConnectionLost } else { ErrorCode::ConnectionRefused })
}

/// The error of a registration that failed.
pub(crate) fn registration(failure: &Failure) -> Box<ErrorInfo> {
    match failure {
        Failure::Rejected { status, .. } if status.as_u16() == 404 => {
            ErrorInfo::with_message(ErrorCode::NotFound, "The server does not know this account. Check its address.")
                .with_status(404)
        }
        failure => from_failure(failure),
    }
}

/// The error of a call that ended, if its end is one: not after a hang-up, nor when an unanswered caller gives up.
/// `calling`: our INVITE had no answer; `rang`: but it rang there.
pub(crate) fn call(end: &End, calling: bool, rang: bool) -> Option<Box<ErrorInfo>> {
    if EndedBy::from(end.by) == EndedBy::Local {
        return None;
    }
    match (&end.failure, end.status) {
        (Some(failure @ Failure::Unauthorized { .. }), _) => Some(from_failure(failure)),
        // Who rang was there: 480 is then what a phone says that nobody took.
        (_, Some(StatusCode::TEMPORARILY_UNAVAILABLE)) if calling && rang && end.q850.is_none() => {
            Some(ErrorInfo::new(ErrorCode::NoAnswer).with_status(480))
        }
        (_, Some(status)) if calling && !status.is_success() => Some(refusal(status.as_u16(), end.q850)),
        (Some(failure), _) => Some(from_failure(failure)),
        _ => None,
    }
}

/// The error of a message, a subscription or a publication that was refused.
pub(crate) fn request(response: &Response) -> Box<ErrorInfo> {
    let mut error = of_request(response.status.as_u16());
    if let (Some(types), Some(415)) = (response.headers.get(&HeaderName::Accept), error.status) {
        [" It takes: ", types, "."].iter().for_each(|part| error.message.push_str(part));
    }
    error
}

/// The error of a message, a subscription or a publication that failed.
pub(crate) fn failure(failure: &Failure) -> Box<ErrorInfo> {
    match failure {
        Failure::Rejected { status, .. } => of_request(status.as_u16()),
        failure => from_failure(failure),
    }
}

fn of_request(status: u16) -> Box<ErrorInfo> {
    let code = match status {
        408 => ErrorCode::Timeout,
        413 | 513 => ErrorCode::MessageTooLarge,
        405 | 406 | 415 | 420 | 489 | 501 | 505 => ErrorCode::NotSupported,
        603 => return ErrorInfo::with_message(ErrorCode::Rejected, "The other side refused it.").with_status(status),
        status => return refusal(status, None),
    };
    ErrorInfo::new(code).with_status(status)
}

fn from_failure(failure: &Failure) -> Box<ErrorInfo> {
    match failure {
        Failure::Timeout => ErrorInfo::new(ErrorCode::Timeout),
        Failure::TransportFailed => ErrorInfo::new(ErrorCode::ConnectionLost),
        Failure::Unauthorized { status, .. } => {
            ErrorInfo::new(ErrorCode::WrongCredentials).with_status(status.as_u16())
        }
        Failure::Rejected { status, .. } => refusal(status.as_u16(), None),
        _ => ErrorInfo::new(ErrorCode::ProtocolError),
    }
}

/// The error of a request inside a call that was refused: the call itself goes on.
pub(crate) fn change(status: u16) -> Box<ErrorInfo> {
    let code = match status {
        408 | 504 => ErrorCode::Timeout,
        // Two changes met again and again.
        491 => ErrorCode::ServerError,
        status => refusal(status, None).code,
    };
    ErrorInfo::with_message(code, "The other side did not take this. The call goes on as before.").with_status(status)
}

/// The error of a transfer that did not succeed.
pub(crate) fn transfer(event: &TransferEvent) -> Box<ErrorInfo> {
    match event {
        TransferEvent::Refused { status, .. } if matches!(status.as_u16(), 405 | 420 | 501) => {
            ErrorInfo::new(ErrorCode::TransferUnsupported).with_status(status.as_u16())
        }
        TransferEvent::Refused { status, .. } | TransferEvent::Failed { status, .. } => refusal(status.as_u16(), None),
        TransferEvent::Lost(failure @ (Failure::Timeout | Failure::TransportFailed)) => from_failure(failure),
        _ => ErrorInfo::new(ErrorCode::TransferUnconfirmed),
    }
}

/// The error behind a final response (RFC 3261 §21) and the Q.850 cause that may stand beside it.
fn refusal(status: u16, q850: Option<u16>) -> Box<ErrorInfo> {
    let code = match (status, q850) {
        // Exchanges say 480 for anything; the cause knows better.
        (480, Some(1)) => ErrorCode::NotFound,
        (480, Some(17)) | (486 | 600, _) => ErrorCode::Busy,
        (480, Some(18 | 19)) | (408, _) => ErrorCode::NoAnswer,
        (480, Some(21)) | (603 | 607 | 608, _) => ErrorCode::Rejected,
        (300..=399 | 430 | 480 | 502 | 504, _) => ErrorCode::Unreachable,
        (401 | 407, _) => ErrorCode::WrongCredentials,
        (403, _) => ErrorCode::Forbidden,
        (404 | 410 | 604, _) => ErrorCode::NotFound,
        (414 | 416 | 484 | 485, _) => ErrorCode::InvalidTarget,
        (415 | 488 | 606, _) => ErrorCode::IncompatibleMedia,
        (487, _) => ErrorCode::Cancelled,
        (500..=599, _) => ErrorCode::ServerError,
        _ => ErrorCode::Rejected,
    };
    ErrorInfo::new(code).with_status(status)
}

impl From<sip_core::agent::EndedBy> for EndedBy {
    fn from(by: sip_core::agent::EndedBy) -> Self {
        match by {
            sip_core::agent::EndedBy::Local => Self::Local,
            sip_core::agent::EndedBy::Remote => Self::Remote,
            sip_core::agent::EndedBy::System => Self::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(by: sip_core::agent::EndedBy, status: Option<u16>, failure: Option<Failure>) -> End {
        End { by, status: status.and_then(StatusCode::new), reason: String::new(), q850: None, failure, response: None }
    }

    fn code(end: &End, calling: bool, rang: bool) -> Option<ErrorCode> {
        call(end, calling, rang).map(|error| error.code)
    }

    #[test]
    fn refusals_keep_their_status() {
        let error = refusal(486, None);

        assert_eq!((error.code, error.status, error.retryable), (ErrorCode::Busy, Some(486), true));
        assert_eq!(refusal(404, None).code, ErrorCode::NotFound);
        assert_eq!(refusal(503, None).code, ErrorCode::ServerError);
        assert_eq!(refusal(488, None).code, ErrorCode::IncompatibleMedia);
    }

    #[test]
    fn the_cause_sharpens_a_480() {
        assert_eq!(refusal(480, None).code, ErrorCode::Unreachable);
        assert_eq!(refusal(480, Some(19)).code, ErrorCode::NoAnswer);
        assert_eq!(refusal(480, Some(17)).code, ErrorCode::Busy);
    }

    #[test]
    fn a_480_of_who_rang_means_that_nobody_answered() {
        let unavailable = end(sip_core::agent::EndedBy::Remote, Some(480), None);

        assert_eq!(code(&unavailable, true, true), Some(ErrorCode::NoAnswer));
        assert_eq!(code(&unavailable, true, false), Some(ErrorCode::Unreachable));
        assert_eq!(code(&End { q850: Some(17), ..unavailable }, true, true), Some(ErrorCode::Busy));
    }

    #[test]
    fn a_normal_end_is_no_error() {
        use sip_core::agent::EndedBy::{Local, Remote};

        assert_eq!(code(&end(Remote, None, None), false, true), None);
        assert_eq!(code(&end(Remote, Some(487), None), false, false), None);
        assert_eq!(code(&end(Local, Some(487), None), true, false), None);
    }

    #[test]
    fn a_refused_password_is_named_before_its_status() {
        let status = StatusCode::new(403).unwrap();
        let failure = Failure::Unauthorized { status, realm: None };

        let error = call(&end(sip_core::agent::EndedBy::Remote, Some(403), Some(failure)), true, false).unwrap();

        assert_eq!((error.code, error.fatal, error.status), (ErrorCode::WrongCredentials, true, Some(403)));
    }

    #[test]
    fn a_lost_connection_ends_an_answered_call_with_an_error() {
        let lost = end(sip_core::agent::EndedBy::System, None, Some(Failure::TransportFailed));

        assert_eq!(code(&lost, false, true), Some(ErrorCode::ConnectionLost));
    }

    #[test]
    fn a_microphone_is_denied_missing_or_taken() {
        assert_eq!(microphone("NotAllowedError").code, ErrorCode::MicDenied);
        assert_eq!(microphone("NotFoundError").code, ErrorCode::MicNotFound);
        assert_eq!(microphone("NotReadableError").code, ErrorCode::MicInUse);
        assert_eq!(microphone("TypeError").code, ErrorCode::InsecurePage);
    }
}
