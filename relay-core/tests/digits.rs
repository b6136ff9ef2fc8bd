//! Digits across the legs, each way by each method, and other INFO requests.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::Input;
use relay_core::media::control::{MediaCommand, MediaEvent, MediaId, Side};
use sip_core::Duration;
use sip_core::agent::{Event, IncomingId, Reply, SessionId};
use sip_core::message::{HeaderName, Message, Method, Request, StatusCode};
use world::{End, TRUNK_SDP, WEB_OFFER, World, invite};

const RELAY: &str = "application/dtmf-relay";

/// A call between a browser that takes digits as INFO or not, and a PBX with telephone-event or not.
fn talk(browser_takes: bool, pbx_has_events: bool) -> (World, SessionId, SessionId) {
    let mut world = World::new();
    let mut invite = invite("sip:echo@example.com", Some(WEB_OFFER.to_owned()));
    if browser_takes {
        invite.headers.push((HeaderName::Accept, format!("application/sdp, {RELAY}, application/dtmf")));
    }
    let browser = world.browser.invite(invite, world.now).unwrap();
    world.settle();
    let (pbx, _) = world.pbx_rings();
    let events = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n";
    let sdp = match pbx_has_events {
        true => TRUNK_SDP.to_owned(),
        false => TRUNK_SDP.replace("8 101\r\n", "8\r\n").replace(events, ""),
    };
    world.pbx.accept(pbx, sdp, vec![], world.now).unwrap();
    world.browser_accepted(browser);
    world.settle();
    (world, browser, pbx)
}

fn info(kind: &str, body: &str) -> Option<(String, Vec<u8>)> {
    Some((kind.to_owned(), body.as_bytes().to_vec()))
}

fn played(world: &World) -> Option<(Side, String, Duration)> {
    world.commands.iter().rev().find_map(|command| match command {
        MediaCommand::Digits { to, digits, duration, .. } => Some((*to, digits.clone(), *duration)),
        _ => None,
    })
}

fn asked(world: &mut World, end: End) -> Option<(IncomingId, Request)> {
    while let Some(event) = world.event(end) {
        if let Event::Request { id, request, .. } = event {
            return Some((id, *request));
        }
    }
    None
}

fn digit(world: &mut World, from: Side) {
    let duration = Duration::from_millis(120);
    world.tell(Input::Media(MediaEvent::Digit { id: MediaId(1), from, digit: '7', duration }));
}

#[test]
fn a_browsers_info_is_a_telephone_event_where_the_pbx_takes_some() {
    let (mut world, browser, _) = talk(true, true);
    let body = info(RELAY, "Signal=5\r\nDuration=160\r\n");
    world.browser.session_request(browser, Method::Info, vec![], body, world.now).unwrap();
    world.settle();

    assert_eq!(played(&world), Some((Side::Trunk, "5".to_owned(), Duration::from_millis(160))));
    assert!(!world.ladder(End::Pbx).contains(&"INFO".to_owned()));
    world.last(End::Browser, "200 INFO");
}

#[test]
fn it_stays_an_info_where_the_pbx_takes_none_and_gets_the_pbxs_answer() {
    for kind in [RELAY, "application/dtmf"] {
        let (mut world, browser, _) = talk(true, false);
        let body = if kind == RELAY { "Signal=5\r\nDuration=160\r\n" } else { "5" };
        world.browser.session_request(browser, Method::Info, vec![], info(kind, body), world.now).unwrap();
        let (id, request) = asked(&mut world, End::Pbx).expect("an INFO at the PBX");

        assert_eq!(request.headers.get(&HeaderName::ContentType), Some(kind));
        assert_eq!(request.body, body.as_bytes());
        let reply =
            Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).header(HeaderName::Accept, "application/x".to_owned());
        world.pbx.respond(id, reply, world.now).unwrap();
        world.settle();
        let refused = world.last(End::Browser, "415 INFO");
        assert_eq!(refused.headers().get(&HeaderName::Accept), Some("application/x"));
    }
}

#[test]
fn a_browsers_telephone_event_is_an_info_where_the_pbx_takes_no_others() {
    let (mut world, ..) = talk(true, false);
    digit(&mut world, Side::Web);
    let (_, request) = asked(&mut world, End::Pbx).expect("an INFO at the PBX");
    assert_eq!(request.body, b"Signal=7\r\nDuration=120\r\n");

    let (mut world, ..) = talk(true, true);
    digit(&mut world, Side::Web);
    assert!(asked(&mut world, End::Pbx).is_none(), "media has carried it");
}

