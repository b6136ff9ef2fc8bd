//! Calls with a token that somebody outside decides on, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod tokens;
mod world;

use relay_core::admission::{Page, UnixTime};
use relay_core::b2bua::{Access, Decision, Domain, Gateway, Input, Trunk, Undecided};
use relay_core::media::control::MediaId;
use serde_json::json;
use sip_core::Duration;
use sip_core::agent::SessionId;
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, StatusCode};
use tokens::{NOW, ORIGIN, rules, token};
use world::{BROWSER, End, PBX, WEB_OFFER, World, invite};

const FIRST: MediaId = MediaId(1);

/// A relay with two trunks whose operator wants to be asked, and the shop's page.
fn world() -> World {
    let pbx: core::net::SocketAddr = PBX.parse().unwrap();
    let mut world = World::with(|config| {
        config.admission = rules();
        config.asks_about_guests = true;
        config.trunks.push(Trunk::new("night", Gateway::new(&pbx.ip().to_string(), Some(pbx.port()), None)));
        config.trunks[1].credentials = Some(Credentials::new("night-relay", "secret").for_realm("night"));
        config.domains.push(Domain { name: "night.example.com".to_owned(), trunk: 1 });
    });
    world.tell(Input::WallClock(UnixTime(NOW)));
    let peer = "198.51.100.5:40000".parse().unwrap();
    let (page, access) = (Some(Page::of(ORIGIN)), Access::Guest);
    world.tell(Input::WebOpened { socket: BROWSER, peer, secure: true, page, access });
    world
}

fn call(world: &mut World) -> SessionId {
    let mut invite = invite("sip:support@shop.example", Some(WEB_OFFER.to_owned()));
    let token = token(&json!({ "sub": "visitor-7", "caller": "sip:web@example.org" }));
    invite.headers.push((HeaderName::Authorization, format!("Bearer {token}")));
    let call = world.browser.invite(invite, world.now).unwrap();
    world.settle();
    call
}

fn allow(callee: Option<&str>, trunk: Option<&str>) -> Decision {
    Decision::Allow { callee: callee.map(str::to_owned), trunk: trunk.map(str::to_owned) }
}

fn decide(world: &mut World, decision: Decision) {
    world.tell(Input::Decided { id: FIRST, decision });
}

fn is_silent(world: &World) -> bool {
    world.ladder(End::Pbx).is_empty()
}

#[test]
fn the_pbx_hears_of_a_call_when_it_is_allowed_and_not_before() {
    let mut world = world();
    call(&mut world);

    let expected = Undecided {
        id: FIRST,
        site: "shop".to_owned(),
        subject: "visitor-7".to_owned(),
        from: "sip:web@example.org".to_owned(),
        callee: "support".to_owned(),
        trunk: "pbx".to_owned(),
    };
    assert_eq!(world.undecided, [expected]);
    assert!(is_silent(&world));
    decide(&mut world, allow(None, None));

    assert_eq!(world.pbx_rings().1.uri.to_string(), "sip:support@pbx.example.com");
}

#[test]
fn a_denied_call_ends_with_the_status_that_was_decided() {
    let mut world = world();
    let call = call(&mut world);

    let reason = "Closed On Sundays".to_owned();
    decide(&mut world, Decision::Deny { status: StatusCode::DECLINE, reason });

    let response = world.browser_ended(call).response.unwrap();
    assert_eq!((response.status, response.reason.as_str()), (StatusCode::DECLINE, "Closed On Sundays"));
    assert!(is_silent(&world));
    let record = &world.records[0];
    assert_eq!((record.status, record.site.as_deref()), (Some(StatusCode::DECLINE), Some("shop")));
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn another_number_takes_the_place_of_the_first_in_the_invite_and_in_the_record() {
    let mut world = world();
    call(&mut world);

    decide(&mut world, allow(Some("+49 30 1234"), None));

    let request = world.pbx_rings().1;
    assert_eq!(request.uri.to_string(), "sip:+49301234@pbx.example.com");
    assert_eq!(request.headers.to().unwrap().uri.to_string(), "sip:+49301234@pbx.example.com");
    assert_eq!(world.relay.call_status(FIRST).unwrap().to, "sip:+49301234@pbx.example.com");
}

#[test]
fn another_trunk_has_its_own_domain_and_credentials() {
    let mut world = world();
    let browser = call(&mut world);
    decide(&mut world, allow(None, Some("night")));
    let (first, request) = world.pbx_rings();
    assert_eq!(request.uri.to_string(), "sip:support@night.example.com");

    let challenge = "Digest realm=\"night\", nonce=\"n\", qop=\"auth\"".to_owned();
    let rows = vec![(HeaderName::WwwAuthenticate, challenge)];
    world.pbx.reject(first, StatusCode::UNAUTHORIZED, None, rows, world.now).unwrap();
    let again = world.pbx_rings().1;
    assert!(again.headers.get(&HeaderName::Authorization).unwrap().contains("username=\"night-relay\""));
    assert!(!world.ladder(End::Browser).contains(&"401 INVITE".to_owned()), "{browser:?}");
}

#[test]
fn nobody_is_sent_where_no_token_reaches() {
    for (decision, text) in [
        (allow(Some("112"), None), "Number Not Allowed With A Token"),
        (allow(Some("004990012345"), None), "Number Not Allowed With A Token"),
        (allow(Some("a b;c"), None), "Token For Another Callee"),
        (allow(None, Some("nowhere")), "The Call Is Not Allowed"),
    ] {
        let mut world = world();
        let call = call(&mut world);
        decide(&mut world, decision.clone());

        let response = world.browser_ended(call).response.unwrap();
        assert_eq!((response.status, response.reason.as_str()), (StatusCode::FORBIDDEN, text), "{decision:?}");
        assert!(is_silent(&world));
    }
}

#[test]
fn a_decision_that_comes_too_late_or_twice_changes_nothing() {
    let mut world = world();
    let browser = call(&mut world);
    // Nothing can be cancelled before it is known to have arrived (RFC 3261 §9.1).
    world.pass(Duration::from_secs(1));
    world.browser.hang_up(browser, None, world.now).unwrap();
    world.settle();
    decide(&mut world, allow(None, None));
    assert!(is_silent(&world), "the visitor has given up");

    let mut world = self::world();
    call(&mut world);
    decide(&mut world, allow(None, None));
    world.pbx_rings();
    decide(&mut world, Decision::Deny { status: StatusCode::DECLINE, reason: "No".to_owned() });
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn account_holders_are_not_asked_about() {
    let mut world = World::with(|config| config.asks_about_guests = true);
    world.dial("sip:echo@example.com");

    world.pbx_rings();
    assert!(world.undecided.is_empty());
}
