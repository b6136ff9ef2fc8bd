//! How the end of one leg is told on the other: statuses, and Reason headers (RFC 3326).

use super::headers::{self, Rows};
use super::port::FlowFault;
use crate::media::control::{Side, WebFailure};
use sip_core::agent::{End, EndedBy, Failure, Reply};
use sip_core::message::{Reason, StatusCode};

/// A refusal of the INVITE on the leg that still waits for its answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: Option<String>,
    pub(super) headers: Rows,
}

impl From<Refusal> for Reply {
    fn from(Refusal { status, reason, headers }: Refusal) -> Self {
        Self { status, reason, headers, body: None }
    }
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &str) -> Self {
        Self { status, reason: Some(reason.to_owned()), headers: Rows::new() }
    }

    /// The called leg ended before it answered; this is what the caller hears.
    pub(super) fn from_end(end: &End, ended: Side, fault: Option<&FlowFault>) -> Self {
        match &end.response {
            Some(response) => Self {
                status: response.status,
                reason: Some(response.reason.clone()),
                headers: match ended {
                    Side::Trunk => headers::to_web_response(&response.headers),
                    Side::Web => headers::to_trunk_response(&response.headers),
                },
            },
            None => Self::from_failure(end.failure.as_ref(), ended, fault),
        }
    }

    /// `fault` is what the network said, where it said something.
    pub(super) fn from_failure(failure: Option<&Failure>, ended: Side, fault: Option<&FlowFault>) -> Self {
        if let (Side::Trunk, Some(Failure::TransportFailed), Some(fault)) = (ended, failure, fault) {
            let status = if fault.is_broken() { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
            return Self::new(status, &fault.text());
        }
        match (ended, failure) {
            (Side::Trunk, Some(Failure::Timeout)) => Self::new(StatusCode::SERVER_TIMEOUT, "The PBX Did Not Answer"),
            (Side::Trunk, Some(Failure::TransportFailed)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The PBX Cannot Be Reached")
            }
            (Side::Trunk, _) => Self::new(StatusCode::BAD_GATEWAY, "The PBX Broke The Protocol"),
            (Side::Web, _) => Self::new(StatusCode::TEMPORARILY_UNAVAILABLE, "The Browser Is Gone"),
        }
    }
}

/// What a BYE or CANCEL on the other leg says about the end of this one.
pub(super) fn reason_of(end: &End, ended: Side) -> Option<Reason> {
    if let Some(reason) = named_status(end) {
        return Some(reason);
    }
    if let Some(cause) = end.q850 {
        return Some(Reason::q850(cause, &end.reason));
    }
    match (end.by, ended) {
        (EndedBy::System, Side::Web) => Some(Reason::q850(41, "The browser is gone")),
        (EndedBy::System, Side::Trunk) => Some(Reason::q850(41, "The PBX is gone")),
        (EndedBy::Local | EndedBy::Remote, _) => None,
    }
}

/// What the other side's CANCEL or BYE named by its status: that the call was answered elsewhere, above all.
fn named_status(end: &End) -> Option<Reason> {
    let is_said = end.by == EndedBy::Remote && end.response.is_none();
    let status = end.status.filter(|status| is_said && *status != StatusCode::REQUEST_TERMINATED)?;
    (status.is_success() || end.q850.is_none()).then(|| Reason::sip(status.as_u16(), &end.reason))
}

/// What both legs hear when the browser's media ends.
pub(super) const fn media_reason(failure: WebFailure) -> (u16, &'static str) {
    match failure {
        WebFailure::IceTimeout => (41, "No media path to the browser"),
        WebFailure::ConsentExpired => (41, "The browser's media stopped"),
        WebFailure::DtlsFailed => (41, "The media handshake failed"),
        WebFailure::FingerprintMismatch => (111, "The media certificate is not the announced one"),
    }
}
