//! Guests: browsers that call with a token instead of an account (RFC 8898). The relay calls for them, through a trunk
//! that it has credentials for, and nothing else that they ask for is done.
//!
//! Whom a token admits is [`admission`](crate::admission)'s business. Here the browser's INVITE becomes the one that the
//! token allows: nothing of what the page says about caller, callee or routing crosses.

use super::B2bua;
use super::call::Call;
use super::cause::Refusal;
use super::config::Config;
use super::port::{Access, Output};
use super::routes::NextHop;
use crate::admission::{Admission, Asked, Callee, Denial, Grant, Page, Party, Rules, UnixTime};
use crate::media::control::MediaId;
use sip_core::agent::SessionId;
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Headers, Host, NameAddr, Reason, Request, StatusCode, Uri, dtmf};
use sip_core::{Duration, Instant, SocketId};
use std::collections::{BTreeMap, BTreeSet};

/// Of a guest's INVITE no more is looked at.
const KEPT: [HeaderName; 13] = [
    HeaderName::Via,
    HeaderName::MaxForwards,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::Contact,
    HeaderName::Allow,
    HeaderName::Accept,
    HeaderName::Supported,
    HeaderName::Require,
    HeaderName::ContentType,
    HeaderName::ContentLength,
];

/// Everything about guests that is not in their calls.
#[derive(Debug, Default)]
pub(super) struct Guests {
    admission: Admission,
    visitors: BTreeMap<SocketId, Visitor>,
    /// When calls of guests must be over.
    limits: BTreeSet<(Instant, MediaId)>,
    /// A moment and what the world's clocks said then.
    clock: (Instant, UnixTime),
}

/// Who is at the other end of a WebSocket.
#[derive(Debug)]
struct Visitor {
    page: Option<Page>,
    access: Access,
}

/// A guest's call.
#[derive(Debug)]
pub(super) struct Stay {
    party: Party,
    max_duration: Duration,
    limit: Option<Instant>,
}

impl Guests {
    pub(super) fn new(admission: Admission) -> Self {
        Self { admission, ..Self::default() }
    }

    pub(super) fn opened(&mut self, socket: SocketId, page: Option<Page>, access: Access) {
        self.visitors.insert(socket, Visitor { page, access });
    }

    pub(super) fn closed(&mut self, socket: SocketId) {
        self.visitors.remove(&socket);
    }

    pub(super) fn set_rules(&mut self, rules: Rules) {
        self.admission.set_rules(rules);
    }

    pub(super) fn set_clock(&mut self, time: UnixTime, now: Instant) {
        self.clock = (now, time);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.limits.first().map(|(at, _)| *at)
    }

    pub(super) fn is_forbidden(&self, callee: &Callee) -> bool {
        self.admission.is_forbidden(callee)
    }

    fn is_guest(&self, socket: SocketId) -> bool {
        self.visitors.get(&socket).is_some_and(|visitor| visitor.access == Access::Guest)
    }

    fn time(&self, now: Instant) -> UnixTime {
        self.clock.1.plus(now.since(self.clock.0))
    }
}

impl Stay {
    pub(super) fn of(grant: &Grant) -> Self {
        Self { party: grant.party.clone(), max_duration: grant.max_duration, limit: None }
    }
}

impl B2bua {
    /// Whether an INVITE is a guest's: it brings a token, or comes from where nothing else is taken.
    pub(super) fn is_by_guest(&self, session: SessionId, headers: &Headers) -> bool {
        bearer(headers).is_some() || self.web_socket_of(session).is_some_and(|socket| self.guests.is_guest(socket))
    }

    /// A guest's INVITE: admitted, and rewritten to what the token allows.
    ///
    /// # Errors
    /// The refusal for the browser.
    pub(super) fn admit_guest(
        &mut self,
        session: SessionId,
        request: &mut Request,
        now: Instant,
    ) -> Result<(NextHop, Grant), Refusal> {
        let socket = self.web_socket_of(session);
        let at = self.guests.time(now);
        let token = bearer(&request.headers).ok_or(Denial::Missing);
        let page = socket.and_then(|socket| self.guests.visitors.get(&socket)?.page.clone());
        let is_sole = [HeaderName::Replaces, HeaderName::ReferredBy].iter().all(|name| !request.headers.has(name));
        let granted = token.and_then(|token| {
            let asked = Asked { token, callee: &request.uri, page: page.as_ref() };
            is_sole.then_some(()).ok_or(Denial::NotACall)?;
            self.guests.admission.admit(asked, at)
        });
        self.keep_as_guest(socket);
        let grant = granted.map_err(|denial| self.denied(denial))?;
        rewrite(&self.config, request, &grant);
        Ok((NextHop { trunk: grant.trunk, is_secure: false }, grant))
    }

    /// Who came with a token, and has no account here, is a guest from then on.
    pub(super) fn keep_as_guest(&mut self, socket: Option<SocketId>) {
        let Some(socket) = socket else { return };
        let is_registered = self.bindings.bound_on(socket).next().is_some();
        if let Some(visitor) = self.guests.visitors.get_mut(&socket).filter(|_| !is_registered) {
            visitor.access = Access::Guest;
        }
    }

