//! How often one address may call, and how often it may guess passwords. What is beyond that does not reach the PBX.
//!
//! Who is on the relay's own machine is not counted: that is its operator, or a proxy that says whom it speaks for.

use super::cause::Refusal;
use super::{B2bua, headers};
use crate::admission::{Pace, Paces, subscriber};
use crate::media::control::MediaId;
use core::net::IpAddr;
use sip_core::agent::RequestId;
use sip_core::message::{HeaderName, Headers, Response, StatusCode};
use sip_core::{Duration, Instant, SocketId};
use std::collections::BTreeMap;

/// The paces that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPaces {
    /// Calls from one address.
    pub calls: Pace,
    /// Wrong passwords from one address.
    pub guesses: Pace,
}

impl Default for RequestPaces {
    fn default() -> Self {
        Self { calls: Pace::per_minute(60), guesses: Pace { count: 20, per: Duration::from_secs(300) } }
    }
}

/// Who is where, and how far each has come.
#[derive(Debug, Default)]
pub(super) struct Guards {
    addresses: BTreeMap<SocketId, IpAddr>,
    calls: Paces<IpAddr>,
    guesses: Paces<IpAddr>,
    /// Requests whose passwords the PBX has not judged.
    tried: BTreeMap<RequestId, Guess>,
}

/// A password that was counted as a wrong one, because nobody knows yet. Answers come later than requests: counted only
/// then, hundreds would pass before the first.
#[derive(Debug)]
pub(super) struct Guess(IpAddr);

impl Guards {
    pub(super) fn opened(&mut self, socket: SocketId, address: IpAddr) {
        if !address.to_canonical().is_loopback() {
            self.addresses.insert(socket, subscriber(address));
        }
    }

    pub(super) fn closed(&mut self, socket: SocketId) {
        self.addresses.remove(&socket);
    }
}

impl B2bua {
    /// Whether an address may call once more.
    pub(super) fn guard_call(&mut self, socket: Option<SocketId>, now: Instant) -> Result<(), Refusal> {
        let pace = self.config.paces.calls;
        let address = socket.and_then(|socket| self.guards.addresses.get(&socket).copied());
        let keeps = address.is_none_or(|address| self.guards.calls.keeps(address, pace, now));
        keeps.then_some(()).ok_or_else(|| later("Too Many Calls From This Address", pace))
    }

    /// Whether an address may try the password in these headers; none where there is none to count.
    pub(super) fn guard_guess(
        &mut self,
        socket: Option<SocketId>,
        headers: &Headers,
        now: Instant,
    ) -> Result<Option<Guess>, Refusal> {
        match headers::has_credentials(headers) {
            true => self.count_guess(socket, now),
            false => Ok(None),
        }
    }

    fn count_guess(&mut self, socket: Option<SocketId>, now: Instant) -> Result<Option<Guess>, Refusal> {
        let pace = self.config.paces.guesses;
        let address = socket.and_then(|socket| self.guards.addresses.get(&socket).copied());
        let Some(address) = address else { return Ok(None) };
        let keeps = self.guards.guesses.keeps(address, pace, now);
        keeps.then_some(Some(Guess(address))).ok_or_else(|| later("Too Many Wrong Passwords", pace))
    }

    /// The same for an INVITE of a call, which has one password at a time.
    pub(super) fn guard_guess_of(&mut self, id: MediaId, now: Instant) -> Result<(), Refusal> {
        let Some(call) = self.calls.call(id).filter(|call| call.guess.is_none()) else { return Ok(()) };
        let socket = call.web.and_then(|web| self.web_socket_of(web));
        let guess = self.count_guess(socket, now)?;
        if let Some(call) = self.calls.call_mut(id) {
            call.guess = guess;
        }
        Ok(())
    }

    /// A request with a password has gone to the PBX.
    pub(super) fn note_guess(&mut self, request: RequestId, guess: Option<Guess>) {
        self.guards.tried.extend(guess.map(|guess| (request, guess)));
    }

    /// What the PBX said to a request; none where it said nothing.
    pub(super) fn guess_answered(&mut self, request: RequestId, response: Option<&Response>, now: Instant) {
        let guess = self.guards.tried.remove(&request);
        if !response.is_some_and(|response| says_wrong(response.status, &response.headers)) {
            self.forgive(guess.as_ref(), now);
        }
    }

    /// The PBX answered a call.
    pub(super) fn guess_of_answered(&mut self, id: MediaId, is_wrong: bool, now: Instant) {
        let guess = self.calls.call_mut(id).and_then(|call| call.guess.take());
        if !is_wrong {
            self.forgive(guess.as_ref(), now);
        }
    }

    fn forgive(&mut self, guess: Option<&Guess>, now: Instant) {
        if let Some(Guess(address)) = guess {
            self.guards.guesses.give_back(address, self.config.paces.guesses, now);
        }
    }
}

/// Whether a PBX says that a password is wrong. A nonce that has grown old is none.
fn says_wrong(status: StatusCode, headers: &Headers) -> bool {
    status == StatusCode::FORBIDDEN || asks_again(status, headers)
}

/// The same for a call, where 403 is about the number that is called as a rule: an office must not run out of passwords
/// by numbers that it may not dial. Who guesses by calls runs out of calls.
pub(super) fn asks_again(status: StatusCode, headers: &Headers) -> bool {
    let is_stale = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
        .iter()
        .any(|name| headers.challenges(name).iter().any(|challenge| challenge.stale));
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) && !is_stale
}

fn later(reason: &str, pace: Pace) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason);
    refusal.headers.push((HeaderName::RetryAfter, pace.share().as_secs().max(1).to_string()));
    refusal
}
