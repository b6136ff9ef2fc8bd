//! Why a session ended: the Reason header (RFC 3326) read into an [`End`].

use crate::agent::{End, EndedBy, Failure};
use crate::message::{HeaderName, Headers, Reason, Response, StatusCode};

/// What the Reason headers of a message say, several protocols together.
#[derive(Debug, Default)]
struct Cause {
    status: Option<StatusCode>,
    q850: Option<u16>,
    text: Option<String>,
}

impl Cause {
    fn read(headers: &Headers) -> Self {
        let reasons = headers.values(&HeaderName::Reason).filter_map(|value| value.parse::<Reason>().ok());
        reasons.fold(Self::default(), Self::with)
    }

    fn with(mut self, reason: Reason) -> Self {
        if reason.is_q850() {
            self.q850 = self.q850.or(reason.cause);
        } else if reason.protocol.eq_ignore_ascii_case("SIP") {
            self.status = self.status.or_else(|| reason.cause.and_then(StatusCode::new));
        }
        self.text = self.text.or(reason.text);
        self
    }
}

/// The other side's BYE, or the CANCEL of a caller (`status` then is what we answered its INVITE).
pub(super) fn by_request(headers: &Headers, status: Option<StatusCode>) -> End {
    let Cause { status: named, q850, text } = Cause::read(headers);
    let status = named.or(status);
    let reason = text.or_else(|| status.map(|status| status.reason().to_owned())).unwrap_or_default();
    End { by: EndedBy::Remote, status, reason, q850, failure: None, response: None }
}

/// A final response to our INVITE.
pub(super) fn by_response(by: EndedBy, response: Response, failure: Option<Failure>) -> End {
    let q850 = Cause::read(&response.headers).q850;
    End {
        by,
        status: Some(response.status),
        reason: response.reason.clone(),
        q850,
        failure,
        response: Some(Box::new(response)),
    }
}

/// Our own wish, by a status or with a Reason.
pub(super) fn by_us(status: Option<StatusCode>, reason: Option<&Reason>) -> End {
    let Cause { status: named, q850, text } =
        reason.cloned().map(|reason| Cause::default().with(reason)).unwrap_or_default();
    let reason = text.or_else(|| status.map(|status| status.reason().to_owned())).unwrap_or_default();
    End { by: EndedBy::Local, status: status.or(named), reason, q850, failure: None, response: None }
}

/// Nobody's wish.
pub(super) fn by_failure(failure: Failure) -> End {
    let reason = words(&failure).to_owned();
    End { by: EndedBy::System, status: None, reason, q850: None, failure: Some(failure), response: None }
}

const fn words(failure: &Failure) -> &'static str {
    match failure {
        Failure::Timeout => "no answer in time",
        Failure::TransportFailed => "the connection is gone",
        Failure::Unauthorized { .. } => "the credentials were refused",
        Failure::Rejected { .. } => "refused",
        Failure::Protocol(what) => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_two_protocols_are_read_together() {
        let mut headers = Headers::new();
        headers.push(HeaderName::Reason, "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=26");

        let end = by_request(&headers, Some(StatusCode::REQUEST_TERMINATED));

        assert_eq!((end.by, end.status, end.q850), (EndedBy::Remote, Some(StatusCode::OK), Some(26)));
        assert_eq!(end.reason, "Call completed elsewhere");
    }

    #[test]
    fn a_plain_bye_has_no_status() {
        let end = by_request(&Headers::new(), None);

        assert_eq!((end.status, end.q850, end.reason.as_str()), (None, None, ""));
    }
}
