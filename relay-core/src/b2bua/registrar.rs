//! REGISTER from a browser, passed on to its PBX (account mode).
//!
//! The Request-URI stays, so the browser's digest verifies; the Contact becomes ours. The relay never sees a
//! password: the PBX's challenge goes back to the browser.

use super::B2bua;
use super::bindings::{BindingKey, Token};
use super::config::NextHop;
use super::headers;
use super::outbound::without_tag;
use core::net::SocketAddr;
use sip_core::agent::{Failure, IncomingId, OutgoingRequest, Reply, RequestId};
use sip_core::message::{Contacts, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant};
use std::collections::BTreeMap;

use crate::media::control::Side;

/// REGISTERs under way.
#[derive(Debug, Default)]
pub(super) struct Registers {
    sent: BTreeMap<RequestId, Register>,
    /// For a PBX's address.
    waiting: Vec<(NextHop, Box<Request>, Register)>,
}

/// A browser's REGISTER that waits for the PBX.
#[derive(Debug)]
struct Register {
    incoming: IncomingId,
    flow: Flow,
    token: Token,
    aor: Uri,
    /// The browser's Contact as it wrote it; none asks only what is registered (RFC 3261 §10.2.3).
    contact: Option<NameAddr>,
    expires: u32,
}

const DEFAULT_EXPIRES: u32 = 3_600;
const MAX_WAITING: usize = 1_000;

impl B2bua {
    /// A REGISTER on a WebSocket.
    pub(super) fn browser_registers(&mut self, incoming: IncomingId, flow: Flow, request: Request, now: Instant) {
        match self.admit_register(incoming, flow, &request, now) {
            Ok((register, next_hop)) => match self.address_of(&next_hop, now) {
                Some(address) => self.send_register(register, &request, address, now),
                None => self.wait_for_address(next_hop, request, register, now),
            },
            Err(reply) => self.reply(Side::Web, incoming, reply, now),
        }
    }

