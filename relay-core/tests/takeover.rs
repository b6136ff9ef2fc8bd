//! A page that was loaded anew takes its call back by an INVITE with Replaces (RFC 3891), and the PBX sees nothing of it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod tokens;
mod world;

use relay_core::admission::{Page, UnixTime};
use relay_core::b2bua::{Access, Input};
use relay_core::media::control::{Direction, IceCredentials, MediaCommand, MediaEvent, MediaId, WebFailure};
use serde_json::json;
use sip_core::agent::{self, LocalSocket, OutgoingRequest, Reply, SessionId, UserAgent};
use sip_core::message::{HeaderName, Message, Method, NameAddr, Replaces, StatusCode, Uri};
use sip_core::{Duration, Flow, SocketId, Transport};
use tokens::{NOW, ORIGIN, rules, token};
use world::*;

const SECOND: SocketId = SocketId(8);
const FIRST_PRINT: &str = "12:34:56:78:9A:BC:DE:F0:12:34";
const OTHER_PRINT: &str = "AA:AA:56:78:9A:BC:DE:F0:12:34";

/// What the page that was loaded anew offers: other credentials, another certificate.
fn offer() -> String {
    WEB_OFFER.replace("uFrG", "nEWu").replace(FIRST_PRINT, OTHER_PRINT)
}

/// The page is gone and loaded anew: an agent that knows nothing.
fn reload(world: &mut World, socket: SocketId) -> Flow {
    world.cut.push(BROWSER);
    world.tell(Input::WebLost { socket: BROWSER });
    new_page(world, socket)
}

fn new_page(world: &mut World, socket: SocketId) -> Flow {
    new_page_for(world, socket, Access::Full)
}

fn new_page_for(world: &mut World, socket: SocketId, access: Access) -> Flow {
    let peer = "198.51.100.5:40001".parse().unwrap();
    world.tell(Input::WebOpened { socket, peer, secure: false, page: None, access });
    world.browser = UserAgent::new(agent::Config::default(), [u8::try_from(socket.0).unwrap(); 32]);
    let contact = "sip:new@abc.invalid;transport=ws".parse().unwrap();
    let local = LocalSocket { transport: Transport::Ws, sent_by: "abc.invalid".to_owned(), contact };
    world.browser.open_socket(socket, local);
    world.browser_events.clear();
    Flow::connection(socket)
}

/// The INVITE of a page that comes back, to the remote target that it remembers.
fn take(world: &mut World, flow: Flow, from: &str, replaces: &Replaces) -> SessionId {
    take_with(world, flow, from, replaces, offer())
}

fn take_with(world: &mut World, flow: Flow, from: &str, replaces: &Replaces, offer: String) -> SessionId {
    let target = "sip:switchhook@relay.invalid;transport=ws".parse().unwrap();
    let mut invite = agent::Invite::new(target, from.parse::<NameAddr>().unwrap(), flow);
    invite.offer = Some(offer);
    invite.headers = vec![(HeaderName::Replaces, replaces.to_string()), (HeaderName::Require, "replaces".to_owned())];
    let call = world.browser.invite(invite, world.now).unwrap();
    world.settle();
    call
}

const ALICE: &str = "<sip:alice@example.com>";

/// A call that talks, how the page would be asked to give it up, and how far the PBX's ladder is.
fn talking(world: &mut World) -> (Replaces, SessionId, usize) {
    let (call, pbx) = world.established();
    world.settle();
    let ours = world.browser.replaces(call).unwrap();
    (ours, pbx, world.ladder(End::Pbx).len())
}

fn refused_with(world: &World, status: u16) {
    world.last(End::Browser, &format!("{status} INVITE"));
}

