//! What a registrar grants, and how it asks for something else: RFC 3261 §10, 3608, 5626 and 5627.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Alone, Side, uri};
use sip_core::agent::{
    AgentError, Event, Failure, Grant, Invite, OutgoingRequest, Register, RegistrationEvent, RegistrationId,
};
use sip_core::message::{HeaderName, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Duration, Transport};

const CONTACT: &str = "<sip:k3v9@df7jal23ls0d.invalid;transport=ws>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
const OTHERS: &str = "<sip:desk@192.0.2.77:5060>;expires=7";

/// A browser's phone whose REGISTER has left.
fn asking() -> (Alone, RegistrationId, Request) {
    let mut alone = Alone::new(Transport::Ws);
    let register = Register {
        registrar: uri("sip:example.com"),
        aor: NameAddr::new(uri("sip:alice@example.com")),
        contact: CONTACT.parse().unwrap(),
        flow: alone.flow,
        expires: Duration::from_secs(600),
        credentials: None,
        headers: Vec::new(),
        is_sole: true,
    };
    let id = alone.agent.register(register, alone.now);
    alone.drain();
    let request = alone.next_request(Method::Register);
    (alone, id, request)
}

/// A 200 with these rows.
fn ok(request: &Request, rows: &[(HeaderName, &str)]) -> Response {
    reply(request, 200, rows)
}

fn reply(request: &Request, status: u16, rows: &[(HeaderName, &str)]) -> Response {
    let mut response = request.reply(StatusCode::new(status).unwrap(), Some("r"));
    rows.iter().for_each(|(name, value)| response.headers.push(name.clone(), *value));
    response
}

fn ours(more: &str) -> String {
    format!("{CONTACT}{more}")
}

fn registered(rows: &[(HeaderName, &str)]) -> (Alone, RegistrationId, Grant) {
    let (mut alone, id, request) = asking();
    alone.receive(ok(&request, rows));
    let grant = grant(&mut alone).unwrap_or_else(|| panic!("not registered by {rows:?}"));
    (alone, id, grant)
}

/// The grant that was told last, if the last that was told is one.
fn grant(alone: &mut Alone) -> Option<Grant> {
    match alone.events.drain(..).next_back() {
        Some(Event::Registration { event: RegistrationEvent::Registered { grant }, .. }) => Some(*grant),
        _ => None,
    }
}

fn failure(alone: &mut Alone) -> Option<Failure> {
    match alone.events.drain(..).next_back() {
        Some(Event::Registration { event: RegistrationEvent::Failed { failure, .. }, .. }) => Some(failure),
        _ => None,
    }
}

/// The second at which the next REGISTER leaves, if one does within a day and a bit.
fn refresh_after(alone: &mut Alone) -> Option<u64> {
    (1..100_000).find(|_| {
        alone.pass(Duration::from_secs(1));
        !alone.sent.is_empty()
    })
}

#[test]
fn the_time_is_read_from_our_own_contact() {
    let own = ours(";expires=300");
    let rows = [(HeaderName::Contact, OTHERS), (HeaderName::Contact, own.as_str()), (HeaderName::Expires, "3600")];
    let (mut alone, _, grant) = registered(&rows);

    assert_eq!(grant.expires, Duration::from_secs(300));
    assert!((225..=271).contains(&refresh_after(&mut alone).unwrap()));
}

#[test]
fn without_a_time_of_its_own_a_contact_has_the_general_one() {
    assert_eq!(registered(&[(HeaderName::Contact, CONTACT), (HeaderName::Expires, "90")]).2.expires.as_secs(), 90);
    assert_eq!(registered(&[(HeaderName::Expires, "90")]).2.expires.as_secs(), 90, "a registrar that lists nothing");
    assert_eq!(registered(&[]).2.expires.as_secs(), 600, "what was asked for");
}

#[test]
fn a_contact_that_was_rewritten_is_ours_by_its_flow_or_its_user() {
    let by_flow = "<sip:proxy@192.0.2.7>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=61";
    let by_user = "<sip:k3v9@192.0.2.7:41234;transport=ws>;expires=62";

    assert_eq!(registered(&[(HeaderName::Contact, by_flow)]).2.expires.as_secs(), 61);
    assert_eq!(registered(&[(HeaderName::Contact, OTHERS), (HeaderName::Contact, by_user)]).2.expires.as_secs(), 62);
}

#[test]
fn bindings_of_others_are_not_taken_for_ours() {
    for contact in [OTHERS, "<sip:other@192.0.2.7>;+sip.instance=\"<urn:uuid:2>\";reg-id=1;expires=60"] {
        let (mut alone, _, request) = asking();
        alone.receive(ok(&request, &[(HeaderName::Contact, contact)]));

        assert_eq!(failure(&mut alone), Some(Failure::Protocol("the registrar did not keep the binding")), "{contact}");
        assert_eq!(refresh_after(&mut alone), None);
    }
}

