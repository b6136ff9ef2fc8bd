//! Calls that are sent elsewhere, on either leg.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{Domain, Redirects};
use relay_core::media::control::Side;
use sip_core::agent::{End as SessionEnd, SessionId};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, StatusCode};
use world::{End, TRUNK_SDP, World};

fn contacts(end: &SessionEnd) -> Vec<String> {
    let response = end.response.as_ref().unwrap();
    response.headers.get_all(&HeaderName::Contact).map(str::to_owned).collect()
}

impl World {
    fn pbx_redirects(&mut self, incoming: SessionId, contact: &str) {
        let rows = vec![(HeaderName::Contact, contact.to_owned())];
        self.pbx.reject(incoming, StatusCode::MOVED_TEMPORARILY, None, rows, self.now).unwrap();
        self.settle();
    }
}

fn following() -> World {
    World::with(|config| config.redirects = Redirects::Follow)
}

#[test]
fn a_browser_is_told_where_it_can_call_and_no_address_of_the_pbx() {
    let mut world = World::new();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx_redirects(
        incoming,
        "\"Carol\" <sip:carol:pw@192.0.2.99:5060;transport=udp;maddr=1.2.3.4?X=y>;q=0.5;x=1, <sip:dave@EXAMPLE.com>, \
         <sip:eve@elsewhere.example>, <http://example.com>, <tel:+49301234>",
    );

    let end = world.browser_ended(call);

    assert_eq!(end.status, Some(StatusCode::MOVED_TEMPORARILY));
    assert_eq!(contacts(&end), ["<sip:dave@EXAMPLE.com>", "<tel:+49301234>", "<sip:carol@example.com>;q=0.5"]);
    world.settle();
    assert_eq!(world.records[0].status, Some(StatusCode::MOVED_TEMPORARILY));
}

#[test]
fn a_pbx_is_told_where_the_browser_sends_its_call() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (incoming, ..) = world.browser_rings();
    let rows = vec![
        (HeaderName::Contact, "<sip:carol@example.com;transport=ws;lr>".to_owned()),
        (HeaderName::Reason, "SIP;cause=302;text=\"Out to lunch\"".to_owned()),
        (HeaderName::Route, "<sip:evil@203.0.113.9;lr>".to_owned()),
    ];

    world.browser.reject(incoming, StatusCode::MOVED_TEMPORARILY, None, rows, world.now).unwrap();

    let end = world.pbx_call_ended(call);
    assert_eq!(contacts(&end), ["<sip:carol@example.com>"]);
    let response = end.response.unwrap();
    assert_eq!(response.headers.get(&HeaderName::Reason), Some("SIP;cause=302;text=\"Out to lunch\""));
    assert!(!response.headers.has(&HeaderName::Route));
}

#[test]
fn a_relay_that_follows_calls_the_most_wanted_address_unnoticed() {
    let mut world = following();
    let alice = Credentials::new("alice", "secret");
    let call = world.dial_with("sip:bob@example.com", Some(alice));
    let (incoming, first) = world.pbx_rings();
    world.pbx_redirects(incoming, "<sip:dave@elsewhere.example>, <sip:carol@192.0.2.99>;q=0.9");

    let (again, second) = world.pbx_rings();

    assert_eq!(second.uri.to_string(), "sip:carol@192.0.2.99");
    assert_eq!(second.headers.to().unwrap().uri, first.headers.to().unwrap().uri);
    assert_ne!(second.headers.call_id().unwrap(), first.headers.call_id().unwrap());
    assert!(!second.headers.has(&HeaderName::ProxyAuthorization) && !second.headers.has(&HeaderName::Authorization));
    world.pbx.accept(again, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    assert!(!world.ladder(End::Browser).contains(&"302 INVITE".to_owned()));
}

#[test]
fn a_relay_that_follows_leaves_loops_and_strange_domains() {
    let mut world = following();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx_redirects(incoming, "<sip:carol@example.com>");
    let (incoming, _) = world.pbx_rings();
    world.pbx_redirects(incoming, "<sip:bob@example.com>");
    assert_eq!(world.browser_ended(call).status, Some(StatusCode::MOVED_TEMPORARILY), "back to where it began");

    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx_redirects(incoming, "<sip:carol@elsewhere.example>");
    let end = world.browser_ended(call);
    assert_eq!((end.status, contacts(&end).len()), (Some(StatusCode::MOVED_TEMPORARILY), 0));
    world.settle();
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn a_relay_that_follows_gives_up_after_five_redirections() {
    let mut world = following();
    let call = world.dial("sip:bob@example.com");
    for hop in 0..=5 {
        let (incoming, _) = world.pbx_rings();
        world.pbx_redirects(incoming, &format!("<sip:hop{hop}@example.com>"));
    }

    assert_eq!(world.browser_ended(call).status, Some(StatusCode::MOVED_TEMPORARILY));
    assert_eq!(world.ladder(End::Pbx).iter().filter(|name| *name == "INVITE").count(), 6);
}

#[test]
fn hanging_up_after_a_redirection_cancels_the_call_that_stands() {
    let mut world = following();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx_redirects(incoming, "<sip:carol@example.com>");
    let (again, _) = world.pbx_rings();
    world.pbx.ring(again, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();

    world.browser.hang_up(call, None, world.now).unwrap();
    world.settle();

    assert!(world.ladder(End::Pbx).contains(&"CANCEL".to_owned()));
    assert_eq!(world.relay.occupancy().calls, 0);
    assert_eq!(world.records[0].ended_by, Some(Side::Web));
}

#[test]
fn names_inside_the_pbx_stay_there_where_it_serves_every_domain() {
    let mut world = World::with(|config| config.domains.push(Domain { name: "*".to_owned(), trunk: 0 }));
    let call = world.dial("sip:bob@called.example");
    let (incoming, _) = world.pbx_rings();

    world.pbx_redirects(incoming, "<sip:carol@node7.pbx.internal:5080>, <sip:dave@example.com>, <tel:+49301234>");

    let told = contacts(&world.browser_ended(call));
    assert_eq!(told, ["<sip:carol@called.example>", "<sip:dave@example.com>", "<tel:+49301234>"]);
}

#[test]
fn a_domain_that_is_an_address_stays_one() {
    let mut world = World::with(|config| config.domains.push(Domain { name: "192.0.2.99".to_owned(), trunk: 0 }));
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();

    world.pbx_redirects(incoming, "<sip:carol@192.0.2.99>");

    assert_eq!(contacts(&world.browser_ended(call)), ["<sip:carol@192.0.2.99>"]);
}
