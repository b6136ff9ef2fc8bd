//! Publishing one's own state (RFC 3903 §4), against a server that is written message by message.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Alone, Side};
use sip_core::agent::{PublicationId, Publish};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Duration, Transport};

const PIDF: &str = "application/pidf+xml";

fn wish(alone: &Alone) -> Publish {
    Publish {
        target: Side::Alice.uri(),
        flow: alone.flow,
        from: NameAddr::new(Side::Alice.uri()),
        event: "presence".to_owned(),
        expires: Duration::from_secs(3_600),
        route: Vec::new(),
        headers: Vec::new(),
        body: (PIDF.to_owned(), b"<open/>".to_vec()),
        credentials: Some(Credentials::new("alice", "secret")),
    }
}

fn publish(alone: &mut Alone) -> (PublicationId, Request) {
    let id = alone.agent.publish(wish(alone), alone.now).unwrap();
    alone.drain();
    (id, alone.next_request(Method::Publish))
}

fn kept(request: &Request, etag: &str, expires: u32) -> Response {
    let mut ok = request.reply(StatusCode::OK, Some("p"));
    ok.headers.push(HeaderName::SipEtag, etag);
    ok.headers.push(HeaderName::Expires, expires.to_string());
    ok
}

fn refused(request: &Request, status: u16) -> Response {
    request.reply(StatusCode::new(status).unwrap(), Some("p"))
}

/// Entity-tag, Expires and body: the three columns of RFC 3903's table 1.
fn row(request: &Request) -> (Option<&str>, Option<u32>, &str) {
    let body = core::str::from_utf8(&request.body).unwrap();
    (request.headers.get(&HeaderName::SipIfMatch), request.headers.expires(), body)
}

#[test]
fn a_document_is_published_refreshed_modified_and_removed() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, initial) = publish(&mut alone);
    assert_eq!(row(&initial), (None, Some(3_600), "<open/>"));
    assert_eq!(initial.headers.get(&HeaderName::Event), Some("presence"));
    assert_eq!(initial.headers.get(&HeaderName::ContentType), Some(PIDF));
    assert!(!initial.headers.has(&HeaderName::Contact), "there is no dialog (§4)");
    alone.receive(kept(&initial, "a", 100));

    alone.pass(Duration::from_secs(74));
    assert!(alone.sent.is_empty());
    alone.pass(Duration::from_secs(17));
    let refresh = alone.next_request(Method::Publish);
    assert_eq!(row(&refresh), (Some("a"), Some(3_600), ""));
    assert!(!refresh.headers.has(&HeaderName::ContentType));
    alone.receive(kept(&refresh, "b", 100));

    alone.agent.modify(id, (PIDF.to_owned(), b"<closed/>".to_vec()), alone.now).unwrap();
    alone.drain();
    let modify = alone.next_request(Method::Publish);
    assert_eq!(row(&modify), (Some("b"), Some(3_600), "<closed/>"));
    alone.receive(kept(&modify, "c", 100));

    alone.agent.unpublish(id, alone.now).unwrap();
    alone.drain();
    let remove = alone.next_request(Method::Publish);
    assert_eq!(row(&remove), (Some("c"), Some(0), ""));
    alone.receive(kept(&remove, "d", 0));

    let numbers = [&initial, &refresh, &modify, &remove].map(|request| request.headers.cseq().unwrap().number);
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(initial.headers.call_id(), remove.headers.call_id());
    assert_eq!(alone.told(), ["published 100", "published 100", "published 100", "ended"]);
    assert!(alone.agent.unpublish(id, alone.now).is_err());
}

#[test]
fn a_server_that_forgot_gets_the_document_again() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, initial) = publish(&mut alone);
    alone.receive(kept(&initial, "a", 100));
    alone.pass(Duration::from_secs(91));
    let refresh = alone.next_request(Method::Publish);

    alone.receive(refused(&refresh, 412));

    let again = alone.next_request(Method::Publish);
    assert_eq!(row(&again), (None, Some(3_600), "<open/>"));
    alone.receive(kept(&again, "z", 100));
    assert_eq!(alone.told(), ["published 100", "published 100"]);
}