    /// The credentials that answer a challenge to a guest's call. Account holders have their own.
    pub(super) fn credentials_for(&self, id: MediaId, trunk: usize) -> Option<Credentials> {
        let is_guest = self.calls.call(id).is_some_and(|call| call.guest.is_some());
        credentials_of(&self.config, trunk).filter(|_| is_guest).cloned()
    }

    /// A call that did not begin.
    pub(super) fn forgo(&mut self, grant: Option<&Grant>) {
        if let Some(grant) = grant {
            self.guests.admission.release(&grant.party);
        }
    }

    /// A guest's call is over.
    pub(super) fn guest_left(&mut self, call: &Call) {
        if let Some(stay) = &call.guest {
            self.guests.admission.release(&stay.party);
        }
    }

    /// A guest's call is ending: its limit has nothing to end any more.
    pub(super) fn guest_ends(&mut self, id: MediaId) {
        let limit = self.calls.call_mut(id).and_then(|call| call.guest.as_mut()?.limit.take());
        if let Some(limit) = limit {
            self.guests.limits.remove(&(limit, id));
        }
    }

    /// From now on, a guest's call may ring so long.
    pub(super) fn guest_rings(&mut self, id: MediaId, now: Instant) {
        self.limit_guest(id, now + self.config.ring_timeout);
    }

    /// From now on, a guest's call may last so long.
    pub(super) fn guest_talks(&mut self, id: MediaId, now: Instant) {
        let longest = self.calls.call(id).and_then(|call| Some(call.guest.as_ref()?.max_duration));
        if let Some(longest) = longest {
            self.limit_guest(id, now + longest);
        }
    }

    fn limit_guest(&mut self, id: MediaId, at: Instant) {
        let Some(stay) = self.calls.call_mut(id).and_then(|call| call.guest.as_mut()) else { return };
        if let Some(before) = stay.limit.replace(at) {
            self.guests.limits.remove(&(before, id));
        }
        self.guests.limits.insert((at, id));
    }

    /// Ends the calls of guests whose time is over.
    pub(super) fn guests_timeout(&mut self, now: Instant) {
        while let Some((_, id)) = self.guests.limits.first().copied().filter(|(at, _)| *at <= now) {
            self.guests.limits.pop_first();
            let Some(call) = self.calls.call_mut(id) else { continue };
            if let Some(stay) = &mut call.guest {
                stay.limit = None;
            }
            let reason = match call.record.answered {
                // Q.850: recovery on timer expiry; no answer from user.
                Some(_) => Reason::q850(102, "The time that the token allows is over"),
                None => Reason::q850(19, "Nobody answered"),
            };
            self.end_both(id, Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE, "Nobody Answered"), reason, now);
        }
    }

    /// Whether a request out of any dialog is one that guests may not make.
    pub(super) fn is_closed_to(&self, socket: SocketId, headers: &Headers) -> bool {
        bearer(headers).is_some() || self.guests.is_guest(socket)
    }

    /// Whether a request inside a call is one that its guest may not make: digits cross, transfers do not.
    pub(super) fn is_beyond_guest(&self, id: MediaId, asked: &dtmf::Info) -> bool {
        let is_guest = self.calls.call(id).is_some_and(|call| call.guest.is_some());
        is_guest && !matches!(asked, dtmf::Info::Digits(..) | dtmf::Info::Malformed)
    }

    /// The refusal that belongs to a denial, which is told to the shell as well.
    pub(super) fn denied(&mut self, denial: Denial) -> Refusal {
        self.outputs.push_back(Output::Denied(denial));
        let mut refusal = Refusal::new(denial.status(), denial.text());
        let again = denial.retry_after().map(|seconds| (HeaderName::RetryAfter, seconds.to_string()));
        refusal.headers.extend(again);
        refusal
    }

    pub(super) fn web_socket_of(&self, session: SessionId) -> Option<SocketId> {
        self.web.session(session).map(|view| view.flow.socket)
    }
}

/// The INVITE that the token stands for, in the place of the page's.
pub(super) fn rewrite(config: &Config, request: &mut Request, grant: &Grant) {
    let tag = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
    let host = grant.callee.host.as_deref().and_then(|host| host.parse::<Host>().ok());
    let host = host.unwrap_or_else(|| Host::Name("invalid".to_owned()));
    let callee = Uri::sip(Some(&grant.callee.user), host.clone(), None);
    let user = credentials_of(config, grant.trunk).map_or("anonymous", |known| known.username.as_str());
    let mut caller = grant.caller.clone().unwrap_or_else(|| NameAddr::new(Uri::sip(Some(user), host, None)));
    if let Some(tag) = tag {
        caller.set_tag(&tag);
    }
    request.headers.retain(|row| KEPT.contains(&row.name));
    request.headers.set(HeaderName::From, caller.to_string());
    request.headers.set(HeaderName::To, NameAddr::new(callee.clone()).to_string());
    request.uri = callee;
}

/// What a trunk is told of the relay, for calls that the relay makes by itself.
fn credentials_of(config: &Config, trunk: usize) -> Option<&Credentials> {
    config.trunks.get(trunk)?.credentials.as_ref()
}

/// The token of a request (RFC 8898 §3).
fn bearer(headers: &Headers) -> Option<&str> {
    headers.get_all(&HeaderName::Authorization).find_map(bearer_of)
}

/// The token of an `Authorization` value, where it is of that scheme.
pub(super) fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim_start().split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