fn register(world: &mut World, aor: &str, contact: &str, flow: Flow) {
    let aor: NameAddr = aor.parse().unwrap();
    let mut register = OutgoingRequest::new(Method::Register, "sip:example.com".parse().unwrap(), aor.clone(), flow);
    register.to = Some(aor);
    let instance = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=600";
    register.contact = Some(format!("<{contact}>{instance}").parse().unwrap());
    world.browser.request(register, world.now).unwrap();
    let (incoming, request) = world.pbx_asked();
    let contact: Uri = request.headers.contacts().unwrap().list()[0].uri.clone();
    let granted = format!("<{contact}>;expires=300");
    world.pbx.respond(incoming, Reply::new(StatusCode::OK).header(HeaderName::Contact, granted), world.now).unwrap();
    world.settle();
}

fn last_web(world: &World) -> (IceCredentials, Direction) {
    let last = world.commands.iter().rev().find_map(|command| match command {
        MediaCommand::Web { remote, .. } => Some((remote.ice.clone(), remote.direction)),
        _ => None,
    });
    last.unwrap()
}

#[test]
fn a_reloaded_page_takes_its_call_back_and_the_pbx_sees_nothing() {
    let mut world = World::new();
    let (replaces, pbx, ladder) = talking(&mut world);
    let opened = world.commands.len();

    let flow = reload(&mut world, SECOND);
    world.pass(Duration::from_secs(3));
    let call = take(&mut world, flow, ALICE, &replaces);

    let answer = world.browser_accepted(call);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.ladder(End::Pbx).len(), ladder, "{:?}", world.ladder(End::Pbx));
    assert_eq!(world.relay.occupancy().calls, 1);
    let MediaCommand::RestartIce { id, local } = &world.commands[opened] else { panic!("{:?}", world.commands) };
    assert!(answer.contains(&format!("a=ice-ufrag:{}\r\n", local.ufrag)), "{answer}");
    assert_eq!((last_web(&world).0.ufrag.as_str(), *id), ("nEWu", MediaId(1)), "the same media");
    assert!(!world.commands[opened..].iter().any(|command| matches!(command, MediaCommand::Open { .. })));

    world.pbx.hang_up(pbx, None, world.now).unwrap();
    assert!(world.browser_ended(call).failure.is_none(), "by BYE, on the new WebSocket");
}

#[test]
fn nothing_is_said_in_the_old_dialog() {
    let mut world = World::new();
    let (replaces, _, _) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    let before = world.ladder(End::Browser).len();

    take(&mut world, flow, ALICE, &replaces);
    world.pass(Duration::from_secs(60));

    assert_eq!(world.ladder(End::Browser)[before..before + 3], ["INVITE", "200 INVITE", "ACK"]);
    assert!(!world.ladder(End::Browser)[before..].contains(&"BYE".to_owned()));
}

#[test]
fn who_takes_a_call_back_can_hang_it_up() {
    let mut world = World::new();
    let (replaces, _, _) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser.hang_up(call, None, world.now).unwrap();

    assert!(world.pbx_ended().failure.is_none());
    world.settle();
    assert_eq!((world.relay.occupancy().calls, world.records.len()), (0, 1));
}

#[test]
fn wrong_tags_are_481() {
    let mut world = World::new();
    let (replaces, _, ladder) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    for wrong in [
        Replaces { to_tag: "x".to_owned(), ..replaces.clone() },
        Replaces { from_tag: "x".to_owned(), ..replaces.clone() },
        Replaces { call_id: "x".to_owned(), ..replaces.clone() },
        Replaces { to_tag: replaces.from_tag.clone(), from_tag: replaces.to_tag.clone(), ..replaces.clone() },
    ] {
        take(&mut world, flow, ALICE, &wrong);
        refused_with(&world, 481);
    }
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
    assert_eq!(world.relay.occupancy().calls, 1, "which still waits");
}

