//! UPDATE while a call rings (RFC 3311): each leg answers by itself, and a direction that a party has changed reaches the
//! other as soon as both talk.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::Input;
use sip_core::Flow;
use sip_core::SocketId;
use sip_core::agent::{Config, Event, Reliability, SessionEvent};
use sip_core::message::{HeaderName, Message, Method, Response, StatusCode, Uri};
use world::{End, PBX, TRUNK_SDP, WEB_OFFER, World};

fn reliable() -> Config {
    let application_methods = vec![Method::Register];
    Config { reliability: Reliability::Supported, application_methods, ..Config::default() }
}

fn held(sdp: &str) -> String {
    sdp.replace("a=sendrecv", "a=sendonly")
}

#[test]
fn a_browser_that_holds_while_it_rings_is_answered_and_the_pbx_told_when_it_answers() {
    let mut world = World::new();
    world.equip(End::Browser, reliable());
    let call = world.dial("sip:echo@example.com");
    let (pbx, _) = world.pbx_rings();
    world.pbx.ring(pbx, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    world.browser.offer(call, held(WEB_OFFER), world.now).unwrap();
    world.settle();
    assert_eq!(world.ladder(End::Browser).last().map(String::as_str), Some("200 UPDATE"));
    assert!(answer(&mut world, End::Browser).contains("a=recvonly"));
    assert!(!world.ladder(End::Pbx).iter().any(|name| name.ends_with("UPDATE")));

    world.pbx.accept(pbx, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.settle();
    assert!(offer(&mut world, End::Pbx).contains("a=sendonly"));
}

#[test]
fn a_pbx_that_holds_while_it_rings_is_answered_and_the_browser_told_when_it_answers() {
    let mut world = World::new();
    world.equip(End::Pbx, reliable());
    world.dial("sip:echo@example.com");
    let (pbx, _) = world.pbx_rings();
    world.pbx.ring(pbx, StatusCode::SESSION_PROGRESS, Some(TRUNK_SDP.to_owned()), vec![], world.now).unwrap();
    world.settle();
    world.pbx.offer(pbx, held(TRUNK_SDP), world.now).unwrap();
    world.settle();
    assert!(answer(&mut world, End::Pbx).contains("a=recvonly"));

    world.pbx.accept(pbx, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.settle();
    assert!(offer(&mut world, End::Browser).contains("a=sendonly"));
}

#[test]
fn a_called_browser_that_holds_while_it_rings_has_held_when_it_answers() {
    let mut world = World::new();
    world.equip(End::Browser, reliable());
    let contact = world.register();
    let pbx = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (call, _, _) = world.browser_rings();
    let described = WEB_OFFER.replace("a=setup:actpass", "a=setup:active");
    world.browser.ring(call, StatusCode::SESSION_PROGRESS, Some(described), vec![], world.now).unwrap();
    world.settle();
    world.browser.offer(call, held(WEB_OFFER), world.now).unwrap();
    world.settle();
    assert!(answer(&mut world, End::Browser).contains("a=recvonly"));

    world.browser.accept(call, String::new(), vec![], world.now).unwrap();
    assert!(world.pbx_accepted(pbx).contains("a=sendonly"));
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn a_calling_pbx_whose_offer_has_no_answer_yet_is_asked_for_patience() {
    let (mut world, contact) = ringing();
    let refusal = update(&mut world, &contact, Some(TRUNK_SDP));

    assert_eq!(refusal.status, StatusCode::SERVER_INTERNAL_ERROR, "RFC 3311 §5.2");
    assert!(refusal.headers.get(&HeaderName::RetryAfter).unwrap().parse::<u8>().unwrap() <= 10);
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn an_update_without_a_description_is_answered_on_its_own_leg() {
    let (mut world, contact) = ringing();
    let before = world.ladder(End::Browser).len();

    assert_eq!(update(&mut world, &contact, None).status, StatusCode::OK);
    assert_eq!(world.ladder(End::Browser).len(), before);
}

/// The PBX calls, the browser rings.
fn ringing() -> (World, Uri) {
    let mut world = World::new();
    let contact = world.register();
    world.pbx_dials(contact.clone(), Some(TRUNK_SDP));
    let (call, _, _) = world.browser_rings();
    world.browser.ring(call, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    (world, contact)
}

/// The calling PBX's UPDATE in its early dialog, written by hand: an honest agent waits for its answer.
fn update(world: &mut World, target: &Uri, body: Option<&str>) -> Response {
    let rows = world.last(End::Pbx, "180 INVITE").headers();
    let row = |name: &HeaderName| rows.get(name).unwrap().to_owned();
    let (from, to, call_id) = (row(&HeaderName::From), row(&HeaderName::To), row(&HeaderName::CallId));
    let body = body.unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "UPDATE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKupdate\r\nFrom: {from}\r\nTo: {to}\r\n\
         Call-ID: {call_id}\r\nCSeq: 2 UPDATE\r\nMax-Forwards: 70\r\nContact: <sip:pbx@{PBX}>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let flow = Flow::datagram(SocketId(0), PBX.parse().unwrap());
    world.tell(Input::TrunkMessage { flow, bytes: text.into_bytes() });
    let answers = world.log.iter().rev().find_map(|(_, message)| match message {
        Message::Response(response) if response.headers.cseq().unwrap().method == Method::Update => Some(response),
        _ => None,
    });
    answers.unwrap().clone()
}

fn answer(world: &mut World, end: End) -> String {
    loop {
        if let Event::Session { event: SessionEvent::Answered { result, .. }, .. } =
            world.event(end).expect("an answer")
        {
            return result.unwrap().unwrap();
        }
    }
}

fn offer(world: &mut World, end: End) -> String {
    loop {
        if let Event::Session { event: SessionEvent::Offered { offer, .. }, .. } = world.event(end).expect("an offer") {
            return offer.unwrap();
        }
    }
}
