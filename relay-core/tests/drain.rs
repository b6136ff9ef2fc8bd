//! A relay that is about to leave: what it still carries, and what it does not take on any more.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::Input;
use sip_core::agent::{EndedBy, Event, OutgoingRequest};
use sip_core::message::{HeaderName, Message, Method, NameAddr, Response, StatusCode};
use world::{End, TRUNK_SDP, World};

/// What an end was told last.
fn told(world: &World, end: End, name: &str) -> Response {
    match world.last(end, name) {
        Message::Response(response) => response.clone(),
        Message::Request(request) => panic!("{request:?}"),
    }
}

fn assert_asked_to_come_later(response: &Response) {
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers.get(&HeaderName::RetryAfter), Some("30"));
    assert_eq!(response.reason, "The Relay Is Leaving");
}

/// Asks for a binding of a phone that is not known yet.
fn register_another(world: &mut World) {
    let aor: NameAddr = "<sip:bob@example.com>".parse().unwrap();
    let uri = "sip:example.com".parse().unwrap();
    let mut register = OutgoingRequest::new(Method::Register, uri, aor.clone(), World::web_flow());
    register.to = Some(aor);
    register.contact = Some("<sip:bob@abc.invalid;transport=ws>;reg-id=1;expires=600".parse().unwrap());
    world.browser.request(register, world.now).unwrap();
    world.settle();
}

#[test]
fn a_running_call_goes_on_and_ends_as_any_other() {
    let mut world = World::new();
    let (call, _) = world.established();

    world.tell(Input::Drain);
    assert_eq!(world.relay.occupancy().calls, 1);
    assert!(!world.ladder(End::Pbx).contains(&"BYE".to_owned()));
    world.browser.hang_up(call, None, world.now).unwrap();
    world.settle();

    assert_eq!(world.pbx_ended().by, EndedBy::Remote);
    assert_eq!((world.relay.occupancy().calls, world.records.len()), (0, 1));
}

#[test]
fn a_call_that_rings_may_be_answered() {
    let mut world = World::new();
    let call = world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();

    world.tell(Input::Drain);
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();

    world.browser_accepted(call);
}

#[test]
fn new_calls_of_either_side_are_asked_to_come_later() {
    let mut world = World::new();
    let contact = world.register();
    world.tell(Input::Drain);

    world.dial("sip:echo@example.com");
    assert_asked_to_come_later(&told(&world, End::Browser, "503 INVITE"));
    world.pbx_dials(contact, Some(TRUNK_SDP));
    assert_asked_to_come_later(&told(&world, End::Pbx, "503 INVITE"));

    assert_eq!(world.relay.occupancy().calls, 0);
    assert!(world.commands.is_empty(), "no port was taken for them");
}

#[test]
fn new_phones_are_asked_to_come_later_and_known_ones_refresh() {
    let mut world = World::new();
    world.register();
    world.tell(Input::Drain);

    register_another(&mut world);
    assert_asked_to_come_later(&told(&world, End::Browser, "503 REGISTER"));

    world.register();
    assert_eq!(told(&world, End::Browser, "200 REGISTER").status, StatusCode::OK);
}

#[test]
fn the_answer_to_a_challenge_belongs_to_the_call_before() {
    let mut world = World::new();
    let credentials = sip_core::digest::Credentials::new("alice", "secret");
    world.dial_with("sip:echo@example.com", Some(credentials));
    let (first, _) = world.pbx_rings();
    world.relay.handle_input(Input::Drain, world.now);
    let challenge = (HeaderName::WwwAuthenticate, "Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"".to_owned());
    world.pbx.reject(first, StatusCode::UNAUTHORIZED, None, vec![challenge], world.now).unwrap();

    let again = world.pbx_rings().1;

    assert!(again.headers.has(&HeaderName::Authorization), "{again:?}");
    assert!(!world.browser_events.iter().any(|event| matches!(event, Event::Response { .. })));
}
