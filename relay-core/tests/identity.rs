//! Who calls, why a call ends, and the headers that cross, from leg to leg.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::PassHeaders;
use sip_core::agent::Invite;
use sip_core::message::{HeaderName, NameAddr, Reason, StatusCode};
use world::{End, TRUNK_SDP, WEB_OFFER, World, invite};

fn row(name: &str, value: &str) -> (HeaderName, String) {
    (name.parse().unwrap(), value.to_owned())
}

impl World {
    /// The PBX calls with these headers; what the browser gets.
    fn called_with(&mut self, from: &str, rows: Vec<(HeaderName, String)>) -> sip_core::message::Request {
        let contact = self.register();
        let from: NameAddr = from.parse().unwrap();
        let invite = Invite {
            headers: rows,
            offer: Some(TRUNK_SDP.to_owned()),
            ..Invite::new(contact, from, Self::trunk_flow())
        };
        self.pbx.invite(invite, self.now).unwrap();
        self.browser_rings().1
    }
}

#[test]
fn a_name_beyond_ascii_reaches_the_browser_as_it_was() {
    let mut world = World::new();
    let request = world.called_with(
        "\"Zoë \\\"Ünal\\\"\" <sip:bob@example.com>",
        vec![
            row("Remote-Party-ID", "\"Zoë\" <sip:bob@10.0.0.1;transport=udp>;party=calling"),
            row("Diversion", "\"Head office\" <sip:100@example.com>;reason=no-answer;counter=1;x=y"),
            row("History-Info", "<sip:100@example.com?Reason=SIP%3Bcause%3D302>;index=1"),
            row("Call-Info", "<sip:x>;answer-after=0"),
            row("P-Charging-Vector", "icid-value=1"),
        ],
    );

    let headers = &request.headers;
    assert_eq!(headers.from().unwrap().display_name.as_deref(), Some("Zoë \"Ünal\""));
    assert_eq!(headers.get(&HeaderName::PAssertedIdentity), Some("\"Zoë\" <sip:bob@10.0.0.1>"));
    assert_eq!(
        headers.get(&HeaderName::Diversion),
        Some("\"Head office\" <sip:100@example.com>;reason=no-answer;counter=1")
    );
    assert!(headers.has(&HeaderName::HistoryInfo) && headers.has(&HeaderName::CallInfo));
    assert!(!headers.has(&HeaderName::RemotePartyId) && !headers.has(&row("P-Charging-Vector", "").0));
}

#[test]
fn an_anonymous_call_asks_for_privacy_and_passes_no_claim() {
    let mut world = World::new();
    world.register();
    let mut call = invite("sip:bob@example.com", Some(WEB_OFFER.to_owned()));
    call.from = "\"Anonymous\" <sip:anonymous@anonymous.invalid>".parse().unwrap();
    call.headers = vec![
        row("Privacy", "id"),
        row("P-Preferred-Identity", "<sip:alice@example.com;lr>"),
        row("P-Asserted-Identity", "<sip:boss@example.com>"),
        row("Remote-Party-ID", "<sip:boss@example.com>"),
    ];
    world.browser.invite(call, world.now).unwrap();

    let (_, request) = world.pbx_rings();

    let headers = &request.headers;
    assert_eq!(headers.from().unwrap().uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(headers.get(&HeaderName::Privacy), Some("id"));
    assert_eq!(headers.get(&HeaderName::PPreferredIdentity), Some("<sip:alice@example.com>"));
    assert!(!headers.has(&HeaderName::PAssertedIdentity) && !headers.has(&HeaderName::RemotePartyId));
    assert!(request.write().len() < 1_300);
}

#[test]
fn listed_headers_cross_and_others_stay() {
    let mut world = World::with(|config| config.pass_headers = PassHeaders::new(&["X-Order".to_owned()]).unwrap());
    let mut call = invite("sip:bob@example.com", Some(WEB_OFFER.to_owned()));
    call.headers = vec![row("X-Order", "4711"), row("X-Other", "1"), row("Subject", "lunch")];
    world.browser.invite(call, world.now).unwrap();

    let (_, request) = world.pbx_rings();

    assert_eq!(request.headers.get(&row("X-Order", "").0), Some("4711"));
    assert!(!request.headers.has(&row("X-Other", "").0) && !request.headers.has(&HeaderName::Subject));
}

#[test]
fn a_call_that_was_answered_elsewhere_says_so_to_the_browser() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));
    let (session, ..) = world.browser_rings();
    world.browser.ring(session, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();

    let reason = Reason::sip(200, "Call completed elsewhere");
    world.pbx.hang_up(call, Some(reason), world.now).unwrap();

    let end = world.browser_ended(session);
    assert_eq!((end.status, end.reason.as_str()), (Some(StatusCode::OK), "Call completed elsewhere"));
}

#[test]
fn a_cause_crosses_with_a_bye_from_either_side_and_with_a_refusal() {
    let mut world = World::new();
    let (call, _) = world.established();
    world.browser.hang_up(call, Some(Reason::q850(31, "Gone home")), world.now).unwrap();
    let end = world.ended(End::Pbx);
    assert_eq!((end.q850, end.reason.as_str()), (Some(31), "Gone home"));

    let mut world = World::new();
    let (_, incoming) = world.established();
    world.pbx.hang_up(incoming, Some(Reason::q850(38, "Network out of order")), world.now).unwrap();
    let end = world.ended(End::Browser);
    assert_eq!((end.q850, end.reason.as_str()), (Some(38), "Network out of order"));

    let mut world = World::new();
    let call = world.dial("sip:bob@example.com");
    let (incoming, _) = world.pbx_rings();
    let rows = vec![(HeaderName::Reason, Reason::q850(1, "Unallocated").to_string())];
    world.pbx.reject(incoming, StatusCode::NOT_FOUND, None, rows, world.now).unwrap();
    assert_eq!(world.browser_ended(call).q850, Some(1));
}
