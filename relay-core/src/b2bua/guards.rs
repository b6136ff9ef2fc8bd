//! How often one address may call, and how often it may guess passwords. What is beyond that does not reach the PBX.
//!
//! Who is on the relay's own machine is not counted: that is its operator, or a proxy that says whom it speaks for.

use super::B2bua;
use super::cause::Refusal;
use crate::admission::{Pace, Paces};
use core::net::IpAddr;
use sip_core::message::{HeaderName, Response, StatusCode};
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
}

impl Guards {
    pub(super) fn opened(&mut self, socket: SocketId, address: IpAddr) {
        if !address.is_loopback() {
            self.addresses.insert(socket, address);
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

    /// Whether an address may try a password.
    pub(super) fn guard_guess(&mut self, socket: SocketId, now: Instant) -> Result<(), Refusal> {
        let pace = self.config.paces.guesses;
        let address = self.guards.addresses.get(&socket);
        let keeps = address.is_none_or(|address| self.guards.guesses.would_keep(address, pace, now));
        keeps.then_some(()).ok_or_else(|| later("Too Many Wrong Passwords", pace))
    }

    /// A password was tried: a wrong one counts, a nonce that has grown old does not.
    pub(super) fn guessed(&mut self, socket: SocketId, response: &Response, now: Instant) {
        let pace = self.config.paces.guesses;
        let is_stale = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
            .iter()
            .any(|name| response.headers.challenges(name).iter().any(|challenge| challenge.stale));
        let is_wrong = matches!(response.status.as_u16(), 401 | 403 | 407) && !is_stale;
        if let Some(address) = self.guards.addresses.get(&socket).copied().filter(|_| is_wrong) {
            self.guards.guesses.keeps(address, pace, now);
        }
    }
}

fn later(reason: &str, pace: Pace) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason);
    refusal.headers.push((HeaderName::RetryAfter, pace.share().as_secs().max(1).to_string()));
    refusal
}
