//! The lite side of ICE (RFC 8445 §2.5, §7.3, §8.2): checks are answered, never sent.
//!
//! An address is valid once a check from it was authentic; the browser chooses among them by USE-CANDIDATE and may
//! choose again when it moves. Checks that stop coming mean that consent is gone (RFC 7675, read from the lite side).

use super::control::IceCredentials;
use super::stun::{self, Answer, Request};
use core::net::SocketAddr;
use ring::hmac;
use sip_core::Instant;

/// Valid addresses kept; the oldest that is not nominated makes room.
const MAX_VALID: usize = 8;

/// One side of one call's ICE session.
#[derive(Debug)]
pub(super) struct IceLite {
    key: hmac::Key,
    local: IceCredentials,
    remote: Option<IceCredentials>,
    valid: Vec<SocketAddr>,
    nominated: Option<SocketAddr>,
    checked: Option<Instant>,
}

/// What a check led to.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) answer: Answer,
    /// Now valid, and was not before.
    pub(super) validated: bool,
    /// No longer valid: it had to make room.
    pub(super) evicted: Option<SocketAddr>,
}

/// A check that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not made with our password, or from another than the described browser.
    NotAuthentic,
    /// The browser has not been described yet.
    Early,
}

impl IceLite {
    pub(super) fn new(local: IceCredentials) -> Self {
        let key = stun::key(&local.pwd);
        Self { key, local, remote: None, valid: Vec::new(), nominated: None, checked: None }
    }

    /// Takes the browser's credentials; true when they are other ones than before, an ICE restart (§9). Media stays on
    /// the old path until the browser has nominated a new one.
    pub(super) fn describe(&mut self, remote: &IceCredentials) -> bool {
        let restart = self.remote.as_ref() != Some(remote);
        if restart {
            self.remote = Some(remote.clone());
        }
        restart
    }

    /// Answers a request that names our ufrag.
    pub(super) fn handle_request(
        &mut self,
        request: &Request<'_>,
        source: SocketAddr,
        now: Instant,
    ) -> Result<Checked, Refused> {
        let remote = self.remote.as_ref().ok_or(Refused::Early)?;
        if !request.is_authentic(&self.key) || request.ufrags.1 != remote.ufrag {
            return Err(Refused::NotAuthentic);
        }
        let refusal = match request.unknown {
            Some(attribute) => Some(request.unknown_attribute(attribute, &self.key)),
            None if request.controlled => Some(request.role_conflict(&self.key)),
            None => None,
        };
        if let Some(answer) = refusal {
            return Ok(Checked { answer, validated: false, evicted: None });
        }
        let (validated, evicted) = self.validate(source);
        if request.use_candidate {
            self.nominated = Some(source);
        }
        self.checked = Some(now);
        Ok(Checked { answer: request.success(source, &self.key), validated, evicted })
    }

    /// Where to send: the browser's choice, before it chose the last address it was heard from.
    pub(super) fn selected(&self) -> Option<SocketAddr> {
        self.nominated.or_else(|| self.valid.last().copied())
    }

    pub(super) fn valid(&self) -> &[SocketAddr] {
        &self.valid
    }

    pub(super) fn local_ufrag(&self) -> &str {
        &self.local.ufrag
    }

    /// When the last authentic check came.
    pub(super) fn checked(&self) -> Option<Instant> {
        self.checked
    }

    fn validate(&mut self, source: SocketAddr) -> (bool, Option<SocketAddr>) {
        if self.valid.contains(&source) {
            return (false, None);
        }
        let spare = self.valid.iter().position(|address| Some(*address) != self.nominated);
        let evicted = spare.filter(|_| self.valid.len() >= MAX_VALID).map(|at| self.valid.remove(at));
        self.valid.push(source);
        (true, evicted)
    }
}