#[test]
fn changes_during_a_publish_follow_it_and_only_the_newest() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, initial) = publish(&mut alone);
    for body in ["<busy/>", "<away/>"] {
        alone.agent.modify(id, (PIDF.to_owned(), body.into()), alone.now).unwrap();
        alone.drain();
    }
    assert!(alone.sent.is_empty(), "one PUBLISH at a time (§4.1)");

    alone.receive(kept(&initial, "a", 100));

    assert_eq!(row(&alone.next_request(Method::Publish)), (Some("a"), Some(3_600), "<away/>"));
    assert!(alone.sent.is_empty());
}

#[test]
fn a_removal_during_a_publish_follows_it() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, initial) = publish(&mut alone);
    alone.agent.unpublish(id, alone.now).unwrap();
    assert!(alone.agent.modify(id, (PIDF.to_owned(), Vec::new()), alone.now).is_err());
    alone.drain();

    alone.receive(kept(&initial, "a", 100));

    assert_eq!(row(&alone.next_request(Method::Publish)), (Some("a"), Some(0), ""));
}

#[test]
fn too_brief_and_a_challenge_are_followed() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, first) = publish(&mut alone);
    let mut brief = refused(&first, 423);
    brief.headers.push(HeaderName::MinExpires, "7200");
    alone.receive(brief);
    let second = alone.next_request(Method::Publish);
    let mut challenge = refused(&second, 401);
    challenge.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
    alone.receive(challenge);
    let third = alone.next_request(Method::Publish);

    assert_eq!(row(&third), (None, Some(7_200), "<open/>"));
    assert!(third.headers.has(&HeaderName::Authorization));
    assert_eq!(third.headers.cseq().unwrap().number, 3);
}

#[test]
fn each_refusal_is_told() {
    for (status, word) in [
        (404, "ended 404"),
        (403, "ended 403"),
        (415, "ended 415"),
        (489, "ended 489"),
        (503, "interrupted 503, retries"),
    ] {
        let mut alone = Alone::new(Transport::Ws);
        let (_, request) = publish(&mut alone);

        alone.receive(refused(&request, status));

        assert_eq!(alone.told(), [word]);
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_when_it_wants() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, request) = publish(&mut alone);
    let mut refusal = refused(&request, 503);
    refusal.headers.push(HeaderName::RetryAfter, "90");
    alone.receive(refusal);

    alone.pass(Duration::from_secs(89));
    assert!(alone.sent.is_empty());
    alone.pass(Duration::from_secs(2));

    assert_eq!(row(&alone.next_request(Method::Publish)), (None, Some(3_600), "<open/>"));
}

#[test]
fn a_2xx_without_an_entity_tag_is_no_success() {
    let mut alone = Alone::new(Transport::Ws);
    let (_, request) = publish(&mut alone);

    alone.receive(refused(&request, 200));

    assert!(alone.told()[0].starts_with("ended Protocol"));
}

#[test]
fn a_lost_connection_is_told_and_the_document_published_again_on_the_next() {
    let mut alone = Alone::new(Transport::Ws);
    let (id, initial) = publish(&mut alone);
    alone.receive(kept(&initial, "a", 100));
    alone.agent.handle_socket_closed(alone.flow.socket, alone.now);
    alone.drain();
    assert_eq!(alone.told(), ["published 100", "interrupted TransportFailed"]);
    assert!(alone.agent.republish(id, alone.flow, alone.now).is_err(), "that flow is gone");

    let contact = Side::Alice.uri();
    let local = sip_core::agent::LocalSocket { transport: Transport::Ws, sent_by: "x.invalid".to_owned(), contact };
    alone.agent.open_socket(alone.flow.socket, local);
    alone.agent.republish(id, alone.flow, alone.now).unwrap();
    alone.drain();

    assert_eq!(row(&alone.next_request(Method::Publish)), (Some("a"), Some(3_600), "<open/>"));
}