#[test]
fn absurd_times_neither_flood_nor_fall_asleep() {
    let brief = ours(";expires=1");
    let (mut alone, ..) = registered(&[(HeaderName::Contact, &brief)]);
    assert_eq!(refresh_after(&mut alone), Some(5));

    let eternal = ours(";expires=4294967295");
    let (mut alone, _, grant) = registered(&[(HeaderName::Contact, &eternal)]);
    assert_eq!(grant.expires.as_secs(), 4_294_967_295);
    assert!((450..=541).contains(&refresh_after(&mut alone).unwrap()), "never later than what was asked for needs");

    let (mut alone, _, request) = asking();
    alone.receive(ok(&request, &[(HeaderName::Contact, &ours(";expires=0"))]));
    assert!(failure(&mut alone).is_some());
}

#[test]
fn a_sleep_beyond_the_end_of_the_binding_is_told_and_made_good_at_once() {
    let (mut alone, ..) = registered(&[(HeaderName::Expires, "120")]);

    alone.now += Duration::from_secs(500);
    alone.agent.handle_timeout(alone.now);
    alone.drain();

    assert_eq!(alone.told(), ["registering"]);
    let again = alone.next_request(Method::Register);
    alone.receive(ok(&again, &[]));
    assert_eq!(alone.told(), ["registered 600"]);
}

#[test]
fn a_refresh_without_an_answer_is_told_when_the_binding_ends() {
    let (mut alone, ..) = registered(&[(HeaderName::Expires, "60")]);

    alone.pass(Duration::from_secs(59));
    assert_eq!(alone.sent.len(), 1);
    assert!(alone.told().is_empty(), "still bound");
    alone.pass(Duration::from_secs(1));

    assert_eq!(alone.told(), ["registering"]);
}

#[test]
fn outbound_and_its_timer_are_told_and_the_contact_says_ob() {
    let rows = [(HeaderName::Contact, CONTACT), (HeaderName::Require, "outbound"), (HeaderName::FlowTimer, "25")];
    let (mut alone, _, grant) = registered(&rows);

    assert!(grant.is_outbound);
    assert_eq!(grant.flow_timer, Some(Duration::from_secs(25)));
    let invite = call(&mut alone);
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:k3v9@df7jal23ls0d.invalid;transport=ws;ob>"));
}

#[test]
fn the_gruu_is_the_contact_of_dialogs() {
    let own = ours(
        ";expires=600;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:1\";temp-gruu=\"sip:tgruu.7hs@example.com;gr\"",
    );
    let (mut alone, id, grant) = registered(&[(HeaderName::Contact, &own), (HeaderName::Require, "outbound")]);

    assert_eq!(grant.public_gruu, Some(uri("sip:alice@example.com;gr=urn:uuid:1")));
    assert_eq!(grant.temporary_gruu, Some(uri("sip:tgruu.7hs@example.com;gr")));
    let invite = call(&mut alone);
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:alice@example.com;gr=urn:uuid:1>"));

    alone.agent.unregister(id, alone.now).unwrap();
    alone.drain();
    let request = alone.next_request(Method::Register);
    let contact = request.headers.get(&HeaderName::Contact).unwrap();
    assert!(contact.starts_with("<sip:k3v9@df7jal23ls0d.invalid"), "a GRUU is not registered: {contact}");
    alone.receive(ok(&request, &[]));
    let invite = call(&mut alone);
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:k3v9@df7jal23ls0d.invalid;transport=ws>"));
}

#[test]
fn what_is_no_gruu_is_not_used() {
    for gruu in ["tel:123;gr", "sip:alice@example.com", "", "\u{1}", "mailto:alice@example.com;gr"] {
        let own = ours(&format!(";pub-gruu=\"{gruu}\""));
        assert_eq!(registered(&[(HeaderName::Contact, &own)]).2.public_gruu, None, "{gruu:?}");
    }
}

#[test]
fn a_service_route_is_taken_by_requests_out_of_dialogs() {
    let rows =
        [(HeaderName::ServiceRoute, "<sip:edge.example.com;lr>, <sip:home.example.com;lr>"), (HeaderName::Path, "<x>")];
    let (mut alone, _, grant) = registered(&rows);
    assert_eq!(grant.service_route.len(), 2);

    let routes = |request: &Request| request.headers.get_all(&HeaderName::Route).map(str::to_owned).collect::<Vec<_>>();
    let expected = ["<sip:edge.example.com;lr>", "<sip:home.example.com;lr>"];
    assert_eq!(routes(&call(&mut alone)), expected);
    let from = NameAddr::new(uri("sip:alice@example.com"));
    let message = OutgoingRequest::new(Method::Message, uri("sip:bob@example.com"), from, alone.flow);
    alone.agent.request(message, alone.now).unwrap();
    alone.drain();
    assert_eq!(routes(&alone.next_request(Method::Message)), expected);

    refresh_after(&mut alone).unwrap();
    assert!(routes(&alone.next_request(Method::Register)).is_empty(), "a REGISTER finds its own way (RFC 3608 §6.1)");
}

