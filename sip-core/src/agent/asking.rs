//! A request that asks a server to keep something for us, until it is granted or refused for good: challenges are
//! answered (RFC 3261 §22), and times that are too brief are raised (RFC 6665 §4.1.2.1, RFC 3903 §4.1).

use super::{Auth, Endpoint, Failure, Owner};
use crate::flow::Flow;
use crate::message::text::decimal;
use crate::message::{HeaderName, Request, Response, StatusCode};
use crate::time::{Duration, Instant};
use crate::transaction::ClientId;

/// Answers "too brief" that are followed in a row.
const MAX_BRIEF: u8 = 3;
/// The longest wait before another attempt.
const LONGEST_WAIT: u64 = 300;

/// A request under way.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) client: ClientId,
    /// As last sent, without Via.
    pub(crate) request: Box<Request>,
    brief: u8,
}

impl Asking {
    pub(crate) fn send(
        request: Box<Request>,
        (flow, owner): (Flow, Owner),
        brief: u8,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<Self, Failure> {
        match endpoint.send((*request).clone(), flow, owner, now) {
            Ok(client) => Ok(Self { client, request, brief }),
            Err(_) => Err(Failure::TransportFailed),
        }
    }

    /// The request that may be granted after this refusal, with the CSeq of the one before; or why there is none.
    pub(crate) fn again(
        mut self,
        response: &Response,
        auth: &mut Option<Auth>,
        expires: &mut u32,
        endpoint: &mut Endpoint,
    ) -> Result<(Box<Request>, u8), Failure> {
        match Auth::answer(auth, &mut self.request, response, endpoint) {
            Ok(()) => return Ok((self.request, self.brief)),
            Err(Some(failure)) => return Err(failure),
            Err(None) => {}
        }
        match (response.status, response.headers.min_expires()) {
            (StatusCode::INTERVAL_TOO_BRIEF, Some(least)) if least > *expires && self.brief < MAX_BRIEF => {
                *expires = least;
                self.request.headers.set(HeaderName::Expires, decimal(least));
                Ok((self.request, self.brief + 1))
            }
            _ => Err(refusal(response)),
        }
    }
}

fn refusal(response: &Response) -> Failure {
    match response.status {
        StatusCode::FORBIDDEN => Failure::Unauthorized { status: response.status, realm: None },
        status => Failure::Rejected { status, reason: response.reason.clone() },
    }
}

/// The server's wish before another attempt.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    response.headers.retry_after().map(|seconds| Duration::from_secs(seconds.into()))
}

/// Whether the same request may succeed later without anybody changing anything.
pub(crate) fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Timeout | Failure::TransportFailed => true,
        Failure::Rejected { status, .. } => matches!(status.as_u16(), 408 | 480 | 491 | 500 | 502..=504),
        _ => false,
    }
}

/// How long to wait before the attempt after `failures` in a row: twice as long each time, and never all at once.
pub(crate) fn backoff(failures: u32, endpoint: &mut Endpoint) -> Duration {
    let longest = 1_u64.checked_shl(failures).map_or(LONGEST_WAIT, |seconds| seconds.min(LONGEST_WAIT));
    let longest = Duration::from_secs(longest);
    endpoint.random_between(longest / 2, longest)
}

/// When to refresh what was granted for this long: early enough for a second attempt, and not with everybody else.
pub(crate) fn refresh_after(granted: u32, endpoint: &mut Endpoint) -> Duration {
    let granted = Duration::from_secs(granted.into());
    endpoint.random_between(granted * 3 / 4, granted * 9 / 10)
}
