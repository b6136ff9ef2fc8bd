//! REGISTER from a browser, passed on to its PBX (account mode).
//!
//! The Request-URI stays, so the browser's digest verifies; the Contact becomes ours. The relay never sees a
//! password: the PBX's challenge goes back to the browser. Toward the browser the relay is the registrar that knows
//! flows (RFC 5626): a browser that comes back with its instance gets its calls back, too.

use super::B2bua;
use super::bindings::{Before, BindingKey, Full, Granted, Token};
use super::cause::Refusal;
use super::headers;
use super::outbound::without_tag;
use super::routes::{self, NextHop, Route, Target};
use sip_core::agent::{Failure, IncomingId, OutgoingRequest, Reply, RequestId};
use sip_core::message::{Contacts, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::media::control::{MediaId, Side};

/// REGISTERs under way.
#[derive(Debug, Default)]
pub(super) struct Registers {
    sent: BTreeMap<RequestId, (Register, Target)>,
    /// For the DNS.
    waiting: Vec<Register>,
    /// When the next address is tried.
    deadlines: BTreeSet<(Instant, RequestId)>,
}

impl Registers {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    fn pop_due(&mut self, now: Instant) -> Option<RequestId> {
        let (_, id) = self.deadlines.first().copied().filter(|(at, _)| *at <= now)?;
        self.deadlines.pop_first();
        Some(id)
    }

    fn take(&mut self, id: RequestId) -> Option<(Register, Target)> {
        self.deadlines.retain(|(_, other)| *other != id);
        self.sent.remove(&id)
    }
}

/// A browser's REGISTER that waits for the PBX.
#[derive(Debug)]
struct Register {
    incoming: IncomingId,
    flow: Flow,
    token: Token,
    aor: Uri,
    wish: Wish,
    expires: u32,
    /// As the browser sent it.
    request: Box<Request>,
    next_hop: NextHop,
    /// The PBX's addresses that have not been tried.
    route: VecDeque<Target>,
}

/// What a REGISTER is for.
#[derive(Debug)]
enum Wish {
    /// To know what is registered (RFC 3261 §10.2.3).
    Query,
    /// The browser's Contact, as it wrote it.
    Bind { contact: Box<NameAddr>, is_outbound: bool },
    /// To give back all bindings of the account (§10.2.2).
    Clear,
}

impl Wish {
    /// What tells this binding from others of its address of record.
    fn instance(&self) -> String {
        match self {
            Self::Query => String::new(),
            Self::Bind { contact, .. } => instance_of(contact),
            Self::Clear => "*".to_owned(),
        }
    }
}

const DEFAULT_EXPIRES: u32 = 3_600;
const MAX_WAITING: usize = 1_000;
/// Service-Routes that are followed.
const MAX_ROUTES: usize = 8;

impl B2bua {
    /// A REGISTER on a WebSocket.
    pub(super) fn browser_registers(&mut self, incoming: IncomingId, flow: Flow, request: Request, now: Instant) {
        match self.admit_register(incoming, flow, request, now) {
            Ok(register) => self.route_register(register, now),
            Err(reply) => self.reply(Side::Web, incoming, reply, now),
        }
    }

    fn route_register(&mut self, mut register: Register, now: Instant) {
        let before = self.bindings.binding(&register.token).and_then(|binding| binding.trunk);
        match self.route(register.next_hop, before, now) {
            Route::Targets(targets) => {
                register.route = targets;
                self.send_register(register, now);
            }
            Route::Pending if self.registers.waiting.len() < MAX_WAITING => self.registers.waiting.push(register),
            Route::Pending => self.end_register(&register, too_many(), now),
            Route::Nowhere(refusal) => self.end_register(&register, Reply::from(refusal), now),
        }
    }

    fn admit_register(
        &mut self,
        incoming: IncomingId,
        flow: Flow,
        request: Request,
        now: Instant,
    ) -> Result<Register, Reply> {
        let next_hop =
            self.next_hop(&request.uri).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "No PBX Serves This Domain"))?;
        routes::forwards(&request.headers).map_err(Reply::from)?;
        let to = request.headers.to().map_err(|_| refusal(StatusCode::BAD_REQUEST, "Unusable To"))?;
        let wish = wish_of(&request)?;
        let key = BindingKey { aor: aor_key(&to.uri), instance: wish.instance() };
        if !self.bindings.has(&key) {
            self.guard_drain().map_err(Reply::from)?;
        }
        let limits = (self.config.max_bindings, self.config.max_bindings_per_aor);
        let claimed = self.bindings.claim(&key, flow.socket, limits, &mut self.entropy, now);
        let token = claimed.map_err(full)?;
        let asked = match &wish {
            Wish::Bind { contact, .. } => contact.expires(),
            Wish::Query | Wish::Clear => None,
        };
        let expires = asked.or_else(|| request.headers.expires()).unwrap_or(DEFAULT_EXPIRES);
        let (aor, request, route) = (to.into_uri(), Box::new(request), VecDeque::new());
        Ok(Register { incoming, flow, token, aor, wish, expires, request, next_hop, route })
    }

    /// The browser gets its answer.
    fn end_register(&mut self, register: &Register, reply: Reply, now: Instant) {
        self.bindings.answered(&register.token);
        self.reply(Side::Web, register.incoming, reply, now);
    }

    /// The DNS has answered.
    pub(super) fn registers_resolved(&mut self, now: Instant) {
        for register in core::mem::take(&mut self.registers.waiting) {
            self.route_register(register, now);
        }
    }

    /// Addresses that did not answer in time.
    pub(super) fn registers_timeout(&mut self, now: Instant) {
        while let Some(id) = self.registers.pop_due(now) {
            if let Some((register, target)) = self.registers.take(id) {
                self.target_failed(target, None, now);
                self.send_register(register, now);
            }
        }
    }

    /// To the next of its addresses.
    fn send_register(&mut self, mut register: Register, now: Instant) {
        let Some(target) = register.route.pop_front() else {
            return self.end_register(&register, refusal(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE), now);
        };
        let Some((call_id, from_tag, cseq)) = self.bindings.next_register(&register.token) else {
            return self.end_register(&register, too_many(), now);
        };
        let guess = match self.guard_guess(Some(register.flow.socket), &register.request.headers, now) {
            Ok(guess) => guess,
            Err(refusal) => return self.end_register(&register, Reply::from(refusal), now),
        };
        let request = &register.request;
        let mut rows = self.rows(&register, target);
        rows.extend(routes::forwards(&request.headers));
        let outgoing = OutgoingRequest {
            method: Method::Register,
            target: routes::without_routing(&request.uri),
            flow: target.flow(),
            from: request.headers.from().map_or_else(|_| NameAddr::from(register.aor.clone()), without_tag),
            to: Some(NameAddr::from(register.aor.clone())),
            contact: matches!(register.wish, Wish::Bind { .. }).then(|| self.our_contact(&register, target)),
            route: Vec::new(),
            headers: rows,
            body: None,
            credentials: None,
            call_id: Some(call_id),
            from_tag: Some(from_tag),
            cseq: Some(cseq),
        };
        match self.trunk.request(outgoing, now) {
            Ok(id) => {
                self.note_guess(id, guess);
                if !register.route.is_empty() {
                    self.registers.deadlines.insert((now + self.patience(target), id));
                }
                self.registers.sent.insert(id, (register, target));
            }
            Err(error) => {
                let reply = refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
                self.end_register(&register, reply, now);
            }
        }
    }

    /// What the PBX gets beside the Contact.
    fn rows(&self, register: &Register, target: Target) -> headers::Rows {
        let mut rows = headers::to_trunk_request(&register.request.headers);
        match register.wish {
            Wish::Clear => {
                rows.push((HeaderName::Contact, "*".to_owned()));
                rows.push((HeaderName::Expires, "0".to_owned()));
            }
            Wish::Bind { .. } if self.config.path => {
                let mut path = self.contact_on(target.socket, &register.token);
                path.params.set("lr", None);
                rows.push((HeaderName::Path, NameAddr::from(path).to_string()));
                rows.push((HeaderName::Supported, "path".to_owned()));
            }
            Wish::Bind { .. } | Wish::Query => {}
        }
        rows
    }

    fn our_contact(&self, register: &Register, target: Target) -> NameAddr {
        let mut contact = NameAddr::from(self.contact_on(target.socket, &register.token));
        contact.params.set("expires", Some(&register.expires.to_string()));
        contact
    }

    /// The PBX's answer to a REGISTER.
    pub(super) fn register_answered(&mut self, id: RequestId, response: &Response, now: Instant) {
        let Some((register, target)) = self.registers.take(id) else {
            return;
        };
        if response.status == StatusCode::SERVICE_UNAVAILABLE {
            self.target_failed(target, Some(response), now);
            if !register.route.is_empty() {
                return self.send_register(register, now);
            }
        } else {
            self.target_answered(target);
            self.bindings.note_trunk(&register.token, target.flow());
        }
        let mut rows = headers::to_web_response(&response.headers);
        if response.status.is_success() {
            rows.extend(self.register_granted(&register, response, now));
        }
        let reply = Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None };
        self.end_register(&register, reply, now);
    }

    /// Notes what was granted, and says it in the browser's own terms.
    fn register_granted(&mut self, register: &Register, response: &Response, now: Instant) -> headers::Rows {
        let (contact, is_outbound) = match &register.wish {
            Wish::Bind { contact, is_outbound } => (contact, *is_outbound),
            Wish::Clear => {
                self.bindings.remove_all(&aor_key(&register.aor));
                return headers::Rows::new();
            }
            Wish::Query => return headers::Rows::new(),
        };
        let granted = self.granted(register, response);
        if granted == 0 {
            self.bindings.remove(&register.token);
            return headers::Rows::new();
        }
        let before = self.bindings.bind(
            &register.token,
            Granted {
                aor: register.aor.clone(),
                contact: contact.uri.clone(),
                flow: register.flow,
                service_route: service_route(response),
                until: now + Duration::from_secs(u64::from(granted)),
            },
        );
        if !self.web.is_open(register.flow.socket) {
            // It has gone again while the PBX was thinking.
            self.bindings.handle_socket_closed(register.flow.socket);
        } else if let Some(before) = before {
            self.follow_browser(&before, register.flow, now);
        }
        let mut contact = contact.clone();
        contact.params.set("expires", Some(&granted.to_string()));
        let mut rows = vec![(HeaderName::Contact, contact.to_string())];
        if is_outbound {
            rows.push((HeaderName::Require, "outbound".to_owned()));
        }
        rows
    }

    /// Dialogs move with the page that has them. A page that was loaded anew has another Contact and knows none of them:
    /// they wait until it [takes them over](super::takeover).
    fn follow_browser(&mut self, before: &Before, flow: Flow, now: Instant) {
        if before.is_same_page {
            self.web.resume(before.socket, flow, now);
        } else if self.web.is_open(before.socket) {
            self.handle_web_lost(before.socket, now);
        }
    }

    /// The proxies that a call of this browser passes: those that came with its registration (RFC 3608).
    pub(super) fn service_route(&self, id: MediaId, from: &NameAddr) -> Vec<NameAddr> {
        let web = self.calls.call(id).and_then(|call| call.web);
        let Some(socket) = web.and_then(|web| self.web.session(web)).map(|session| session.flow.socket) else {
            return Vec::new();
        };
        let aor = aor_key(&from.uri);
        let mut bound = self.bindings.bound_on(socket).filter(|bound| aor_key(&bound.aor) == aor);
        bound.next().map(|bound| bound.service_route.clone()).unwrap_or_default()
    }

    /// Whether a browser is registered with this address.
    pub(super) fn is_bound_on(&self, socket: SocketId, uri: &Uri) -> bool {
        self.bindings.bound_on(socket).any(|bound| aor_key(&bound.aor) == aor_key(uri))
    }

    /// The seconds the PBX granted for our Contact; zero when it is not among the listed.
    fn granted(&self, register: &Register, response: &Response) -> u32 {
        let Ok(Contacts::List(contacts)) = response.headers.contacts() else {
            return 0;
        };
        let ours = contacts.iter().find(|contact| contact.uri.user.as_deref() == Some(&register.token));
        let default = response.headers.expires().unwrap_or(register.expires);
        ours.map_or(0, |contact| contact.expires().unwrap_or(default))
    }

    /// No answer from the PBX.
    pub(super) fn register_failed(&mut self, id: RequestId, failure: &Failure, now: Instant) {
        let Some((register, target)) = self.registers.take(id) else {
            return;
        };
        let fault = self.target_failed(target, None, now);
        if !register.route.is_empty() {
            return self.send_register(register, now);
        }
        let refusal = Refusal::from_failure(Some(failure), Side::Trunk, fault.as_ref());
        self.end_register(&register, Reply::from(refusal), now);
    }
}

