//! A PBX that asks for credentials in each request: the browser's hold and resume inside a call (RFC 3261 §22.2).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use sip_core::Duration;
use sip_core::agent::{Event, SessionEvent, SessionId};
use sip_core::digest::{Credentials, Secret, verify};
use sip_core::message::{Authorization, HeaderName, Method, Request, Response, StatusCode};
use world::{End, TRUNK_SDP, WEB_OFFER, World};

const PASSWORD: &str = "secret";

#[test]
fn a_challenged_hold_comes_again_with_the_browsers_credentials() {
    for by in [Method::Invite, Method::Update] {
        let (mut world, call, pbx) = talking(Some(Credentials::new("alice", PASSWORD)));
        offer(&mut world, call, &by, "sendonly");
        let first = asked(&mut world);
        assert!(first.headers.get(&HeaderName::Authorization).is_none(), "only the INVITE's proxy asked so far");
        challenge(&mut world, pbx, "n1");
        assert_eq!(count(&world, End::Browser, "401", &by), 1);

        let second = asked(&mut world);
        assert!(is_proven(&second, "n1"), "{second:?}");
        assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
        assert_eq!(answer(&mut world, pbx, "recvonly"), Some("recvonly".to_owned()));

        offer(&mut world, call, &by, "sendrecv");
        let resume = asked(&mut world);
        assert!(is_proven(&resume, "n1"), "the nonce is known by now");
        assert_eq!(answer(&mut world, pbx, "sendrecv"), Some("sendrecv".to_owned()));
        assert_eq!(world.relay.occupancy().calls, 1);
    }
}

#[test]
fn a_browser_without_a_password_hears_the_challenge_and_the_call_goes_on() {
    let (mut world, call, pbx) = talking(None);
    offer(&mut world, call, &Method::Invite, "sendonly");
    challenge(&mut world, pbx, "n1");

    let response = refusal(&mut world);
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    let challenges = response.headers.challenges(&HeaderName::WwwAuthenticate);
    assert_eq!(challenges.first().map(|challenge| challenge.nonce.as_str()), Some("n1"));
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn an_offer_that_met_another_is_made_again_with_its_credentials() {
    let (mut world, call, pbx) = talking(Some(Credentials::new("alice", PASSWORD)));
    offer(&mut world, call, &Method::Invite, "sendonly");
    challenge(&mut world, pbx, "n1");
    asked(&mut world);
    world.pbx.answer_offer(pbx, Err(StatusCode::REQUEST_PENDING), world.now).unwrap();
    world.pass(Duration::from_secs(5));

    assert!(is_proven(&asked(&mut world), "n1"));
    assert_eq!(answer(&mut world, pbx, "recvonly"), Some("recvonly".to_owned()));
}

#[test]
fn a_refused_offer_says_why_and_when_to_try_again() {
    let (mut world, call, pbx) = talking(None);
    offer(&mut world, call, &Method::Invite, "sendonly");
    let rows = vec![
        (HeaderName::Warning, "370 pbx \"Insufficient bandwidth\"".to_owned()),
        (HeaderName::RetryAfter, "30".to_owned()),
        (HeaderName::other("X-Secret"), "of the PBX".to_owned()),
    ];
    world.pbx.refuse_offer(pbx, StatusCode::NOT_ACCEPTABLE_HERE, rows, world.now).unwrap();
    world.settle();

    let response = refusal(&mut world);
    assert_eq!(response.status, StatusCode::NOT_ACCEPTABLE_HERE);
    assert_eq!(response.headers.get(&HeaderName::Warning), Some("370 pbx \"Insufficient bandwidth\""));
    assert_eq!(response.headers.get(&HeaderName::RetryAfter), Some("30"));
    assert!(!response.headers.has(&HeaderName::other("X-Secret")));
}

/// A call whose INVITE a proxy has asked credentials for, where there are some.
fn talking(credentials: Option<Credentials>) -> (World, SessionId, SessionId) {
    let mut world = World::new();
    let is_known = credentials.is_some();
    let call = world.dial_with("sip:echo@example.com", credentials);
    let (mut pbx, _) = world.pbx_rings();
    if is_known {
        let rows = vec![(HeaderName::ProxyAuthenticate, "Digest realm=\"proxy\", nonce=\"n0\"".to_owned())];
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        world.pbx.reject(pbx, status, None, rows, world.now).unwrap();
        (pbx, _) = world.pbx_rings();
    }
    world.pbx.accept(pbx, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    world.settle();
    world.pbx_events.clear();
    (world, call, pbx)
}

fn offer(world: &mut World, call: SessionId, by: &Method, direction: &str) {
    let sdp = WEB_OFFER.replace("a=sendrecv", &format!("a={direction}"));
    let sent = match by {
        Method::Update => world.browser.update(call, sdp, world.now),
        _ => world.browser.offer(call, sdp, world.now),
    };
    sent.unwrap();
    world.settle();
}

fn challenge(world: &mut World, pbx: SessionId, nonce: &str) {
    let challenge = format!("Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256");
    let rows = vec![(HeaderName::WwwAuthenticate, challenge)];
    world.pbx.refuse_offer(pbx, StatusCode::UNAUTHORIZED, rows, world.now).unwrap();
    world.settle();
}

/// The offer that the PBX has.
fn asked(world: &mut World) -> Request {
    loop {
        if let SessionEvent::Offered { request, .. } = world.session_event(End::Pbx) {
            return *request;
        }
    }
}

/// The PBX answers; what the browser hears.
fn answer(world: &mut World, pbx: SessionId, direction: &str) -> Option<String> {
    let sdp = TRUNK_SDP.replace("a=sendrecv", &format!("a={direction}"));
    world.pbx.answer_offer(pbx, Ok(sdp), world.now).unwrap();
    loop {
        if let SessionEvent::Answered { result, .. } = world.session_event(End::Browser) {
            let answer = result.unwrap().unwrap();
            return answer
                .lines()
                .find_map(|line| line.strip_prefix("a=").filter(|way| is_way(way)).map(str::to_owned));
        }
    }
}

fn is_way(line: &str) -> bool {
    ["sendrecv", "sendonly", "recvonly", "inactive"].contains(&line)
}

fn refusal(world: &mut World) -> Response {
    loop {
        if let Event::Session { event: SessionEvent::Answered { result, response }, .. } =
            world.event(End::Browser).expect("an answer at the browser")
        {
            assert!(result.is_err());
            return *response.expect("the response that refused it");
        }
    }
}

/// Whether the PBX, which knows the password, would let this request pass.
fn is_proven(request: &Request, nonce: &str) -> bool {
    let rows = request.headers.get_all(&HeaderName::Authorization);
    let mut known = rows.filter_map(|row| row.parse::<Authorization>().ok());
    known.any(|row| {
        row.realm == "pbx"
            && row.nonce == nonce
            && row.uri == request.uri.to_string()
            && verify(&row, &Secret::new(PASSWORD), &request.method, &request.body)
    })
}

fn count(world: &World, end: End, status: &str, method: &Method) -> usize {
    let wanted = format!("{status} {method}");
    world.ladder(end).iter().filter(|name| **name == wanted).count()
}
