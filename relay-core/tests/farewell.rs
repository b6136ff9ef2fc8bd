//! A browser hangs up at a PBX that answers late, never, or only to credentials.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::media::control::Side;
use sip_core::Duration;
use sip_core::agent::{EndedBy, Event, IncomingId, Reply};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Method, Request, StatusCode};
use world::{End, TRUNK_SDP, World};

fn asked(world: &mut World) -> (IncomingId, Request) {
    loop {
        if let Event::Request { id, request, .. } = world.event(End::Pbx).expect("a BYE at the PBX")
            && request.method == Method::Bye
        {
            return (id, *request);
        }
    }
}

fn count(world: &World, end: End, name: &str) -> usize {
    world.ladder(end).iter().filter(|said| *said == name).count()
}

#[test]
fn a_challenged_bye_comes_again_with_the_browsers_credentials() {
    let mut world = World::with_pbx_that_answers_byes();
    let call = world.dial_with("sip:echo@example.com", Some(Credentials::new("alice", "secret")));
    let (first, _) = world.pbx_rings();
    let rows = vec![(HeaderName::WwwAuthenticate, "Digest realm=\"pbx\", nonce=\"n0\"".to_owned())];
    world.pbx.reject(first, StatusCode::UNAUTHORIZED, None, rows, world.now).unwrap();
    let (pbx, _) = world.pbx_rings();
    world.pbx.accept(pbx, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    world.browser.hang_up(call, None, world.now).unwrap();
    let (id, first) = asked(&mut world);
    assert_eq!(count(&world, End::Browser, "200 BYE"), 0, "not before the PBX has answered");

    let challenge = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";
    let reply = Reply::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    world.pbx.respond(id, reply.header(HeaderName::ProxyAuthenticate, challenge.to_owned()), world.now).unwrap();
    let (id, second) = asked(&mut world);
    assert_eq!(count(&world, End::Browser, "407 BYE"), 1);
    let credentials = second.headers.get(&HeaderName::ProxyAuthorization).expect("the browser's credentials");
    assert!(credentials.contains("username=\"alice\""), "{credentials}");
    assert!(credentials.contains(&format!("uri=\"{}\"", second.uri)), "verifies at the PBX: {credentials}");
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_eq!(second.headers.call_id().unwrap(), first.headers.call_id().unwrap());

    world.pbx.respond(id, Reply::new(StatusCode::OK), world.now).unwrap();
    world.pbx.end(pbx, &second, world.now);
    world.settle();
    assert_eq!(count(&world, End::Browser, "200 BYE"), 1);
    assert_eq!(world.relay.occupancy().calls, 0);
    assert_eq!(world.records.last().unwrap().ended_by, Some(Side::Web));
}

#[test]
fn a_browser_that_does_not_come_again_ends_the_call_all_the_same() {
    let mut world = World::with_pbx_that_answers_byes();
    let (call, _) = world.established();
    world.browser.hang_up(call, None, world.now).unwrap();
    let (id, _) = asked(&mut world);
    let challenge = "Digest realm=\"pbx\", nonce=\"n1\"";
    let reply = Reply::new(StatusCode::UNAUTHORIZED).header(HeaderName::WwwAuthenticate, challenge.to_owned());
    world.pbx.respond(id, reply, world.now).unwrap();
    world.pass(Duration::from_secs(40));

    assert_eq!(world.relay.occupancy().calls, 0);
    assert!(count(&world, End::Pbx, "BYE") >= 2, "the PBX is asked once more");
}

#[test]
fn a_pbx_that_does_not_answer_keeps_no_browser_waiting() {
    let mut world = World::new();
    let (call, _) = world.established();
    world.is_pbx_deaf = true;
    world.browser.hang_up(call, None, world.now).unwrap();
    world.pass(Duration::from_secs(3));
    assert_eq!(count(&world, End::Browser, "200 BYE"), 0);
    world.pass(Duration::from_secs(2));
    assert_eq!(count(&world, End::Browser, "200 BYE"), 1);
    world.pass(Duration::from_secs(40));

    assert_eq!(world.relay.occupancy().calls, 0);
    assert_eq!(world.records.len(), 1);
}

#[test]
fn byes_that_cross_end_the_call_once() {
    let mut world = World::with_pbx_that_answers_byes();
    let (call, pbx) = world.established();
    world.browser.hang_up(call, None, world.now).unwrap();
    world.pbx.hang_up(pbx, None, world.now).unwrap();
    world.pass(Duration::from_secs(40));

    assert_eq!(count(&world, End::Browser, "200 BYE"), 1);
    assert_eq!(world.browser_ended(call).by, EndedBy::Local);
    assert_eq!(world.relay.occupancy().calls, 0);
    assert_eq!(world.records.len(), 1);
}