const UNREACHABLE: &str = "The PBX Cannot Be Reached";

fn refusal(status: StatusCode, reason: &str) -> Reply {
    Reply { status, reason: Some(reason.to_owned()), headers: Vec::new(), body: None }
}

fn too_many() -> Reply {
    let mut reply = refusal(StatusCode::SERVICE_UNAVAILABLE, "Too Many Registrations");
    reply.headers.push((HeaderName::RetryAfter, "30".to_owned()));
    reply
}

fn full(full: Full) -> Reply {
    match full {
        Full::Relay => too_many(),
        Full::Account => refusal(StatusCode::FORBIDDEN, "Too Many Phones On This Account"),
        Full::Busy => {
            let mut reply = refusal(StatusCode::SERVER_INTERNAL_ERROR, "The Last REGISTER Has No Answer Yet");
            reply.headers.push((HeaderName::RetryAfter, "5".to_owned()));
            reply
        }
    }
}

/// A browser registers itself and nothing else: one Contact, or none for a query; or it clears its account.
fn wish_of(request: &Request) -> Result<Wish, Reply> {
    match request.headers.contacts() {
        Ok(Contacts::Star) if request.headers.expires() == Some(0) => Ok(Wish::Clear),
        Ok(Contacts::Star) => Err(refusal(StatusCode::BAD_REQUEST, "A Star Needs Expires: 0")),
        Ok(Contacts::List(contacts)) if contacts.len() <= 1 => {
            let is_flow = |contact: &NameAddr| contact.params.has("+sip.instance") && contact.params.has("reg-id");
            let supports_outbound = request.headers.supports("outbound");
            Ok(contacts.into_iter().next().map_or(Wish::Query, |contact| Wish::Bind {
                is_outbound: supports_outbound && is_flow(&contact),
                contact: Box::new(contact),
            }))
        }
        Ok(Contacts::List(_)) => Err(refusal(StatusCode::BAD_REQUEST, "One Contact Per Registration")),
        Err(_) => Err(refusal(StatusCode::BAD_REQUEST, "Unusable Contact")),
    }
}

/// The PBX's own proxies; what cannot be read, or is beyond reason, is none.
fn service_route(response: &Response) -> Vec<NameAddr> {
    let routes = response.headers.addresses(&HeaderName::ServiceRoute).unwrap_or_default();
    let is_usable = routes.len() <= MAX_ROUTES && routes.iter().all(|route| route.uri.is_sip());
    if is_usable { routes } else { Vec::new() }
}

/// An address of record as a key: without parameters, the host without case (RFC 3261 §10.3).
pub(super) fn aor_key(uri: &Uri) -> String {
    let user = uri.user.as_deref().unwrap_or_default();
    format!("{}:{user}@{}", uri.scheme.as_str(), uri.host.to_string().to_ascii_lowercase())
}

fn instance_of(contact: &NameAddr) -> String {
    let instance = contact.params.get("+sip.instance");
    let flow = contact.params.get("reg-id").unwrap_or_default();
    instance.map_or_else(|| contact.uri.to_string(), |instance| format!("{instance};{flow}"))
}
