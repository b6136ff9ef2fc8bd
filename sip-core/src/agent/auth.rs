//! Credentials at work: what a 401 or 407 makes of a request (RFC 3261 §22.2, §22.3).

use super::{Endpoint, Failure};
use crate::digest::{Authenticator, Credentials, Refusal};
use crate::message::{CSeq, HeaderName, Request, Response, StatusCode};

/// Challenges answered in a row for one request: a proxy's and a server's, each stale once. A server that invents a
/// new realm each time gets no more than this.
const MAX_ATTEMPTS: u8 = 4;

/// One user's credentials, the nonces known so far, and the attempts since something went well.
#[derive(Debug)]
pub(crate) struct Auth {
    authenticator: Authenticator,
    attempts: u8,
}

impl Auth {
    pub(crate) const fn new(credentials: Credentials) -> Self {
        Self { authenticator: Authenticator::new(credentials), attempts: 0 }
    }

    /// Credentials for a new request, from nonces that are known already.
    pub(crate) fn authorize(auth: &mut Option<Self>, request: &mut Request) {
        if let Some(auth) = auth {
            auth.attempts = 0;
            auth.authenticator.authorize(request);
        }
    }

    /// A final response that is no challenge: the attempts start anew.
    pub(crate) fn accepted(auth: &mut Option<Self>, response: &Response) {
        if let Some(auth) = auth {
            auth.attempts = 0;
            auth.authenticator.accepted(response);
        }
    }

    /// Makes `request`, as it was sent, the one to send after `response`.
    ///
    /// # Errors
    /// It is not worth it. None: the response is no challenge.
    pub(crate) fn answer(
        auth: &mut Option<Self>,
        request: &mut Request,
        response: &Response,
        endpoint: &mut Endpoint,
    ) -> Result<(), Option<Failure>> {
        if !is_challenge(response.status) {
            return Err(None);
        }
        let unauthorized = |realm| Some(Failure::Unauthorized { status: response.status, realm });
        let Some(auth) = auth.as_mut().filter(|auth| auth.attempts < MAX_ATTEMPTS) else {
            return Err(unauthorized(realm(response)));
        };
        auth.attempts += 1;
        let answered = auth.authenticator.answer(request, response, &mut endpoint.entropy);
        answered.map_err(|refusal: Refusal| unauthorized(refusal.realm().map(str::to_owned)))
    }
}

pub(crate) const fn is_challenge(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

/// Gives a request out of any dialog the next CSeq (§22.2).
pub(crate) fn advance_cseq(request: &mut Request) {
    if let Ok(CSeq { number, method }) = request.headers.cseq() {
        let next = CSeq { number: number.saturating_add(1), method };
        request.headers.set(HeaderName::CSeq, next.to_string());
    }
}

fn realm(response: &Response) -> Option<String> {
    let names = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];
    let challenge = names.iter().find_map(|name| response.headers.challenges(name).into_iter().next());
    challenge.map(|challenge| challenge.realm)
}