#[test]
fn the_pbxs_telephone_event_is_told_to_a_browser_that_asked_for_it() {
    let (mut world, ..) = talk(true, true);
    digit(&mut world, Side::Trunk);
    let (_, request) = asked(&mut world, End::Browser).expect("an INFO at the browser");
    assert_eq!(request.headers.get(&HeaderName::ContentType), Some(RELAY));
    assert_eq!(request.body, b"Signal=7\r\nDuration=120\r\n");

    let (mut world, ..) = talk(false, true);
    digit(&mut world, Side::Trunk);
    assert!(asked(&mut world, End::Browser).is_none(), "others hear it in the sound, as before");
}

#[test]
fn the_pbxs_info_is_one_for_a_browser_that_takes_it_and_a_telephone_event_for_others() {
    let (mut world, _, pbx) = talk(true, true);
    world
        .pbx
        .session_request(pbx, Method::Info, vec![], info(RELAY, "Signal=#\r\nDuration=200\r\n"), world.now)
        .unwrap();
    let (_, request) = asked(&mut world, End::Browser).expect("an INFO at the browser");
    assert_eq!(request.body, b"Signal=#\r\nDuration=200\r\n");
    assert_eq!(played(&world), None);

    let (mut world, _, pbx) = talk(false, true);
    world.pbx.session_request(pbx, Method::Info, vec![], info("application/dtmf", "9"), world.now).unwrap();
    world.settle();
    assert_eq!(played(&world), Some((Side::Web, "9".to_owned(), Duration::from_millis(100))));
    world.last(End::Pbx, "200 INFO");
}

/// JsSIP and SIP.js read `dtmf-relay` without saying so.
#[test]
fn the_pbxs_info_stays_one_for_a_browser_that_allows_the_method() {
    for (allow, stays) in [("INVITE, ACK, CANCEL, BYE, INFO", true), ("INVITE, ACK, CANCEL, BYE", false)] {
        let mut world = World::new();
        let mut invite = invite("sip:echo@example.com", Some(WEB_OFFER.to_owned()));
        invite.headers.push((HeaderName::Allow, allow.to_owned()));
        let browser = world.browser.invite(invite, world.now).unwrap();
        world.settle();
        let (pbx, _) = world.pbx_rings();
        world.pbx.accept(pbx, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
        world.browser_accepted(browser);
        world.settle();

        let body = info(RELAY, "Signal=4\r\nDuration=120\r\n");
        world.pbx.session_request(pbx, Method::Info, vec![], body, world.now).unwrap();
        assert_eq!(asked(&mut world, End::Browser).is_some(), stays, "{allow}");
        assert_eq!(played(&world).is_none(), stays, "{allow}");

        digit(&mut world, Side::Trunk);
        assert!(asked(&mut world, End::Browser).is_none(), "a telephone-event stays one");
    }
}

#[test]
fn what_cannot_be_read_is_400_on_both_legs() {
    let (mut world, browser, pbx) = talk(true, true);
    world.browser.session_request(browser, Method::Info, vec![], info(RELAY, "Signal=X"), world.now).unwrap();
    world.settle();
    world.last(End::Browser, "400 INFO");
    world.pbx.session_request(pbx, Method::Info, vec![], info(RELAY, "Duration=1"), world.now).unwrap();
    world.settle();
    world.last(End::Pbx, "400 INFO");
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn other_infos_cross_with_their_package_and_without_what_is_a_legs_own() {
    let (mut world, browser, _) = talk(true, true);
    let rows = vec![
        (HeaderName::InfoPackage, "example".to_owned()),
        (HeaderName::PAssertedIdentity, "<sip:boss@example.com>".to_owned()),
        (HeaderName::other("X-Admin"), "1".to_owned()),
    ];
    let body = info("text/plain", "hello");
    world.browser.session_request(browser, Method::Info, rows, body, world.now).unwrap();
    let (id, request) = asked(&mut world, End::Pbx).expect("an INFO at the PBX");

    assert_eq!(request.headers.get(&HeaderName::InfoPackage), Some("example"));
    assert_eq!(request.headers.get(&HeaderName::PAssertedIdentity), None);
    assert_eq!(request.headers.get(&HeaderName::other("X-Admin")), None);
    let challenge = "Digest realm=\"pbx\", nonce=\"n\"";
    let reply = Reply::new(StatusCode::UNAUTHORIZED).header(HeaderName::WwwAuthenticate, challenge.to_owned());
    world.pbx.respond(id, reply, world.now).unwrap();
    world.settle();
    let Message::Response(refused) = world.last(End::Browser, "401 INFO") else { panic!("a response") };
    assert_eq!(refused.headers.get(&HeaderName::WwwAuthenticate), Some(challenge));
}
