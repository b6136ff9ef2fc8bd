//! Calls with a token, in virtual time: what the PBX sees of them, and what a guest cannot do.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod tokens;
mod world;

use relay_core::admission::{Page, UnixTime};
use relay_core::b2bua::{Access, Input, Redirects};
use serde_json::json;
use sip_core::Duration;
use sip_core::agent::{EndedBy, Event, OutgoingRequest, SessionId};
use sip_core::digest::{Credentials, Secret, verify};
use sip_core::message::{Authorization, HeaderName, Message, Method, StatusCode};
use tokens::{NOW, ORIGIN, rules, token};
use world::{BROWSER, End, TRUNK_SDP, WEB_OFFER, World, invite};

const CHALLENGE: &str = "Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";

/// A relay with a shop's tokens and a trunk's password, and the shop's page in front of it.
fn world(access: Access) -> World {
    let mut world = World::with(|config| {
        config.admission = rules();
        config.trunks[0].credentials = Some(Credentials::new("relay", "trunk-secret").for_realm("pbx"));
    });
    world.tell(Input::WallClock(UnixTime(NOW)));
    let peer = "198.51.100.5:40000".parse().unwrap();
    world.tell(Input::WebOpened { socket: BROWSER, peer, secure: true, page: Some(Page::of(ORIGIN)), access });
    world
}

