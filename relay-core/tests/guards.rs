//! How often one address may call and guess passwords, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::admission::Pace;
use relay_core::b2bua::{Access, Input};
use sip_core::agent::{Event, Invite, OutgoingRequest, Reply};
use sip_core::message::{HeaderName, Message, Method, NameAddr, StatusCode};
use sip_core::{Duration, SocketId};
use world::{BROWSER, End, WEB_OFFER, World};

fn world() -> World {
    World::with(|config| {
        config.paces.calls = Pace::per_minute(3);
        config.paces.guesses = Pace::per_minute(2);
    })
}

/// The status of a REGISTER with a password that the PBX answers like this.
fn guess(world: &mut World, pbx_says: Option<(u16, &str)>) -> u16 {
    guess_by(world, Method::Register, pbx_says)
}

fn send_guess(world: &mut World, user: &str, method: Method) {
    let aor: NameAddr = format!("<sip:{user}@example.com>").parse().unwrap();
    let mut request = OutgoingRequest::new(method, "sip:example.com".parse().unwrap(), aor.clone(), World::web_flow());
    request.to = Some(aor);
    request.headers.push((HeaderName::Authorization, DIGEST.to_owned()));
    request.headers.push((HeaderName::Event, "presence".to_owned()));
    request.contact = (request.method == Method::Subscribe).then(|| "<sip:me@abc.invalid>".parse().unwrap());
    world.browser.request(request, world.now).unwrap();
    world.settle();
}

fn guess_by(world: &mut World, method: Method, pbx_says: Option<(u16, &str)>) -> u16 {
    send_guess(world, "alice", method);
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

const DIGEST: &str = "Digest username=\"alice\", realm=\"pbx\", nonce=\"n\", uri=\"sip:example.com\", response=\"0\"";
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

#[test]
fn passwords_that_nobody_has_judged_yet_count_as_well() {
    let mut world = world();
    for user in ["alice", "bob", "carol", "dave"] {
        send_guess(&mut world, user, Method::Register);
    }

    let reached = world.ladder(End::Pbx).iter().filter(|name| *name == "REGISTER").count();
    assert_eq!(reached, 2);
}

#[test]
fn right_passwords_do_not_count() {
    let mut world = world();
    for _ in 0..10 {
        assert_eq!(guess(&mut world, Some((200, WRONG))), 200);
        assert_eq!(guess_by(&mut world, Method::Message, Some((404, WRONG))), 404);
    }
    assert_eq!(guess(&mut world, Some((403, WRONG))), 403);
}

#[test]
fn whatever_carries_a_password_is_counted_with_registers() {
    for method in [Method::Message, Method::Publish, Method::Subscribe] {
        let mut world = World::with(|config| config.paces.guesses = Pace::per_minute(2));
        let methods = vec![Method::Register, Method::Message, Method::Publish, Method::Subscribe];
        let config = sip_core::agent::Config { application_methods: methods, ..Default::default() };
        world.equip(End::Pbx, config);
        assert_eq!(guess_by(&mut world, method.clone(), Some((401, WRONG))), 401);
        assert_eq!(guess(&mut world, Some((401, WRONG))), 401);
        assert_eq!(guess_by(&mut world, method.clone(), None), 503, "{method}");
    }
}

/// The status of an INVITE in the same attempt as those before it, which the PBX challenges if it gets it.
fn invite_again(world: &mut World, cseq: u32, password: Option<&str>) -> u16 {
    invite_refused(world, cseq, password, StatusCode::UNAUTHORIZED)
}

fn invite_refused(world: &mut World, cseq: u32, password: Option<&str>, refusal: StatusCode) -> u16 {
    let from: NameAddr = "<sip:alice@example.com>".parse().unwrap();
    let rows = password.map(|digest| (HeaderName::Authorization, digest.to_owned()));
    let invite = Invite {
        offer: Some(WEB_OFFER.to_owned()),
        headers: rows.into_iter().collect(),
        call_id: Some("attempt".to_owned()),
        from_tag: Some("same".to_owned()),
        cseq: Some(cseq),
        ..Invite::new("sip:bob@example.com".parse().unwrap(), from, World::web_flow())
    };
    let call = world.browser.invite(invite, world.now).unwrap();
    while let Some(event) = world.event(End::Pbx) {
        if let Event::IncomingCall { session, .. } = event {
            let rows = vec![(HeaderName::WwwAuthenticate, WRONG.to_owned())];
            world.pbx.reject(session, refusal, None, rows, world.now).unwrap();
        }
    }
    world.browser_ended(call).status.map_or(0, StatusCode::as_u16)
}

#[test]
fn an_invite_that_is_repeated_with_other_passwords_is_counted() {
    let mut world = world();
    let passwords = [None, Some(DIGEST), Some(DIGEST), Some(DIGEST)];
    let heard = (1..).zip(passwords).map(|(cseq, password)| invite_again(&mut world, cseq, password));
    assert_eq!(heard.collect::<Vec<_>>(), [401, 401, 401, 503]);
}

#[test]
fn a_number_that_may_not_be_called_is_no_wrong_password() {
    let mut world = World::with(|config| config.paces.guesses = Pace::per_minute(2));
    for cseq in 1..6 {
        assert_eq!(invite_refused(&mut world, cseq, Some(DIGEST), StatusCode::FORBIDDEN), 403);
    }
}

#[test]
fn only_the_first_answer_to_a_challenge_is_no_call_of_its_own() {
    let mut world = World::with(|config| config.paces.calls = Pace::per_minute(3));
    let passwords = [None, Some(DIGEST), Some(DIGEST), None, Some(DIGEST)];
    let heard = (1..).zip(passwords).map(|(cseq, password)| invite_again(&mut world, cseq, password));
    assert_eq!(heard.collect::<Vec<_>>(), [401, 401, 401, 401, 503]);
}
