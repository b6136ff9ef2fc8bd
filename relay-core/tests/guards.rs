//! How often one address may call and guess passwords, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::admission::Pace;
use relay_core::b2bua::{Access, Input};
use sip_core::agent::{Event, OutgoingRequest, Reply};
use sip_core::message::{HeaderName, Message, Method, StatusCode};
use sip_core::{Duration, SocketId};
use world::{BROWSER, End, World};

fn world() -> World {
    World::with(|config| {
        config.paces.calls = Pace::per_minute(3);
        config.paces.guesses = Pace::per_minute(2);
    })
}

/// The status of a REGISTER with a password that the PBX answers like this.
fn guess(world: &mut World, pbx_says: Option<(u16, &str)>) -> u16 {
    let aor: sip_core::message::NameAddr = "<sip:alice@example.com>".parse().unwrap();
    let mut register =
        OutgoingRequest::new(Method::Register, "sip:example.com".parse().unwrap(), aor.clone(), World::web_flow());
    register.to = Some(aor);
    let digest = "Digest username=\"alice\", realm=\"pbx\", nonce=\"n\", uri=\"sip:example.com\", response=\"0\"";
    register.headers.push((HeaderName::Authorization, digest.to_owned()));
    world.browser.request(register, world.now).unwrap();
    world.settle();
    if let Some((status, challenge)) = pbx_says {
        let (incoming, _) = world.pbx_asked();
        let reply = Reply::new(StatusCode::new(status).unwrap()).header(HeaderName::WwwAuthenticate, challenge);
        world.pbx.respond(incoming, reply, world.now).unwrap();
    }
    loop {
        if let Event::Response { response, .. } = world.event(End::Browser).expect("an answer") {
            return response.status.as_u16();
        }
    }
}

const WRONG: &str = "Digest realm=\"pbx\", nonce=\"m\", qop=\"auth\"";
const STALE: &str = "Digest realm=\"pbx\", nonce=\"m\", qop=\"auth\", stale=true";

#[test]
fn one_address_calls_so_often_and_is_then_told_when_to_try_again() {
    let mut world = world();
    for _ in 0..3 {
        world.dial("sip:echo@example.com");
        world.pbx_rings();
    }
    let fourth = world.dial("sip:echo@example.com");

    assert_eq!(world.browser_ended(fourth).status.map(StatusCode::as_u16), Some(503));
    let Message::Response(told) = world.last(End::Browser, "503 INVITE") else { panic!("a response") };
    assert_eq!(told.headers.retry_after(), Some(20));
    world.pass(Duration::from_secs(21));
    world.dial("sip:echo@example.com");
    world.pbx_rings();
}

#[test]
fn another_websocket_of_the_same_address_does_not_help_and_another_address_is_free() {
    let mut world = world();
    for _ in 0..3 {
        world.dial("sip:echo@example.com");
    }
    let peer = "198.51.100.5:50000".parse().unwrap();
    world.tell(Input::WebClosed { socket: BROWSER });
    world.tell(Input::WebOpened { socket: BROWSER, peer, secure: true, page: None, access: Access::Full });
    let same = world.dial("sip:echo@example.com");
    assert_eq!(world.browser_ended(same).status.map(StatusCode::as_u16), Some(503));

    let peer = "198.51.100.6:50000".parse().unwrap();
    world.tell(Input::WebOpened { socket: BROWSER, peer, secure: true, page: None, access: Access::Full });
    let before = world.ladder(End::Pbx).len();
    world.dial("sip:echo@example.com");
    assert!(world.ladder(End::Pbx).len() > before);
}

#[test]
fn the_relays_own_machine_is_not_counted() {
    let mut world = world();
    let peer = "127.0.0.1:50000".parse().unwrap();
    world.tell(Input::WebClosed { socket: BROWSER });
    world.tell(Input::WebOpened { socket: SocketId(7), peer, secure: true, page: None, access: Access::Full });
    for _ in 0..10 {
        world.dial("sip:echo@example.com");
        world.pbx_rings();
    }
}

#[test]
fn wrong_passwords_end_before_the_pbx_and_old_nonces_are_none() {
    let mut world = world();
    for _ in 0..5 {
        assert_eq!(guess(&mut world, Some((401, STALE))), 401);
    }
    assert_eq!(guess(&mut world, Some((401, WRONG))), 401);
    assert_eq!(guess(&mut world, Some((403, WRONG))), 403);

    let before = world.ladder(End::Pbx).len();
    assert_eq!(guess(&mut world, None), 503);
    assert_eq!(world.ladder(End::Pbx).len(), before, "the PBX hears nothing of it");
    world.pass(Duration::from_secs(31));
    assert_eq!(guess(&mut world, Some((401, WRONG))), 401);
}