#[test]
fn news_of_the_old_pages_transfer_hold_nothing_up() {
    let mut world = World::new();
    let mut knows_refer = agent::Config::default();
    knows_refer.allow.push(Method::Refer);
    world.equip(End::Pbx, knows_refer);
    let (call, pbx) = world.established();
    let ours = world.browser.replaces(call).unwrap();
    let rows = vec![(HeaderName::ReferTo, "<sip:carol@example.com>".to_owned())];
    world.browser.session_request(call, Method::Refer, rows, None, world.now).unwrap();
    let (refer, _) = world.pbx_asked();
    world.pbx.respond(refer, Reply::new(StatusCode::ACCEPTED), world.now).unwrap();
    world.settle();
    let flow = reload(&mut world, SECOND);
    take(&mut world, flow, ALICE, &ours);

    world.pbx.hang_up(pbx, None, world.now).unwrap();
    world.settle();

    world.last(End::Browser, "BYE");
}

#[test]
fn another_account_is_403() {
    let mut world = World::new();
    let (replaces, _, ladder) = talking(&mut world);
    let flow = reload(&mut world, SECOND);

    take(&mut world, flow, "<sip:mallory@example.com>", &replaces);

    refused_with(&world, 403);
    assert_eq!((world.ladder(End::Pbx).len(), world.relay.occupancy().calls), (ladder, 1));
}

#[test]
fn a_call_is_taken_back_once() {
    let mut world = World::new();
    let (replaces, _, ladder) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    let call = take(&mut world, flow, ALICE, &replaces);
    world.browser_accepted(call);

    take(&mut world, flow, ALICE, &replaces);

    refused_with(&world, 481);
    assert_eq!((world.ladder(End::Pbx).len(), world.relay.occupancy().calls), (ladder, 1));
}

#[test]
fn a_page_that_comes_too_late_finds_481_and_calls_nobody() {
    let mut world = World::new();
    let (replaces, _, _) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    world.pass(Duration::from_secs(31));
    assert_eq!(world.pbx_ended().q850, Some(41));
    let ladder = world.ladder(End::Pbx).len();

    take(&mut world, flow, ALICE, &replaces);

    refused_with(&world, 481);
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
}

#[test]
fn who_was_registered_has_to_be_registered_again() {
    let mut world = World::new();
    register(&mut world, ALICE, "sip:me@abc.invalid;transport=ws", World::web_flow());
    let (replaces, _, _) = talking(&mut world);
    let flow = reload(&mut world, SECOND);

    take(&mut world, flow, ALICE, &replaces);
    refused_with(&world, 403);
    register(&mut world, ALICE, "sip:new@abc.invalid;transport=ws", flow);
    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser_accepted(call);
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn a_page_with_another_contact_does_not_get_the_requests_of_the_old_one() {
    let mut world = World::new();
    register(&mut world, ALICE, "sip:me@abc.invalid;transport=ws", World::web_flow());
    let (replaces, pbx, _) = talking(&mut world);
    // The relay has not noticed that the old WebSocket is dead.
    world.cut.push(BROWSER);
    let flow = new_page(&mut world, SECOND);
    register(&mut world, ALICE, "sip:new@abc.invalid;transport=ws", flow);

    world.pbx.offer(pbx, TRUNK_SDP.replace("sendrecv", "sendonly"), world.now).unwrap();
    world.settle();
    assert!(!world.ladder(End::Browser).contains(&"481 INVITE".to_owned()), "{:?}", world.ladder(End::Browser));
    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser_accepted(call);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.relay.occupancy().calls, 1);
    assert!(!world.ladder(End::Pbx).contains(&"BYE".to_owned()));
}

#[test]
fn a_call_that_was_called_from_outside_is_taken_back_too() {
    let mut world = World::new();
    register(&mut world, ALICE, "sip:me@abc.invalid;transport=ws", World::web_flow());
    let Message::Request(sent) = world.last(End::Pbx, "REGISTER") else { panic!("a request") };
    let contact = sent.headers.contacts().unwrap().list()[0].uri.clone();
    world.browser_events.clear();
    world.pbx_dials(contact, Some(TRUNK_SDP));
    let (ringing, _, _) = world.browser_rings();
    let answer = WEB_OFFER.replace("actpass", "active");
    world.browser.accept(ringing, answer, vec![], world.now).unwrap();
    world.settle();
    let replaces = world.browser.replaces(ringing).unwrap();
    let flow = reload(&mut world, SECOND);
    register(&mut world, ALICE, "sip:new@abc.invalid;transport=ws", flow);
    let ladder = world.ladder(End::Pbx).len();

    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser_accepted(call);
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
}

