//! NOTIFYs that nobody has subscribed for: the voice-mail lamp reaches a registered browser, and nothing else does.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::Input;
use sip_core::agent::{self, Event, IncomingId, OutgoingRequest, Reply};
use sip_core::message::{HeaderName, Message, Method, Request, StatusCode, Uri};
use sip_core::{Flow, SocketId};
use world::{End, World};

const SUMMARY: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n";

#[test]
fn the_voice_mail_lamp_reaches_a_registered_browser_that_has_not_asked() {
    let (mut world, contact) = registered();
    tell(&mut world, contact, "message-summary", SUMMARY);

    let (id, notify) = asked(&mut world);
    assert_eq!(notify.headers.get(&HeaderName::Event), Some("message-summary"));
    assert_eq!(notify.headers.get(&HeaderName::SubscriptionState), Some("active"));
    assert_eq!(notify.headers.get(&HeaderName::ContentType), Some("application/simple-message-summary"));
    assert_eq!(notify.body, SUMMARY.as_bytes());
    let to = notify.headers.to().unwrap();
    assert_eq!((to.uri.to_string().as_str(), to.tag()), ("sip:alice@example.com", None), "not the name that rings it");
    world.browser.respond(id, Reply::new(StatusCode::OK), world.now).unwrap();
    assert_eq!(answered(&mut world), StatusCode::OK);
}

#[test]
fn what_the_browser_says_to_it_is_what_the_pbx_hears() {
    let (mut world, contact) = registered();
    tell(&mut world, contact, "message-summary", SUMMARY);
    let (id, _) = asked(&mut world);
    world.browser.respond(id, Reply::new(StatusCode::CALL_DOES_NOT_EXIST), world.now).unwrap();

    assert_eq!(answered(&mut world), StatusCode::CALL_DOES_NOT_EXIST);
}

#[test]
fn nothing_else_is_told_unasked() {
    let (mut world, contact) = registered();
    let stranger: Uri = "sip:alice@192.0.2.1:5060".parse().unwrap();
    for (to, event, length, status) in [
        (&contact, "presence", 0, StatusCode::CALL_DOES_NOT_EXIST),
        (&contact, "refer", 0, StatusCode::CALL_DOES_NOT_EXIST),
        (&stranger, "message-summary", 0, StatusCode::CALL_DOES_NOT_EXIST),
        (&contact, "message-summary", 4_097, StatusCode::REQUEST_ENTITY_TOO_LARGE),
    ] {
        tell(&mut world, to.clone(), event, &"x".repeat(length));
        assert_eq!(answered(&mut world), status, "{event} of {length} bytes to {to}");
    }
    assert!(!world.ladder(End::Browser).contains(&"NOTIFY".to_owned()));
}

#[test]
fn another_host_than_the_registrar_lights_no_lamp() {
    let (mut world, contact) = registered();
    let flow = Flow::datagram(SocketId(0), "192.0.2.66:5060".parse().unwrap());
    let notify = format!(
        "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKx\r\nFrom: <sip:x@y>;tag=x\r\n\
         To: <{contact}>\r\nCall-ID: stranger\r\nCSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\nContact: <sip:x@192.0.2.66>\r\n\
         Event: message-summary\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n"
    );
    world.tell(Input::TrunkMessage { flow, bytes: notify.into_bytes() });

    let Message::Response(refusal) = world.last(End::Pbx, "481 NOTIFY") else { panic!() };
    assert_eq!(refusal.headers.call_id().unwrap(), "stranger");
    assert!(!world.ladder(End::Browser).contains(&"NOTIFY".to_owned()));
}

/// A browser that takes NOTIFYs out of any dialog, and the Contact that its PBX knows.
fn registered() -> (World, Uri) {
    let mut world = World::new();
    let config = agent::Config { application_methods: vec![Method::Notify], ..agent::Config::default() };
    world.equip(End::Browser, config);
    let contact = world.register();
    (world, contact)
}

fn tell(world: &mut World, to: Uri, event: &str, body: &str) {
    let rows = [(HeaderName::Event, event), (HeaderName::SubscriptionState, "active")];
    let mail = "<sip:mail@example.com>".parse().unwrap();
    let notify = OutgoingRequest {
        headers: rows.map(|(name, value)| (name, value.to_owned())).to_vec(),
        body: Some(("application/simple-message-summary".to_owned(), body.into())),
        ..OutgoingRequest::new(Method::Notify, to, mail, World::trunk_flow())
    };
    world.pbx.request(notify, world.now).unwrap();
    world.settle();
}

fn asked(world: &mut World) -> (IncomingId, Request) {
    loop {
        if let Event::Request { id, request, .. } = world.event(End::Browser).expect("a NOTIFY at the browser") {
            return (id, *request);
        }
    }
}

fn answered(world: &mut World) -> StatusCode {
    loop {
        if let Event::Response { response, .. } = world.event(End::Pbx).expect("an answer at the PBX") {
            return response.status;
        }
    }
}