#[test]
fn broken_service_routes_are_none() {
    let many = ["<sip:p.example.com;lr>"; 9].join(", ");
    for route in ["<<>>", "<mailto:a@b>", many.as_str(), "<sip:a;lr>, nonsense <"] {
        let (mut alone, _, grant) = registered(&[(HeaderName::ServiceRoute, route)]);

        assert!(grant.service_route.is_empty(), "{route}");
        assert!(!call(&mut alone).headers.has(&HeaderName::Route));
    }
}

#[test]
fn too_brief_without_a_wish_is_asked_once_more_with_an_hour() {
    let (mut alone, _, request) = asking();
    alone.receive(reply(&request, 423, &[]));
    let second = alone.next_request(Method::Register);
    assert_eq!(second.headers.expires(), Some(3_600));

    alone.receive(reply(&second, 423, &[]));

    assert!(alone.sent.is_empty());
    assert!(matches!(failure(&mut alone), Some(Failure::Rejected { status: StatusCode::INTERVAL_TOO_BRIEF, .. })));
}

#[test]
fn a_moved_registrar_is_followed_and_asked_from_then_on() {
    let (mut alone, _, request) = asking();
    alone.receive(reply(&request, 302, &[(HeaderName::Contact, "<sip:two.example.com>")]));
    let second = alone.next_request(Method::Register);
    assert_eq!(second.uri, uri("sip:two.example.com"));
    assert_eq!(second.headers.cseq().unwrap().number, 2);
    assert_eq!(second.headers.get(&HeaderName::To), Some("<sip:alice@example.com>"));

    alone.receive(ok(&second, &[]));
    refresh_after(&mut alone).unwrap();

    assert_eq!(alone.next_request(Method::Register).uri, uri("sip:two.example.com"));
}

#[test]
fn registrars_that_send_us_around_are_given_up() {
    let (mut alone, _, mut request) = asking();
    let mut asked = 1;
    loop {
        let elsewhere = format!("<sip:{asked}.example.com>");
        alone.receive(reply(&request, 302, &[(HeaderName::Contact, &elsewhere)]));
        if alone.sent.is_empty() {
            break;
        }
        request = alone.next_request(Method::Register);
        asked += 1;
        assert!(asked < 10, "it goes round in circles");
    }
    assert_eq!(asked, 4);
    assert!(matches!(failure(&mut alone), Some(Failure::Rejected { .. })));
    for contact in ["<sip:example.com>", "<mailto:alice@example.com>", "*"] {
        let (mut alone, _, request) = asking();
        alone.receive(reply(&request, 302, &[(HeaderName::Contact, contact)]));
        assert!(alone.sent.is_empty(), "{contact} leads nowhere");
    }
}

#[test]
fn without_outbound_at_the_first_hop_it_is_asked_without() {
    let (mut alone, _, request) = asking();
    assert_eq!(request.headers.get(&HeaderName::Supported), Some("path, outbound, gruu"));
    alone.receive(reply(&request, 439, &[]));

    let second = alone.next_request(Method::Register);
    assert_eq!(second.headers.get(&HeaderName::Supported), Some("path, gruu"));
    assert!(!second.headers.get(&HeaderName::Contact).unwrap().contains("reg-id"));
    alone.receive(reply(&second, 439, &[]));

    assert!(alone.sent.is_empty(), "once is enough");
    assert!(failure(&mut alone).is_some());
}

#[test]
fn all_bindings_of_an_account_can_be_given_back() {
    let (mut alone, id, _) = registered(&[]);

    alone.agent.unregister_all(id, alone.now).unwrap();
    alone.drain();
    let request = alone.next_request(Method::Register);
    assert_eq!(request.headers.get(&HeaderName::Contact), Some("*"));
    assert_eq!(request.headers.expires(), Some(0));
    alone.receive(ok(&request, &[]));

    assert_eq!(alone.told(), ["unregistered"]);
    assert_eq!(refresh_after(&mut alone), None);
    let unknown = RegistrationId(99);
    assert_eq!(alone.agent.unregister_all(unknown, alone.now), Err(AgentError::UnknownRegistration(unknown)));
}

#[test]
fn a_403_is_about_the_password_only_where_one_was_given() {
    let (mut alone, _, request) = asking();
    alone.receive(reply(&request, 403, &[]));

    assert!(matches!(failure(&mut alone), Some(Failure::Rejected { status: StatusCode::FORBIDDEN, .. })));
}

fn call(alone: &mut Alone) -> Request {
    let from = NameAddr::new(uri("sip:alice@example.com"));
    let invite = Invite { offer: Some(pair::OFFER.to_owned()), ..Invite::new(Side::Bob.uri(), from, alone.flow) };
    alone.invite(invite);
    alone.next_request(Method::Invite)
}
