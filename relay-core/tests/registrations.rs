//! REGISTER through the relay: several phones of one account, browsers that come back, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::Input;
use sip_core::agent::{Event, IncomingId, OutgoingRequest, Reply};
use sip_core::message::{Contacts, HeaderName, Message, Method, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Duration, Flow, SocketId};
use world::{BROWSER, End, World};

const SECOND: SocketId = SocketId(8);

/// How a browser is known at its registrar.
fn contact(instance: &str) -> String {
    format!("<sip:{instance}@abc.invalid;transport=ws>;+sip.instance=\"<urn:uuid:{instance}>\";reg-id=1;expires=600")
}

/// A REGISTER of `aor` with this Contact.
fn register(aor: &str, contact: Option<&str>, flow: Flow) -> OutgoingRequest {
    let aor: NameAddr = format!("<sip:{aor}@example.com>").parse().unwrap();
    let mut register = OutgoingRequest::new(Method::Register, "sip:example.com".parse().unwrap(), aor.clone(), flow);
    register.to = Some(aor);
    register.headers = vec![(HeaderName::Supported, "path, outbound, gruu".to_owned())];
    match contact {
        Some("*") => {
            register.headers.extend([(HeaderName::Contact, "*".to_owned()), (HeaderName::Expires, "0".to_owned())])
        }
        contact => register.contact = contact.map(|contact| contact.parse().unwrap()),
    }
    register
}

fn ask(world: &mut World, request: OutgoingRequest) {
    world.browser.request(request, world.now).unwrap();
    world.settle();
}

/// The PBX grants what it was asked for. Returns the Contact it was given.
fn grant(world: &mut World, rows: &[(HeaderName, &str)]) -> Uri {
    let (id, request) = world.pbx_asked();
    let contact = request.headers.contacts().unwrap().list()[0].clone();
    let mut reply = Reply::new(StatusCode::OK).header(HeaderName::Contact, contact.to_string());
    reply.headers.extend(rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
    answer(world, id, reply);
    contact.into_uri()
}

fn answer(world: &mut World, id: IncomingId, reply: Reply) {
    world.pbx.respond(id, reply, world.now).unwrap();
    world.settle();
}

/// Registers a phone; returns the Contact that the PBX has for it.
fn registered(world: &mut World, aor: &str, instance: &str, flow: Flow) -> Uri {
    ask(world, register(aor, Some(&contact(instance)), flow));
    let uri = grant(world, &[]);
    assert_eq!(last_response(world).status, StatusCode::OK);
    world.browser_events.clear();
    uri
}

fn last_response(world: &World) -> &Response {
    let responses = world.log.iter().rev().filter(|(end, _)| *end == End::Browser);
    let mut responses = responses.filter_map(|(_, message)| match message {
        Message::Response(response) if response.headers.cseq().unwrap().method == Method::Register => Some(response),
        _ => None,
    });
    responses.next().expect("an answer to a REGISTER")
}

fn last_register(world: &World) -> &Request {
    match world.last(End::Pbx, "REGISTER") {
        Message::Request(request) => request,
        Message::Response(_) => unreachable!(),
    }
}

/// How often the browser was called.
fn rings(world: &mut World) -> Vec<Flow> {
    world.settle();
    let rings = world.browser_events.drain(..).filter_map(|event| match event {
        Event::IncomingCall { flow, .. } => Some(flow),
        _ => None,
    });
    rings.collect()
}

#[test]
fn two_tabs_of_one_account_are_two_phones_to_the_pbx() {
    let mut world = World::new();
    let second = world.open_web(SECOND);

    let one = registered(&mut world, "alice", "one", World::web_flow());
    let two = registered(&mut world, "alice", "two", second);

    assert_ne!(one.user, two.user);
    assert_eq!(world.relay.occupancy().bindings, 2);
    world.pbx_dials(one, None);
    world.pbx_dials(two, None);
    assert_eq!(rings(&mut world), [World::web_flow(), second]);
}

#[test]
fn two_accounts_on_one_websocket_are_reached_each() {
    let mut world = World::new();
    let alice = registered(&mut world, "alice", "one", World::web_flow());
    let bob = registered(&mut world, "bob", "one", World::web_flow());

    assert_ne!(alice.user, bob.user);
    world.pbx_dials(bob, None);
    let (_, request, _) = world.browser_rings();
    assert_eq!(request.headers.to().unwrap().uri.user.as_deref(), Some("bob"));
}

#[test]
fn a_flow_is_confirmed_as_one_where_it_was_asked_for() {
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    let ok = last_response(&world);
    assert_eq!(ok.headers.get(&HeaderName::Require), Some("outbound"));
    assert!(ok.headers.contacts().unwrap().list()[0].params.has("+sip.instance"));

    ask(&mut world, register("bob", Some("<sip:x@abc.invalid;transport=ws>"), World::web_flow()));
    grant(&mut world, &[]);

    assert_eq!(last_response(&world).headers.get(&HeaderName::Require), None);
}

#[test]
fn a_browser_that_comes_back_finds_its_call_alive() {
    let mut world = World::new();
    let before = registered(&mut world, "alice", "one", World::web_flow());
    let (call, _) = world.established();

    world.cut.push(BROWSER);
    world.browser.handle_socket_lost(BROWSER, Duration::from_secs(30), world.now);
    world.tell(Input::WebLost { socket: BROWSER });
    world.pass(Duration::from_secs(10));
    assert_eq!(world.relay.occupancy().calls, 1);
    let flow = world.open_web(SECOND);
    let after = registered(&mut world, "alice", "one", flow);
    world.browser.resume(BROWSER, flow, world.now);
    world.settle();

    assert_eq!(after, before, "the PBX keeps one Contact");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.relay.occupancy().calls, 1);
    world.browser.hang_up(call, None, world.now).unwrap();
    assert!(world.pbx_ended().failure.is_none());
}