#[test]
fn a_held_call_stays_held_without_a_word_to_the_pbx() {
    let mut world = World::new();
    let (call, pbx) = world.established();
    world.browser.offer(call, WEB_OFFER.replace("a=sendrecv", "a=sendonly"), world.now).unwrap();
    world.settle();
    world.pbx.answer_offer(pbx, Ok(TRUNK_SDP.replace("sendrecv", "recvonly")), world.now).unwrap();
    world.settle();
    let held = last_web(&world).1;
    let replaces = world.browser.replaces(call).unwrap();
    let ladder = world.ladder(End::Pbx).len();
    let flow = reload(&mut world, SECOND);

    let call = take_with(&mut world, flow, ALICE, &replaces, offer().replace("a=sendrecv", "a=sendonly"));

    assert!(world.browser_accepted(call).contains("a=recvonly"));
    world.pass(Duration::from_secs(5));
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
    assert_eq!(last_web(&world).1, held);
}

#[test]
fn what_the_pbx_asked_for_meanwhile_is_answered_on_return() {
    let mut world = World::new();
    let (replaces, pbx, _) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    world.pbx.offer(pbx, TRUNK_SDP.replace("sendrecv", "sendonly"), world.now).unwrap();
    world.pass(Duration::from_secs(2));

    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser_accepted(call);
    let Message::Response(answer) = world.last(End::Pbx, "200 INVITE") else { panic!("a response") };
    let answer = String::from_utf8_lossy(&answer.body);
    assert!(answer.contains("o=- 1 2 ") && answer.contains("a=recvonly"), "{answer}");
}

#[test]
fn media_that_ends_with_its_page_does_not_end_the_call() {
    let mut world = World::new();
    let (replaces, _, ladder) = talking(&mut world);
    let flow = reload(&mut world, SECOND);
    let failed = MediaEvent::WebFailed { id: MediaId(1), failure: WebFailure::ConsentExpired };
    world.tell(Input::Media(failed));
    assert_eq!(world.ladder(End::Pbx).len(), ladder);

    let call = take(&mut world, flow, ALICE, &replaces);
    world.browser_accepted(call);
}

#[test]
fn a_description_that_cannot_be_used_leaves_the_call_waiting() {
    let mut world = World::new();
    let (replaces, _, ladder) = talking(&mut world);
    let flow = reload(&mut world, SECOND);

    take_with(&mut world, flow, ALICE, &replaces, TRUNK_SDP.to_owned());
    refused_with(&world, 488);
    let call = take(&mut world, flow, ALICE, &replaces);

    world.browser_accepted(call);
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
}

#[test]
fn a_guest_needs_no_second_token_for_its_call() {
    let mut world = World::with(|config| config.admission = rules());
    world.tell(Input::WallClock(UnixTime(NOW)));
    let peer = "198.51.100.5:40000".parse().unwrap();
    let (page, access) = (Some(Page::of(ORIGIN)), Access::Guest);
    world.tell(Input::WebOpened { socket: BROWSER, peer, secure: true, page, access });
    let mut invite = invite("sip:support@shop.example", Some(WEB_OFFER.to_owned()));
    invite.headers.push((HeaderName::Authorization, format!("Bearer {}", token(&json!({})))));
    let call = world.browser.invite(invite, world.now).unwrap();
    let (incoming, _) = world.pbx_rings();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    let replaces = world.browser.replaces(call).unwrap();
    world.cut.push(BROWSER);
    world.tell(Input::WebLost { socket: BROWSER });
    let ladder = world.ladder(End::Pbx).len();

    let flow = new_page_for(&mut world, SECOND, Access::Guest);
    let call = take(&mut world, flow, "<sip:anonymous@anonymous.invalid>", &replaces);

    world.browser_accepted(call);
    assert_eq!(world.ladder(End::Pbx).len(), ladder);
}