fn call_with(world: &mut World, token: &str, more: &[(HeaderName, &str)]) -> SessionId {
    let mut invite = invite("sip:support@shop.example", Some(WEB_OFFER.to_owned()));
    invite.headers.push((HeaderName::Authorization, format!("Bearer {token}")));
    invite.headers.extend(more.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
    let call = world.browser.invite(invite, world.now).unwrap();
    world.settle();
    call
}

fn call(world: &mut World) -> SessionId {
    call_with(world, &token(&json!({})), &[])
}

/// The answer to a request of the browser out of any dialog.
fn answer(world: &mut World, method: Method, headers: &[(HeaderName, &str)]) -> u16 {
    let from = "<sip:alice@example.com>".parse().unwrap();
    let mut request = OutgoingRequest::new(method, "sip:example.com".parse().unwrap(), from, World::web_flow());
    request.headers.extend(headers.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
    world.browser.request(request, world.now).unwrap();
    loop {
        if let Event::Response { response, .. } = world.event(End::Browser).expect("an answer") {
            return response.status.as_u16();
        }
    }
}

#[test]
fn a_token_becomes_a_call_of_the_relay_through_its_trunk() {
    let mut world = world(Access::Guest);
    call_with(&mut world, &token(&json!({ "caller": "\"Web shop\" <sip:web@example.org>" })), &[]);
    let (_, request) = world.pbx_rings();

    assert_eq!(request.uri.to_string(), "sip:support@pbx.example.com");
    assert_eq!(request.headers.to().unwrap().uri.to_string(), "sip:support@pbx.example.com");
    assert_eq!(request.headers.from().unwrap().uri.to_string(), "sip:web@example.org", "not the page's sip:alice");
    assert!(!request.headers.has(&HeaderName::Authorization), "the token is for the relay");
    assert!(request.write().len() < 1_300, "fits a datagram");
}

#[test]
fn nothing_that_a_guest_writes_into_headers_crosses() {
    let mut world = world(Access::Guest);
    let other = HeaderName::other;
    call_with(
        &mut world,
        &token(&json!({})),
        &[
            (HeaderName::PAssertedIdentity, "<sip:boss@example.com>"),
            (HeaderName::Diversion, "<sip:boss@example.com>"),
            (other("Remote-Party-ID"), "<sip:boss@example.com>"),
            (other("X-Account"), "boss"),
            (
                HeaderName::ProxyAuthorization,
                "Digest username=\"relay\", realm=\"pbx\", nonce=\"n\", uri=\"sip:x\", response=\"r\"",
            ),
        ],
    );
    let (_, request) = world.pbx_rings();

    let text = String::from_utf8(request.write()).unwrap();
    for word in ["boss", "X-Account", "Authorization", "Remote-Party", "alice"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[test]
fn the_relay_answers_the_trunks_digest_and_the_browser_sees_none_of_it() {
    let mut world = world(Access::Guest);
    let browser = call(&mut world);
    let (first, _) = world.pbx_rings();
    let rows = vec![(HeaderName::WwwAuthenticate, CHALLENGE.to_owned())];
    world.pbx.reject(first, StatusCode::UNAUTHORIZED, None, rows, world.now).unwrap();

    let (second, again) = world.pbx_rings();
    let shown: Authorization = again.headers.get(&HeaderName::Authorization).unwrap().parse().unwrap();
    assert_eq!(shown.username, "relay");
    assert!(verify(&shown, &Secret::new("trunk-secret"), &Method::Invite, &again.body), "with the trunk's password");
    assert!(again.write().len() < 1_300, "fits a datagram with its credentials: {}", again.write().len());
    world.pbx.accept(second, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(browser);
    assert!(!world.ladder(End::Browser).contains(&"401 INVITE".to_owned()));
}

#[test]
fn another_realm_gets_no_credentials_and_the_caller_is_told_502() {
    let mut world = world(Access::Guest);
    let browser = call(&mut world);
    let (first, _) = world.pbx_rings();
    let rows = vec![(HeaderName::ProxyAuthenticate, CHALLENGE.replace("pbx", "gateway.evil"))];
    world.pbx.reject(first, StatusCode::PROXY_AUTHENTICATION_REQUIRED, None, rows, world.now).unwrap();

    assert_eq!(world.browser_ended(browser).status.map(StatusCode::as_u16), Some(502));
    assert_eq!(world.ladder(End::Pbx).iter().filter(|name| *name == "INVITE").count(), 1, "nothing was tried");
    let Message::Response(refusal) = world.last(End::Browser, "502 INVITE") else { panic!("a response") };
    assert!(!refusal.headers.has(&HeaderName::ProxyAuthenticate));
}

#[test]
fn an_account_on_the_same_trunk_answers_its_own_challenges() {
    let mut world = world(Access::Full);
    let alice = world.dial("sip:echo@example.com");
    let (first, _) = world.pbx_rings();
    let rows = vec![(HeaderName::ProxyAuthenticate, CHALLENGE.to_owned())];
    world.pbx.reject(first, StatusCode::PROXY_AUTHENTICATION_REQUIRED, None, rows, world.now).unwrap();

    assert_eq!(world.browser_ended(alice).status.map(StatusCode::as_u16), Some(407), "not with the relay's password");
}

#[test]
fn each_denial_is_a_403_and_never_reaches_the_pbx() {
    for (changes, callee) in [
        (json!({ "exp": NOW - 100 }), "sip:support@x"),
        (json!({ "iss": "nobody" }), "sip:support@x"),
        (json!({ "origin": "https://other.example" }), "sip:support@x"),
        (json!({}), "sip:boss@x"),
        (json!({ "callee": "*" }), "sip:+49900123@x"),
    ] {
        let mut world = world(Access::Guest);
        let mut invite = invite(callee, Some(WEB_OFFER.to_owned()));
        invite.headers.push((HeaderName::Authorization, format!("Bearer {}", token(&changes))));
        let call = world.browser.invite(invite, world.now).unwrap();
        assert_eq!(world.browser_ended(call).status.map(StatusCode::as_u16), Some(403), "{changes}");
        assert!(world.ladder(End::Pbx).is_empty() && world.commands.is_empty(), "no port, no packet");
    }
}

#[test]
fn a_second_tab_with_the_same_token_is_refused() {
    let mut world = world(Access::Guest);
    let one = token(&json!({}));
    call_with(&mut world, &one, &[]);
    world.pbx_rings();

    let second = call_with(&mut world, &one, &[]);

    assert_eq!(world.browser_ended(second).status.map(StatusCode::as_u16), Some(403));
}

#[test]
fn guests_can_do_nothing_but_that_call() {
    let mut world = world(Access::Guest);
    for method in [Method::Register, Method::Subscribe, Method::Message, Method::Publish, Method::Refer] {
        assert_eq!(answer(&mut world, method.clone(), &[]), 403, "{method}");
    }
    let without = world.dial("sip:support@example.com");
    assert_eq!(world.browser_ended(without).status.map(StatusCode::as_u16), Some(403), "no token");
    assert!(world.ladder(End::Pbx).is_empty());
}

#[test]
fn who_comes_with_a_token_is_a_guest_from_then_on() {
    let mut world = world(Access::Full);
    call(&mut world);
    world.pbx_rings();

    assert_eq!(answer(&mut world, Method::Message, &[]), 403);
    assert_eq!(answer(&mut world, Method::Register, &[]), 403);
}

#[test]
fn a_token_on_anything_but_a_call_is_refused() {
    let mut world = world(Access::Full);
    let bearer = format!("Bearer {}", token(&json!({})));

    assert_eq!(answer(&mut world, Method::Message, &[(HeaderName::Authorization, &bearer)]), 403);
    assert!(world.ladder(End::Pbx).is_empty());
}

#[test]
fn a_guest_sends_digits_and_transfers_nobody() {
    let mut world = world(Access::Guest);
    let browser = call(&mut world);
    let (incoming, _) = world.pbx_rings();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(browser);
    let before = world.ladder(End::Pbx).len();

    let rows = vec![(HeaderName::ReferTo, "<sip:+49900123@x>".to_owned())];
    world.browser.session_request(browser, Method::Refer, rows, None, world.now).unwrap();
    world.settle();
    let body = Some(("application/dtmf-relay".to_owned(), b"Signal=5\r\nDuration=160\r\n".to_vec()));
    world.browser.session_request(browser, Method::Info, vec![], body, world.now).unwrap();
    world.settle();

    let ladder = world.ladder(End::Browser);
    assert!(ladder.contains(&"403 REFER".to_owned()) && ladder.contains(&"200 INFO".to_owned()), "{ladder:?}");
    assert_eq!(world.ladder(End::Pbx).len(), before);
}

#[test]
fn a_replaces_of_a_guest_takes_nobodys_call() {
    let mut world = world(Access::Guest);
    let replaces = (HeaderName::Replaces, "other@pbx;to-tag=1;from-tag=2");

    let call = call_with(&mut world, &token(&json!({})), &[replaces]);

    assert_eq!(world.browser_ended(call).status.map(StatusCode::as_u16), Some(403));
}

#[test]
fn of_what_a_guest_says_in_a_call_digits_cross_and_nothing_else() {
    let mut world = world(Access::Guest);
    let browser = call(&mut world);
    let (incoming, _) = world.pbx_rings();
    let deaf = TRUNK_SDP.replace(" 101", "").replace("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", "");
    world.pbx.accept(incoming, deaf, vec![], world.now).unwrap();
    world.browser_accepted(browser);

    for (kind, body) in [("application/x-command", "record"), ("text/plain", "hello")] {
        let body = Some((kind.to_owned(), body.as_bytes().to_vec()));
        world.browser.session_request(browser, Method::Info, vec![], body, world.now).unwrap();
        world.settle();
        world.last(End::Browser, "403 INFO");
    }
    assert!(!world.ladder(End::Pbx).contains(&"INFO".to_owned()));
    let digit = Some(("application/dtmf-relay".to_owned(), b"Signal=5\r\nDuration=160\r\n".to_vec()));
    world.browser.session_request(browser, Method::Info, vec![], digit, world.now).unwrap();
    world.settle();
    assert!(world.ladder(End::Pbx).contains(&"INFO".to_owned()));
}

#[test]
fn the_time_that_the_token_allows_ends_the_call_on_both_legs() {
    let mut world = world(Access::Guest);
    let browser = call_with(&mut world, &token(&json!({ "max_duration": 30 })), &[]);
    let (incoming, _) = world.pbx_rings();
    world.pass(Duration::from_secs(20));
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(browser);

    world.pass(Duration::from_secs(29));
    assert_eq!(world.relay.occupancy().calls, 1, "counted from the answer");
    world.pass(Duration::from_secs(2));

    let (of_pbx, of_browser) = (world.pbx_ended(), world.browser_ended(browser));
    assert_eq!((of_pbx.by, of_pbx.q850), (EndedBy::Remote, Some(102)));
    assert_eq!((of_browser.by, of_browser.q850), (EndedBy::Remote, Some(102)));
    let record = world.records.pop().expect("the call is recorded");
    assert_eq!(record.site.as_deref(), Some("shop"));
    assert_eq!(record.reason, "The time that the token allows is over");
}

#[test]
fn a_call_that_was_hung_up_is_not_ended_by_its_token_as_well() {
    let mut world = world(Access::Guest);
    let browser = call_with(&mut world, &token(&json!({ "max_duration": 30 })), &[]);
    let (incoming, _) = world.pbx_rings();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(browser);
    world.pass(Duration::from_secs(20));

    world.is_pbx_deaf = true;
    world.browser.hang_up(browser, None, world.now).unwrap();
    world.pass(Duration::from_secs(60));

    let record = world.records.pop().expect("the call is recorded");
    assert_eq!(record.ended_by, Some(relay_core::media::control::Side::Web));
    assert_ne!(record.reason, "The time that the token allows is over");
}

#[test]
fn a_guest_does_not_ring_for_ever() {
    let mut world = world(Access::Guest);
    let browser = call(&mut world);
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();

    world.pass(Duration::from_secs(200));

    assert_eq!(world.browser_ended(browser).status.map(StatusCode::as_u16), Some(480));
    assert!(world.ladder(End::Pbx).contains(&"CANCEL".to_owned()));
}

#[test]
fn a_call_that_is_over_makes_room_for_the_next_of_its_subject() {
    let mut world = world(Access::Guest);
    let one = |id: &str| token(&json!({ "jti": id, "sub": "ann", "max_calls": 1 }));
    let first = call_with(&mut world, &one("1"), &[]);
    let (incoming, _) = world.pbx_rings();
    let second = call_with(&mut world, &one("2"), &[]);
    assert_eq!(world.browser_ended(second).status.map(StatusCode::as_u16), Some(503));
    let Message::Response(busy) = world.last(End::Browser, "503 INVITE") else { panic!("a response") };
    assert!(busy.headers.retry_after().is_some());

    world.pbx.reject(incoming, StatusCode::BUSY_HERE, None, vec![], world.now).unwrap();
    world.browser_ended(first);
    world.settle();
    call_with(&mut world, &one("3"), &[]);

    world.pbx_rings();
}

#[test]
fn tokens_expire_by_the_worlds_clock_while_the_relay_runs() {
    let mut world = world(Access::Guest);
    world.pass(Duration::from_secs(100));

    let call = call(&mut world);

    assert_eq!(world.browser_ended(call).status.map(StatusCode::as_u16), Some(403), "100 s after its 60");
}

#[test]
fn a_redirection_leads_a_guest_nowhere() {
    for redirects in [Redirects::Pass, Redirects::Follow] {
        let mut world = World::with(|config| {
            config.admission = rules();
            config.redirects = redirects;
        });
        world.tell(Input::WallClock(UnixTime(NOW)));
        let browser = call(&mut world);
        let (incoming, _) = world.pbx_rings();
        let rows = vec![(HeaderName::Contact, "<sip:+49900123@example.com>".to_owned())];
        world.pbx.reject(incoming, StatusCode::new(302).unwrap(), None, rows, world.now).unwrap();

        assert_eq!(world.browser_ended(browser).status.map(StatusCode::as_u16), Some(302));
        assert_eq!(world.ladder(End::Pbx).iter().filter(|name| *name == "INVITE").count(), 1, "{redirects:?}");
        let Message::Response(told) = world.last(End::Browser, "302 INVITE") else { panic!("a response") };
        assert!(!String::from_utf8_lossy(&told.write()).contains("900123"), "{redirects:?}");
    }
}