#[test]
fn the_pbx_reaches_a_call_on_the_new_websocket() {
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    let (call, incoming) = world.established();
    // The relay has not noticed yet that the old one is dead.
    world.cut.push(BROWSER);
    world.browser.handle_socket_lost(BROWSER, Duration::from_secs(30), world.now);
    let flow = world.open_web(SECOND);
    registered(&mut world, "alice", "one", flow);
    world.browser.resume(BROWSER, flow, world.now);

    world.pbx.hang_up(incoming, None, world.now).unwrap();
    world.settle();

    assert!(world.browser_ended(call).failure.is_none(), "by BYE");
}

#[test]
fn what_the_pbx_did_meanwhile_is_told_on_return() {
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    let (call, incoming) = world.established();
    world.cut.push(BROWSER);
    world.browser.handle_socket_lost(BROWSER, Duration::from_secs(30), world.now);
    world.tell(Input::WebLost { socket: BROWSER });

    world.pbx.hang_up(incoming, None, world.now).unwrap();
    world.pass(Duration::from_secs(5));
    let flow = world.open_web(SECOND);
    registered_while_busy(&mut world, flow);
    world.browser.resume(BROWSER, flow, world.now);

    assert!(world.browser_ended(call).failure.is_none(), "by BYE");
}

/// Registers without dropping what else the browser hears.
fn registered_while_busy(world: &mut World, flow: Flow) {
    ask(world, register("alice", Some(&contact("one")), flow));
    grant(world, &[]);
}

