//! What the two ends of the world say and hear, in the words of the tests.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use super::{End, TRUNK_SDP, WEB_OFFER, World};
use relay_core::media::control::{MediaCommand, TrunkCodec};
use sip_core::agent::{End as SessionEnd, Event, IncomingId, Invite, OutgoingRequest, Reply, SessionEvent, SessionId};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Method, NameAddr, Request, StatusCode, Uri};

pub(crate) fn invite(target: &str, offer: Option<String>) -> Invite {
    let from: NameAddr = "\"Alice\" <sip:alice@example.com>".parse().unwrap();
    let mut invite = Invite::new(target.parse().unwrap(), from, World::web_flow());
    invite.offer = offer;
    invite
}

impl World {
    pub(crate) fn dial(&mut self, target: &str) -> SessionId {
        self.dial_with(target, None)
    }

    pub(crate) fn dial_with(&mut self, target: &str, credentials: Option<Credentials>) -> SessionId {
        let mut invite = invite(target, Some(WEB_OFFER.to_owned()));
        invite.credentials = credentials;
        let call = self.browser.invite(invite, self.now).unwrap();
        self.settle();
        call
    }

    pub(crate) fn offer(&mut self, target: &str, offer: Option<String>) -> SessionId {
        let call = self.browser.invite(invite(target, offer), self.now).unwrap();
        self.settle();
        call
    }

    pub(crate) fn established(&mut self) -> (SessionId, SessionId) {
        let call = self.dial("sip:echo@example.com");
        let (incoming, _) = self.pbx_rings();
        self.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], self.now).unwrap();
        self.browser_accepted(call);
        (call, incoming)
    }

    /// Registers the browser; returns the Contact that the PBX was given.
    pub(crate) fn register(&mut self) -> Uri {
        let aor: NameAddr = "<sip:alice@example.com>".parse().unwrap();
        let mut register =
            OutgoingRequest::new(Method::Register, "sip:example.com".parse().unwrap(), aor.clone(), World::web_flow());
        register.to = Some(aor);
        register.contact = Some("<sip:me@abc.invalid;transport=ws>;reg-id=1;expires=600".parse().unwrap());
        self.browser.request(register, self.now).unwrap();
        let (incoming, request) = self.pbx_asked();
        let contact = request.headers.contacts().unwrap().list()[0].clone();
        assert_eq!(request.uri.to_string(), "sip:example.com");
        let granted = format!("<{}>;expires=300, <sip:other@192.0.2.50>;expires=60", contact.uri);
        self.pbx.respond(incoming, Reply::new(StatusCode::OK).header(HeaderName::Contact, granted), self.now).unwrap();
        self.settle();
        self.browser_events.clear();
        contact.into_uri()
    }

    pub(crate) fn pbx_asked(&mut self) -> (IncomingId, Request) {
        loop {
            if let Event::Request { id, request, .. } = self.event(End::Pbx).expect("a request at the PBX") {
                return (id, *request);
            }
        }
    }

    pub(crate) fn pbx_dials(&mut self, contact: Uri, offer: Option<&str>) -> SessionId {
        let from: NameAddr = "\"Bob Ünal\" <sip:bob@example.com>".parse().unwrap();
        let mut invite = Invite::new(contact, from, World::trunk_flow());
        invite.offer = offer.map(str::to_owned);
        let call = self.pbx.invite(invite, self.now).unwrap();
        self.settle();
        call
    }

    pub(crate) fn pbx_rings(&mut self) -> (SessionId, Request) {
        loop {
            if let Event::IncomingCall { session, request, .. } = self.event(End::Pbx).expect("a call at the PBX") {
                return (session, *request);
            }
        }
    }

    pub(crate) fn browser_rings(&mut self) -> (SessionId, Request, Option<String>) {
        loop {
            if let Event::IncomingCall { session, request, offer, .. } =
                self.event(End::Browser).expect("a call at the browser")
            {
                return (session, *request, offer);
            }
        }
    }

    pub(crate) fn session_event(&mut self, end: End) -> SessionEvent {
        loop {
            if let Event::Session { event, .. } = self.event(end).expect("a session event") {
                return event;
            }
        }
    }

    pub(crate) fn browser_progress(&mut self, _call: SessionId) -> (u16, Option<String>) {
        loop {
            if let SessionEvent::Progress { response, answer } = self.session_event(End::Browser) {
                return (response.status.as_u16(), answer);
            }
        }
    }

    pub(crate) fn browser_accepted(&mut self, _call: SessionId) -> String {
        loop {
            if let SessionEvent::Accepted { answer, .. } = self.session_event(End::Browser) {
                return answer.expect("an answer");
            }
        }
    }

    pub(crate) fn pbx_accepted(&mut self, _call: SessionId) -> String {
        loop {
            if let SessionEvent::Accepted { answer, .. } = self.session_event(End::Pbx) {
                return answer.expect("a description");
            }
        }
    }

    pub(crate) fn browser_ended(&mut self, _call: SessionId) -> SessionEnd {
        self.ended(End::Browser)
    }

    pub(crate) fn pbx_ended(&mut self) -> SessionEnd {
        self.ended(End::Pbx)
    }

    pub(crate) fn pbx_call_ended(&mut self, _call: SessionId) -> SessionEnd {
        self.ended(End::Pbx)
    }

    pub(crate) fn ended(&mut self, end: End) -> SessionEnd {
        loop {
            if let SessionEvent::Ended(end) = self.session_event(end) {
                return end;
            }
        }
    }

    /// Whether media was last told this codec toward the PBX.
    pub(crate) fn trunk_codec(&self, codec: TrunkCodec) -> bool {
        let last = self.commands.iter().rev().find_map(|command| match command {
            MediaCommand::Trunk { remote, .. } => Some(remote.codec),
            _ => None,
        });
        last == Some(codec)
    }
}
