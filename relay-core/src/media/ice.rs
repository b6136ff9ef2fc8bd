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
    local: Local,
    remote: Option<IceCredentials>,
    /// The generation before a restart: its checks count until the browser has moved (RFC 8445 §9).
    before: Option<(Local, Option<IceCredentials>)>,
    valid: Vec<SocketAddr>,
    nominated: Option<SocketAddr>,
    /// The present generation has chosen its address.
    has_moved: bool,
    checked: Option<Instant>,
}

impl Local {
    fn new(credentials: IceCredentials) -> Self {
        Self { key: stun::key(&credentials.pwd), credentials }
    }
}

/// Our credentials, and the key made of them.
#[derive(Debug)]
struct Local {
    key: hmac::Key,
    credentials: IceCredentials,
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
        let local = Local::new(local);
        Self { local, remote: None, before: None, valid: Vec::new(), nominated: None, has_moved: false, checked: None }
    }

    /// The browser restarts: these credentials of ours are for its next ones. Returns those that are forgotten.
    pub(super) fn restart(&mut self, local: IceCredentials) -> Option<IceCredentials> {
        let retired = core::mem::replace(&mut self.local, Local::new(local));
        self.has_moved = false;
        let forgotten = self.before.replace((retired, self.remote.clone()));
        forgotten.map(|(local, _)| local.credentials)
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

    /// Another browser takes this one's place: checks of the old one count for nothing any more. Returns its addresses.
    pub(super) fn forget_browser(&mut self) -> Vec<SocketAddr> {
        if let Some((_, remote)) = &mut self.before {
            *remote = None;
        }
        (self.nominated, self.has_moved) = (None, false);
        core::mem::take(&mut self.valid)
    }

    /// Answers a request that names our ufrag.
    pub(super) fn handle_request(
        &mut self,
        request: &Request<'_>,
        source: SocketAddr,
        now: Instant,
    ) -> Result<Checked, Refused> {
        let remote = self.remote.as_ref().ok_or(Refused::Early)?;
        let (local, remote) = self.generation(request.ufrags.0).unwrap_or((&self.local, Some(remote)));
        let key = &local.key;
        if !request.is_authentic(key) || remote.is_none_or(|remote| request.ufrags.1 != remote.ufrag) {
            return Err(Refused::NotAuthentic);
        }
        let refusal = match request.unknown {
            Some(attribute) => Some(request.unknown_attribute(attribute, key)),
            None if request.controlled => Some(request.role_conflict(key)),
            None => None,
        };
        if let Some(answer) = refusal {
            return Ok(Checked { answer, validated: false, evicted: None });
        }
        let answer = request.success(source, key);
        let is_present = local.credentials.ufrag == self.local.credentials.ufrag;
        let (validated, evicted) = self.validate(source);
        // After a restart the old path carries media until the new generation has chosen one.
        if request.use_candidate && (is_present || !self.has_moved) {
            self.nominated = Some(source);
            self.has_moved = is_present;
        }
        self.checked = Some(now);
        Ok(Checked { answer, validated, evicted })
    }

    /// Where to send: the browser's choice, before it chose the last address it was heard from.
    pub(super) fn selected(&self) -> Option<SocketAddr> {
        self.nominated.or_else(|| self.valid.last().copied())
    }

    pub(super) fn valid(&self) -> &[SocketAddr] {
        &self.valid
    }

    /// Of both generations.
    pub(super) fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        let before = self.before.iter().map(|(local, _)| local);
        core::iter::once(&self.local).chain(before).map(|local| local.credentials.ufrag.as_str())
    }

    /// When the last authentic check came.
    pub(super) fn checked(&self) -> Option<Instant> {
        self.checked
    }

    /// Our credentials of this name, and the browser's that belong to them.
    fn generation(&self, ufrag: &str) -> Option<(&Local, Option<&IceCredentials>)> {
        let before = self.before.iter().map(|(local, remote)| (local, remote.as_ref()));
        let mut all = core::iter::once((&self.local, self.remote.as_ref())).chain(before);
        all.find(|(local, _)| local.credentials.ufrag == ufrag)
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