#[test]
fn a_browser_that_stays_away_loses_its_call_after_a_while() {
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    world.established();
    world.cut.push(BROWSER);

    world.tell(Input::WebLost { socket: BROWSER });
    world.pass(Duration::from_secs(29));
    assert_eq!(world.relay.occupancy().calls, 1);
    world.pass(Duration::from_secs(2));

    assert_eq!(world.pbx_ended().q850, Some(41));
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn a_browser_that_closed_its_page_loses_its_call_at_once() {
    let mut world = World::new();
    world.established();

    world.tell(Input::WebClosed { socket: BROWSER });

    assert_eq!(world.pbx_ended().q850, Some(41));
}

#[test]
fn a_browser_without_an_account_is_known_by_its_dialog() {
    let mut world = World::new();
    let (call, incoming) = world.established();
    world.cut.push(BROWSER);
    world.browser.handle_socket_lost(BROWSER, Duration::from_secs(30), world.now);
    world.tell(Input::WebLost { socket: BROWSER });

    let flow = world.open_web(SECOND);
    world.browser.resume(BROWSER, flow, world.now);
    world.browser.session_request(call, Method::Options, Vec::new(), None, world.now).unwrap();
    world.settle();
    world.pass(Duration::from_secs(60));

    world.pbx.hang_up(incoming, None, world.now).unwrap();
    assert!(world.browser_ended(call).failure.is_none(), "the relay knows the new WebSocket");
}

#[test]
fn all_phones_of_an_account_can_be_given_back() {
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    registered(&mut world, "alice", "two", World::web_flow());
    registered(&mut world, "bob", "one", World::web_flow());

    ask(&mut world, register("alice", Some("*"), World::web_flow()));
    let (id, request) = world.pbx_asked();
    assert_eq!(request.headers.contacts(), Ok(Contacts::Star));
    assert_eq!(request.headers.expires(), Some(0));
    answer(&mut world, id, Reply::new(StatusCode::OK));

    assert_eq!(last_response(&world).status, StatusCode::OK);
    assert_eq!(world.relay.occupancy().bindings, 1, "bob's");
}

#[test]
fn a_star_without_its_expires_is_refused() {
    let mut world = World::new();
    let mut request = register("alice", Some("*"), World::web_flow());
    request.headers.retain(|(name, _)| *name != HeaderName::Expires);

    ask(&mut world, request);

    assert_eq!(last_response(&world).status, StatusCode::BAD_REQUEST);
    assert!(!world.ladder(End::Pbx).contains(&"REGISTER".to_owned()));
}

#[test]
fn calls_pass_the_proxies_that_came_with_the_registration() {
    let mut world = World::new();
    ask(&mut world, register("alice", Some(&contact("one")), World::web_flow()));
    grant(&mut world, &[(HeaderName::ServiceRoute, "<sip:192.0.2.99;lr>, <sip:home.example.com;lr>")]);
    assert!(!last_response(&world).headers.has(&HeaderName::ServiceRoute), "the browser's next hop is the relay");

    world.dial("sip:echo@example.com");
    let (_, invite) = world.pbx_rings();

    let routes: Vec<&str> = invite.headers.get_all(&HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:192.0.2.99;lr>", "<sip:home.example.com;lr>"]);
}

#[test]
fn broken_service_routes_are_passed_over() {
    let mut world = World::new();
    ask(&mut world, register("alice", Some(&contact("one")), World::web_flow()));
    grant(&mut world, &[(HeaderName::ServiceRoute, "<<nonsense")]);

    world.dial("sip:echo@example.com");

    assert!(!world.pbx_rings().1.headers.has(&HeaderName::Route));
}

#[test]
fn a_path_leads_to_the_relay_where_the_pbx_wants_one() {
    let mut world = World::with(|config| config.path = true);
    let contact = registered(&mut world, "alice", "one", World::web_flow());

    let request = last_register(&world);
    let path = format!("<sip:{}@192.0.2.1:5060;lr>", contact.user.clone().unwrap());
    assert_eq!(request.headers.get(&HeaderName::Path), Some(path.as_str()));
    assert!(request.headers.supports("path"));
    assert!(!request.headers.supports("outbound"), "the PBX sees one phone on UDP");
    let mut world = World::new();
    registered(&mut world, "alice", "one", World::web_flow());
    assert!(!last_register(&world).headers.has(&HeaderName::Path));
}

#[test]
fn one_phone_too_many_is_refused_and_the_others_stay() {
    let mut world = World::with(|config| config.max_bindings_per_aor = 2);
    registered(&mut world, "alice", "one", World::web_flow());
    registered(&mut world, "alice", "two", World::web_flow());

    ask(&mut world, register("alice", Some(&contact("three")), World::web_flow()));

    assert_eq!(last_response(&world).status, StatusCode::FORBIDDEN);
    assert_eq!(world.relay.occupancy().bindings, 2);
    registered(&mut world, "alice", "two", World::web_flow());
}

#[test]
fn a_flood_of_registers_from_one_websocket_ends_at_its_bound() {
    let mut world = World::new();
    world.is_pbx_deaf = true;
    for number in 0..100 {
        world
            .browser
            .request(register("alice", Some(&contact(&format!("n{number}"))), World::web_flow()), world.now)
            .unwrap();
    }
    for _ in 0..100 {
        world.browser.request(register("alice", Some(&contact("n1")), World::web_flow()), world.now).unwrap();
    }
    world.settle();

    assert_eq!(world.relay.occupancy().bindings, 16);
    let sent = world.ladder(End::Pbx).len();
    assert_eq!(sent, 17, "one for each, and one more of the one that was repeated");
    assert!(last_response(&world).headers.has(&HeaderName::RetryAfter));
    world.tell(Input::WebClosed { socket: BROWSER });
    assert_eq!(world.relay.occupancy().bindings, 0, "nothing was granted");
}

#[test]
fn a_browser_that_left_while_the_pbx_was_thinking_is_away() {
    let mut world = World::new();
    ask(&mut world, register("alice", Some(&contact("one")), World::web_flow()));
    let (id, request) = world.pbx_asked();
    let given = request.headers.contacts().unwrap().list()[0].clone();
    ask(&mut world, register("alice", Some(&contact("two")), World::web_flow()));
    let (second, _) = world.pbx_asked();

    // Bindings that were never granted go with their WebSocket.
    world.tell(Input::WebClosed { socket: BROWSER });
    answer(&mut world, id, Reply::new(StatusCode::OK).header(HeaderName::Contact, given.to_string()));
    answer(&mut world, second, Reply::new(StatusCode::OK));

    assert_eq!(world.relay.occupancy().bindings, 0);
    world.pbx_dials(given.into_uri(), None);
    assert!(rings(&mut world).is_empty());
}

#[test]
fn an_answer_elsewhere_is_told_to_the_browser() {
    let mut world = World::new();
    let contact = registered(&mut world, "alice", "one", World::web_flow());
    let call = world.pbx_dials(contact, None);
    let (session, ..) = world.browser_rings();
    world.browser.ring(session, StatusCode::RINGING, None, Vec::new(), world.now).unwrap();
    world.settle();

    let elsewhere = sip_core::agent::Reason::sip(200, "Call completed elsewhere");
    world.pbx.hang_up(call, Some(elsewhere), world.now).unwrap();

    let end = world.browser_ended(session);
    assert_eq!((end.status, end.reason.as_str()), (Some(StatusCode::OK), "Call completed elsewhere"));
}