    fn admit_register(
        &mut self,
        incoming: IncomingId,
        flow: Flow,
        request: &Request,
        now: Instant,
    ) -> Result<(Register, NextHop), Reply> {
        let next_hop =
            self.next_hop(&request.uri).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "No PBX Serves This Domain"))?;
        let to = request.headers.to().map_err(|_| refusal(StatusCode::BAD_REQUEST, "Unusable To"))?;
        let contact = single_contact(request)?;
        let key =
            BindingKey { aor: aor_key(&to.uri), instance: contact.as_ref().map_or_else(String::new, instance_of) };
        let token = self.bindings.claim(&key, self.config.max_bindings, &mut self.entropy, now);
        let token = token.ok_or_else(too_many)?;
        let asked = contact.as_ref().and_then(NameAddr::expires).or_else(|| request.headers.expires());
        let register =
            Register { incoming, flow, token, aor: to.uri, contact, expires: asked.unwrap_or(DEFAULT_EXPIRES) };
        Ok((register, next_hop))
    }

    fn wait_for_address(&mut self, next_hop: NextHop, request: Request, register: Register, now: Instant) {
        if self.registers.waiting.len() >= MAX_WAITING {
            return self.reply(Side::Web, register.incoming, too_many(), now);
        }
        self.registers.waiting.push((next_hop, Box::new(request), register));
    }

    /// The address of a PBX is known, or cannot be.
    pub(super) fn registers_resolved(&mut self, hop: &NextHop, address: Option<SocketAddr>, now: Instant) {
        let waiting = core::mem::take(&mut self.registers.waiting);
        let (ready, others) = waiting.into_iter().partition(|(other, ..)| other == hop);
        self.registers.waiting = others;
        let ready: Vec<(NextHop, Box<Request>, Register)> = ready;
        for (_, request, register) in ready {
            match address {
                Some(address) => self.send_register(register, &request, address, now),
                None => {
                    let reply = refusal(StatusCode::SERVICE_UNAVAILABLE, "The PBX's Name Cannot Be Resolved");
                    self.reply(Side::Web, register.incoming, reply, now);
                }
            }
        }
    }

    fn send_register(&mut self, register: Register, request: &Request, address: SocketAddr, now: Instant) {
        let Some((call_id, from_tag, cseq)) = self.bindings.next_register(&register.token) else {
            return self.reply(Side::Web, register.incoming, too_many(), now);
        };
        let outgoing = OutgoingRequest {
            method: Method::Register,
            target: request.uri.clone(),
            flow: self.trunk_flow(address),
            from: request.headers.from().map_or_else(|_| NameAddr::from(register.aor.clone()), without_tag),
            to: Some(NameAddr::from(register.aor.clone())),
            contact: register.contact.as_ref().map(|_| self.our_contact(&register)),
            route: Vec::new(),
            headers: headers::to_trunk_request(&request.headers),
            body: None,
            credentials: None,
            call_id: Some(call_id),
            from_tag: Some(from_tag),
            cseq: Some(cseq),
        };
        match self.trunk.request(outgoing, now) {
            Ok(id) => drop(self.registers.sent.insert(id, register)),
            Err(error) => {
                let reply = refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
                self.reply(Side::Web, register.incoming, reply, now);
            }
        }
    }

    fn our_contact(&self, register: &Register) -> NameAddr {
        let mut contact = NameAddr::from(super::contact_at(self.config.trunk_local, &register.token));
        contact.params.set("expires", Some(&register.expires.to_string()));
        contact
    }

    /// The PBX's answer to a REGISTER.
    pub(super) fn register_answered(&mut self, id: RequestId, response: &Response, now: Instant) {
        let Some(register) = self.registers.sent.remove(&id) else {
            return;
        };
        let mut rows = headers::to_web_response(&response.headers);
        if response.status.is_success() {
            rows.extend(self.register_granted(&register, response, now));
        }
        let reply = Reply { status: response.status, reason: Some(response.reason.clone()), headers: rows, body: None };
        self.reply(Side::Web, register.incoming, reply, now);
    }

    /// Notes what was granted, and says it in the browser's own terms.
    fn register_granted(
        &mut self,
        register: &Register,
        response: &Response,
        now: Instant,
    ) -> Option<(HeaderName, String)> {
        let mut contact = register.contact.clone()?;
        let granted = self.granted(register, response);
        if granted == 0 {
            self.bindings.remove(&register.token);
            return None;
        }
        let until = now + Duration::from_secs(u64::from(granted));
        self.bindings.bind(&register.token, register.aor.clone(), contact.uri.clone(), register.flow, until);
        contact.params.set("expires", Some(&granted.to_string()));
        Some((HeaderName::Contact, contact.to_string()))
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
        let Some(register) = self.registers.sent.remove(&id) else {
            return;
        };
        let reply = match failure {
            Failure::Timeout => refusal(StatusCode::SERVER_TIMEOUT, "The PBX Did Not Answer"),
            _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "The PBX Cannot Be Reached"),
        };
        self.reply(Side::Web, register.incoming, reply, now);
    }
}

fn refusal(status: StatusCode, reason: &str) -> Reply {
    Reply { status, reason: Some(reason.to_owned()), headers: Vec::new(), body: None }
}

fn too_many() -> Reply {
    let mut reply = refusal(StatusCode::SERVICE_UNAVAILABLE, "Too Many Registrations");
    reply.headers.push((HeaderName::RetryAfter, "30".to_owned()));
    reply
}

/// A browser registers itself and nothing else: one Contact, or none for a query.
fn single_contact(request: &Request) -> Result<Option<NameAddr>, Reply> {
    if request.headers.get(&HeaderName::Contact).is_none() {
        return Ok(None);
    }
    match request.headers.contacts() {
        Ok(Contacts::List(contacts)) if contacts.len() == 1 => Ok(contacts.into_iter().next()),
        Ok(Contacts::List(_)) => Err(refusal(StatusCode::BAD_REQUEST, "One Contact Per Registration")),
        Ok(Contacts::Star) => Err(refusal(StatusCode::FORBIDDEN, "Only One's Own Contact Can Be Removed")),
        Err(_) => Err(refusal(StatusCode::BAD_REQUEST, "Unusable Contact")),
    }
}

/// An address of record as a key: without parameters, the host without case (RFC 3261 §10.3).
fn aor_key(uri: &Uri) -> String {
    let user = uri.user.as_deref().unwrap_or_default();
    format!("{}:{user}@{}", uri.scheme.as_str(), uri.host.to_string().to_ascii_lowercase())
}

fn instance_of(contact: &NameAddr) -> String {
    let instance = contact.params.get("+sip.instance");
    let flow = contact.params.get("reg-id").unwrap_or_default();
    instance.map_or_else(|| contact.uri.to_string(), |instance| format!("{instance};{flow}"))
}
