//! Requests out of any dialog, both ways (RFC 3261 §8, §11; RFC 3665 §2 as a relay sees it).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Fate, Pair, Side, uri};
use sip_core::agent::{Config, Event, OutgoingRequest, Reply};
use sip_core::message::{HeaderName, Method, NameAddr, StatusCode};
use sip_core::{Duration, Transport};

#[test]
fn a_register_reaches_an_application_that_wants_it_and_its_answer_comes_back() {
    let config = Config { application_methods: vec![Method::Register], ..Config::default() };
    let mut pair = Pair::with_config(Transport::Udp, config);
    let flow = pair.flow(Side::Alice);
    let from = NameAddr::new(uri("sip:alice@example.com"));
    let request = OutgoingRequest {
        headers: vec![(HeaderName::Authorization, "Digest username=\"a\"".to_owned())],
        call_id: Some("relayed".to_owned()),
        cseq: Some(17),
        ..OutgoingRequest::new(Method::Register, uri("sip:example.com"), from, flow)
    };

    let asked = pair.alice.agent.request(request, pair.now).unwrap();
    pair.settle();
    let Some(Event::Request { id, request, session: None, .. }) = pair.bob.events.pop_front() else { panic!() };
    assert_eq!(request.headers.get(&HeaderName::Authorization), Some("Digest username=\"a\""));
    assert_eq!((request.headers.call_id(), request.headers.cseq().unwrap().number), (Ok("relayed"), 17));
    let reply =
        Reply::new(StatusCode::UNAUTHORIZED).header(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\"");
    pair.bob.agent.respond(id, reply, pair.now).unwrap();
    pair.settle();

    let Some(Event::Response { id, response }) = pair.alice.events.pop_front() else { panic!() };
    assert_eq!((id, response.status), (asked, StatusCode::UNAUTHORIZED));
    assert_eq!(response.headers.get(&HeaderName::WwwAuthenticate), Some("Digest realm=\"r\", nonce=\"n\""));
    assert!(response.headers.to().unwrap().tag().is_some());
}

#[test]
fn a_lost_request_is_sent_again() {
    let mut pair = Pair::udp();
    pair.link(|number, _| if number == 0 { Fate::IsLost } else { Fate::Arrives });
    let flow = pair.flow(Side::Alice);
    let target = Side::Bob.uri();

    pair.alice
        .agent
        .request(OutgoingRequest::new(Method::Options, target, NameAddr::new(Side::Alice.uri()), flow), pair.now)
        .unwrap();
    pair.pass(Duration::from_secs(1));

    assert_eq!(pair.story(), ["alice OPTIONS", "alice OPTIONS", "bob 200 OPTIONS"]);
    assert_eq!(pair.response("200 OPTIONS").headers.get(&HeaderName::Accept), Some("application/sdp"));
    assert!(pair.response("200 OPTIONS").headers.has(&HeaderName::Allow));
    assert_eq!(pair.alice.told(), ["response 200"]);
}
