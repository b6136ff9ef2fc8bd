//! Transfers across the legs: each side hears of dialogs by the names it gave them (RFC 3515, RFC 3891, RFC 5589).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::CallDirection;
use sip_core::agent::{
    Config, Event, Invite, LocalSocket, Refer, Reply, SessionId, TransferEvent, TransferId, UserAgent,
};
use sip_core::message::{
    HeaderName, Message, Method, NameAddr, ReferTo, Replaces, Request, StatusCode, StatusLine, Uri,
};
use sip_core::{SocketId, Transport};
use world::{BROWSER, End, PBX, TRUNK_SDP, WEB_OFFER, World};

fn phone(seed: u8, transfers: bool, socket: SocketId, transport: Transport, sent_by: &str, contact: &str) -> UserAgent {
    let mut config = Config {
        transfers,
        replaces: true,
        supported: vec!["replaces", "norefersub"],
        application_methods: vec![Method::Register],
        ..Config::default()
    };
    config.allow.push(Method::Refer);
    let mut agent = UserAgent::new(config, [seed; 32]);
    let contact: Uri = contact.parse().unwrap();
    agent.open_socket(socket, LocalSocket { transport, sent_by: sent_by.to_owned(), contact });
    agent
}

/// Both ends know transfers, unless they are to answer REFER and NOTIFY by hand.
fn world_of(browser: bool, pbx: bool) -> World {
    let mut world = World::new();
    world.browser = phone(20, browser, BROWSER, Transport::Ws, "abc.invalid", "sip:me@abc.invalid;transport=ws");
    world.pbx = phone(30, pbx, SocketId(0), Transport::Udp, PBX, "sip:pbx@192.0.2.99:5060");
    world
}

fn world() -> World {
    world_of(true, true)
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

/// What one end is asked to do.
fn asked(world: &mut World, end: End) -> (TransferId, Uri, Option<Replaces>, Box<Request>) {
    loop {
        let event = world.event(end).expect("somebody asks");
        if let Event::Transfer { id, event: TransferEvent::Asked { target, replaces, request, .. }, .. } = event {
            return (id, *target, replaces.map(|replaces| *replaces), request);
        }
    }
}

fn heard(world: &mut World, end: End) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(event) = world.event(end) {
        heard.extend(match event {
            Event::Transfer { event: TransferEvent::Accepted, .. } => Some("accepted".to_owned()),
            Event::Transfer { event: TransferEvent::Progress { status, .. }, .. } => Some(status.to_string()),
            Event::Transfer { event: TransferEvent::Succeeded { status, is_confirmed }, .. } => {
                Some(format!("succeeded {status} {is_confirmed}"))
            }
            Event::Transfer { event: TransferEvent::Refused { status, .. }, .. } => Some(format!("refused {status}")),
            Event::Transfer { event: TransferEvent::Failed { status, .. }, .. } => Some(format!("failed {status}")),
            Event::Transfer { event, .. } => Some(format!("{event:?}")),
            _ => None,
        });
    }
    heard
}

fn request<'a>(world: &'a World, end: End, name: &str) -> &'a Request {
    match world.last(end, name) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{name}"),
    }
}

#[test]
fn a_browser_has_the_pbx_call_somebody_and_hears_how_it_goes() {
    let mut world = world();
    let (call, _) = world.established();
    // Each leg counts for itself: digits end here.
    let body = Some(("application/dtmf".to_owned(), b"1".to_vec()));
    world.browser.session_request(call, Method::Info, vec![], body, world.now).unwrap();
    let referred_by = Some(NameAddr::new(uri("sip:president@example.com")));
    let refer = Refer { referred_by, ..Refer::new(uri("sip:carol@example.com")) };
    world.browser.refer(call, refer, world.now).unwrap();
    let (id, target, replaces, refer) = asked(&mut world, End::Pbx);

    assert_eq!((target.to_string().as_str(), replaces), ("sip:carol@example.com", None));
    assert_eq!(refer.headers.get(&HeaderName::ReferredBy), Some("<sip:alice@example.com>"));
    assert_ne!(refer.headers.cseq().unwrap().number, 3, "the legs' numbers differ");
    world.pbx.accept_transfer(id, world.now).unwrap();
    world.settle();
    for status in [StatusCode::RINGING, StatusCode::OK] {
        world.pbx.report_transfer(id, StatusLine::new(status), world.now).unwrap();
        world.settle();
    }

    assert_eq!(heard(&mut world, End::Browser), ["accepted", "100", "180", "succeeded 200 true"]);
    assert_eq!(request(&world, End::Browser, "NOTIFY").headers.get(&HeaderName::Event), Some("refer;id=3"));
}

#[test]
fn a_pbx_that_knows_no_transfers_is_heard_saying_so() {
    for (status, is_plain) in [(405, false), (501, true), (403, true)] {
        let mut world = if is_plain { world_of(true, false) } else { World::new() };
        if !is_plain {
            world.browser = phone(20, true, BROWSER, Transport::Ws, "abc.invalid", "sip:me@abc.invalid;transport=ws");
        }
        let (call, _) = world.established();
        world.browser.refer(call, Refer::new(uri("sip:carol@example.com")), world.now).unwrap();
        world.settle();
        if is_plain {
            let (id, _) = world.pbx_asked();
            let reply = Reply::new(StatusCode::new(status).unwrap());
            world.pbx.respond(id, reply, world.now).unwrap();
        }
        assert_eq!(heard(&mut world, End::Browser), [format!("refused {status}")]);
        assert!(world.browser.session(call).is_some());
    }
}

/// A browser with two calls, by their sessions at the PBX.
fn two_calls(world: &mut World) -> [(SessionId, SessionId); 2] {
    let first = world.established();
    let second = world.established();
    [first, second]
}

#[test]
fn an_attended_transfer_names_the_dialog_as_the_pbx_knows_it() {
    let mut world = world();
    let [(first, _), (second, consulted)] = two_calls(&mut world);
    let named = world.browser.replaces(second).unwrap();
    let refer = Refer { replaces: Some(named.clone()), ..Refer::new(uri("sip:carol@example.com")) };
    world.browser.refer(first, refer, world.now).unwrap();
    let (_, target, replaces, _) = asked(&mut world, End::Pbx);

    let replaces = replaces.unwrap();
    assert_ne!(replaces.call_id, named.call_id);
    assert_eq!(world.pbx.replaced_by(&replaces), Ok(consulted));
    assert_eq!(target.to_string(), "sip:carol@example.com");
}

#[test]
fn our_own_contact_in_a_refer_to_becomes_the_pbxs() {
    let mut world = world();
    let [(first, _), (second, _)] = two_calls(&mut world);
    let contact = world.browser.session(second).unwrap().remote_target.unwrap().clone();
    assert_eq!(contact.host.to_string(), "relay.invalid");
    let replaces = world.browser.replaces(second);
    world.browser.refer(first, Refer { replaces, ..Refer::new(contact) }, world.now).unwrap();
    let (_, target, ..) = asked(&mut world, End::Pbx);

    assert_eq!(target.to_string(), "sip:pbx@192.0.2.99:5060");
}

#[test]
fn targets_that_are_no_calls_do_not_reach_the_pbx() {
    let mut world = world_of(false, true);
    let (call, _) = world.established();
    for (value, status) in [
        ("<http://example.com>", "403 REFER"),
        ("<sip:x@y", "400 REFER"),
        ("<sip:switchhook@relay.invalid>", "404 REFER"),
    ] {
        let rows = vec![(HeaderName::ReferTo, value.to_owned())];
        world.browser.session_request(call, Method::Refer, rows, None, world.now).unwrap();
        world.settle();
        world.last(End::Browser, status);
    }
    let rows = vec![(HeaderName::ReferTo, "<sip:x@example.com?Route=%3Csip:evil%3E&Subject=hi>".to_owned())];
    world.browser.session_request(call, Method::Refer, rows, None, world.now).unwrap();
    world.settle();
    assert_eq!(request(&world, End::Pbx, "REFER").headers.get(&HeaderName::ReferTo), Some("<sip:x@example.com>"));
    assert_eq!(world.ladder(End::Pbx).iter().filter(|name| *name == "REFER").count(), 1);
}

#[test]
fn a_pbx_has_a_browser_call_somebody_in_anothers_place() {
    let mut world = world();
    let (call, pbx) = world.established();
    let replaces: Replaces = "4711@pbx;to-tag=a;from-tag=b".parse().unwrap();
    let referred_by = Some("\"Bob\" <sip:bob@example.com>".parse().unwrap());
    let refer = Refer { replaces: Some(replaces.clone()), referred_by, ..Refer::new(uri("sip:carol@example.com")) };
    world.pbx.refer(pbx, refer, world.now).unwrap();
    let (id, target, named, refer) = asked(&mut world, End::Browser);
    assert_eq!(named, Some(replaces.clone()));
    let by = refer.headers.get(&HeaderName::ReferredBy).unwrap().to_owned();
    assert_eq!(by, "\"Bob\" <sip:bob@example.com>");

    world.browser.accept_transfer(id, world.now).unwrap();
    let mut invite = Invite::new(target, "<sip:alice@example.com>".parse().unwrap(), World::web_flow());
    invite.offer = Some(WEB_OFFER.to_owned());
    invite.headers = vec![
        (HeaderName::Replaces, replaces.to_string()),
        (HeaderName::Require, "replaces".to_owned()),
        (HeaderName::ReferredBy, by.clone()),
    ];
    world.browser.invite(invite, world.now).unwrap();
    world.settle();
    world.browser.report_transfer(id, StatusLine::new(StatusCode::OK), world.now).unwrap();
    world.settle();

    // The dialog is one of the PBX's own, so it finds nothing else than its name.
    let at_pbx = request(&world, End::Pbx, "INVITE");
    assert_eq!(at_pbx.headers.get(&HeaderName::Replaces), Some(replaces.to_string().as_str()));
    assert_eq!(at_pbx.headers.get(&HeaderName::Require), Some("replaces"));
    assert_eq!(at_pbx.headers.get(&HeaderName::ReferredBy), Some(by.as_str()));
    assert_eq!(heard(&mut world, End::Pbx), ["accepted", "100", "succeeded 200 true"]);
    assert!(world.browser.session(call).is_some());
}

#[test]
fn nobody_invents_who_sent_them() {
    let mut world = world();
    let mut invite = world::invite("sip:carol@example.com", Some(WEB_OFFER.to_owned()));
    invite.headers = vec![(HeaderName::ReferredBy, "<sip:president@example.com>".to_owned())];
    world.browser.invite(invite, world.now).unwrap();
    world.settle();

    assert_eq!(request(&world, End::Pbx, "INVITE").headers.get(&HeaderName::ReferredBy), None);
}

#[test]
fn our_contact_in_a_pbxs_refer_to_becomes_the_account_behind_it() {
    let mut world = world();
    let contact = world.register();
    let (_, pbx) = world.established();
    world.pbx.refer(pbx, Refer::new(contact), world.now).unwrap();
    let (_, target, ..) = asked(&mut world, End::Browser);

    assert_eq!(target.to_string(), "sip:alice@example.com");
}

/// The PBX calls with Replaces.
fn pbx_replaces(world: &mut World, replaces: &Replaces) -> SessionId {
    let from: NameAddr = "\"Carol\" <sip:carol@example.com>".parse().unwrap();
    let mut invite = Invite::new(uri("sip:switchhook@192.0.2.1:5060"), from, World::trunk_flow());
    invite.offer = Some(TRUNK_SDP.to_owned());
    invite.headers = vec![
        (HeaderName::Replaces, replaces.to_string()),
        (HeaderName::Require, "replaces".to_owned()),
        (HeaderName::ReferredBy, "<sip:bob@example.com>".to_owned()),
    ];
    let call = world.pbx.invite(invite, world.now).unwrap();
    world.settle();
    call
}

fn is_replaced(world: &mut World) {
    let (call, pbx) = world.established();
    let replaces = world.pbx.replaces(pbx).unwrap();
    let new = pbx_replaces(world, &replaces);
    let invite = request(world, End::Browser, "INVITE").clone();
    let named: Replaces = invite.headers.get(&HeaderName::Replaces).unwrap().parse().unwrap();
    assert_eq!(world.browser.replaced_by(&named), Ok(call));
    assert_eq!(invite.headers.get(&HeaderName::ReferredBy), Some("<sip:bob@example.com>"));
    assert_eq!(invite.headers.from().unwrap().display_name.as_deref(), Some("Carol"));
    let Some(session) = std::iter::from_fn(|| world.event(End::Browser)).find_map(|event| match event {
        Event::IncomingCall { session, replaces: Some(old), .. } if old == call => Some(session),
        _ => None,
    }) else {
        panic!("the browser's call is to be replaced")
    };
    world.browser.accept(session, WEB_OFFER.replace("actpass", "active"), vec![], world.now).unwrap();
    world.settle();

    assert!(world.pbx.session(new).is_some());
    assert!(world.browser.session(session).is_some());
    assert!(world.pbx.session(pbx).is_none(), "{:?}", world.ladder(End::Pbx));
    assert!(world.browser.session(call).is_none());
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn a_pbx_takes_the_place_of_a_browsers_call() {
    let mut world = world();
    is_replaced(&mut world);
    assert_eq!(world.records[0].direction, CallDirection::Outbound);
}

#[test]
fn a_full_relay_has_room_for_who_takes_anothers_place() {
    let mut world = World::with(|config| config.max_calls = 1);
    let other = self::world();
    (world.browser, world.pbx) = (other.browser, other.pbx);
    is_replaced(&mut world);
}

#[test]
fn a_place_that_nobody_has_is_481_and_nothing_reaches_the_browser() {
    let mut world = world();
    let (_, pbx) = world.established();
    let mut replaces = world.pbx.replaces(pbx).unwrap();
    replaces.call_id.push('x');
    let count = world.ladder(End::Browser).len();
    pbx_replaces(&mut world, &replaces);

    world.last(End::Pbx, "481 INVITE");
    assert_eq!(world.ladder(End::Browser).len(), count);
}

#[test]
fn a_browser_takes_the_place_of_its_own_call() {
    let mut world = world();
    let (call, pbx) = world.established();
    let replaces = world.browser.replaces(call).unwrap();
    let mut invite = world::invite("sip:echo@example.com", Some(WEB_OFFER.to_owned()));
    invite.headers = vec![(HeaderName::Replaces, replaces.to_string())];
    world.browser.invite(invite, world.now).unwrap();
    world.settle();

    let named: Replaces =
        request(&world, End::Pbx, "INVITE").headers.get(&HeaderName::Replaces).unwrap().parse().unwrap();
    assert_eq!(world.pbx.replaced_by(&named), Ok(pbx));
}

#[test]
fn a_browsers_replaces_that_cannot_be_read_is_400() {
    let mut world = world();
    let mut invite = world::invite("sip:echo@example.com", Some(WEB_OFFER.to_owned()));
    invite.headers = vec![(HeaderName::Replaces, "nonsense".to_owned())];
    world.browser.invite(invite, world.now).unwrap();
    world.settle();

    world.last(End::Browser, "400 INVITE");
    assert_eq!(world.ladder(End::Pbx), Vec::<String>::new());
}

#[test]
fn news_cross_as_their_first_line_and_only_where_somebody_asked() {
    let mut world = world_of(false, false);
    let (call, pbx) = world.established();
    let notify = |world: &mut World, event: &str, kind: &str| {
        let rows = vec![
            (HeaderName::Event, event.to_owned()),
            (HeaderName::SubscriptionState, "active;expires=60".to_owned()),
        ];
        let body = Some((kind.to_owned(), b"SIP/2.0 180 Ringing\r\nContact: <sip:secret@10.0.0.1>\r\n".to_vec()));
        world.pbx.session_request(pbx, Method::Notify, rows, body, world.now).unwrap();
        world.settle();
    };
    notify(&mut world, "refer", "message/sipfrag");
    world.last(End::Pbx, "481 NOTIFY");

    let rows = vec![(HeaderName::ReferTo, "<sip:carol@example.com>".to_owned())];
    world.browser.session_request(call, Method::Refer, rows, None, world.now).unwrap();
    world.settle();
    let number = request(&world, End::Pbx, "REFER").headers.cseq().unwrap().number;
    notify(&mut world, &format!("refer;id={number}"), "text/plain");
    world.last(End::Pbx, "415 NOTIFY");
    notify(&mut world, &format!("refer;id={}", number + 1), "message/sipfrag");
    assert_eq!(world.ladder(End::Browser).iter().filter(|name| *name == "NOTIFY").count(), 0);
    notify(&mut world, "refer", "message/sipfrag");
    assert_eq!(request(&world, End::Browser, "NOTIFY").body, b"SIP/2.0 180 Ringing\r\n");
}

#[test]
fn out_of_the_blue_nobody_is_sent_anywhere() {
    let mut world = world();
    let from: NameAddr = "<sip:mallory@example.com>".parse().unwrap();
    for (end, target) in [(End::Browser, "sip:bob@example.com"), (End::Pbx, "sip:alice@192.0.2.1:5060")] {
        let flow = if end == End::Browser { World::web_flow() } else { World::trunk_flow() };
        let mut refer = sip_core::agent::OutgoingRequest::new(Method::Refer, uri(target), from.clone(), flow);
        refer.headers = vec![(HeaderName::ReferTo, "<sip:premium@example.com>".to_owned())];
        let agent = if end == End::Browser { &mut world.browser } else { &mut world.pbx };
        agent.request(refer, world.now).unwrap();
        world.settle();
        world.last(end, "403 REFER");
    }
    let refer_to = ReferTo { target: uri("sip:premium@example.com"), replaces: None };
    assert_eq!(refer_to.to_string(), "<sip:premium@example.com>");
}

/// SIP.js says of each NOTIFY that it is the last.
#[test]
fn only_a_final_status_ends_the_news_of_a_browsers_call() {
    let mut world = world_of(false, true);
    let (call, pbx) = world.established();
    world.pbx.refer(pbx, Refer::new(uri("sip:carol@example.com")), world.now).unwrap();
    let refer = loop {
        if let Event::Request { id, .. } = world.event(End::Browser).expect("a REFER at the browser") {
            break id;
        }
    };
    world.browser.respond(refer, Reply::new(StatusCode::ACCEPTED), world.now).unwrap();
    world.settle();
    for line in ["SIP/2.0 183 Session Progress", "SIP/2.0 200 OK"] {
        let rows =
            vec![(HeaderName::Event, "refer".to_owned()), (HeaderName::SubscriptionState, "terminated".to_owned())];
        let body = Some(("message/sipfrag".to_owned(), line.as_bytes().to_vec()));
        world.browser.session_request(call, Method::Notify, rows, body, world.now).unwrap();
        world.settle();
    }

    assert_eq!(heard(&mut world, End::Pbx), ["accepted", "183", "succeeded 200 true"]);
}

/// The browser asks the PBX to call carol, and the PBX agrees; the two sides of the call, and the PBX's transfer.
fn taken_on(world: &mut World) -> (SessionId, SessionId, TransferId) {
    let (call, pbx) = world.established();
    world.browser.refer(call, Refer::new(uri("sip:carol@example.com")), world.now).unwrap();
    let (id, ..) = asked(world, End::Pbx);
    world.pbx.accept_transfer(id, world.now).unwrap();
    world.settle();
    (call, pbx, id)
}

/// Twinkle hangs up as soon as the other call is answered, and tells of it afterwards.
#[test]
fn news_that_come_after_the_pbxs_bye_reach_the_browser() {
    for is_told in [true, false] {
        let mut world = world();
        let (call, pbx, id) = taken_on(&mut world);
        world.pbx.hang_up(pbx, None, world.now).unwrap();
        world.settle();
        assert!(world.browser.session(call).is_some(), "the browser waits");

        if is_told {
            world.pbx.report_transfer(id, StatusLine::new(StatusCode::OK), world.now).unwrap();
            world.settle();
            assert_eq!(heard(&mut world, End::Browser), ["accepted", "100", "succeeded 200 true"]);
            world.last(End::Pbx, "200 NOTIFY");
        }
        world.pass(sip_core::Duration::from_secs(5));
        world.last(End::Browser, "BYE");
        assert!(world.browser.session(call).is_none());
    }
}

/// A REFER of the browser at a PBX that answers by itself.
fn refer_at_pbx(world: &mut World) -> (SessionId, sip_core::agent::IncomingId) {
    let (call, pbx) = world.established();
    world.browser.refer(call, Refer::new(uri("sip:carol@example.com")), world.now).unwrap();
    loop {
        if let Event::Request { id, .. } = world.event(End::Pbx).expect("a REFER at the PBX") {
            return (pbx, id);
        }
    }
}

#[test]
fn a_pbx_that_will_tell_no_news_ends_the_call_at_once() {
    let mut world = world_of(true, false);
    let (pbx, refer) = refer_at_pbx(&mut world);
    let accepted = Reply::new(StatusCode::ACCEPTED).header(HeaderName::other("Refer-Sub"), "false");
    world.pbx.respond(refer, accepted, world.now).unwrap();
    world.settle();
    world.pbx.hang_up(pbx, None, world.now).unwrap();
    world.settle();

    world.last(End::Browser, "BYE");
}

#[test]
fn news_that_overtook_the_answer_are_not_waited_for() {
    let mut world = world_of(true, false);
    let (pbx, refer) = refer_at_pbx(&mut world);
    let rows = vec![(HeaderName::Event, "refer".to_owned()), (HeaderName::SubscriptionState, "terminated".to_owned())];
    let body = Some(("message/sipfrag".to_owned(), b"SIP/2.0 200 OK".to_vec()));
    world.pbx.session_request(pbx, Method::Notify, rows, body, world.now).unwrap();
    world.settle();
    world.pbx.respond(refer, Reply::new(StatusCode::ACCEPTED), world.now).unwrap();
    world.settle();
    world.pbx.hang_up(pbx, None, world.now).unwrap();
    world.settle();

    world.last(End::Browser, "BYE");
}

#[test]
fn a_pbx_that_has_told_how_a_transfer_went_ends_the_call_at_once() {
    let mut world = world();
    let (call, pbx, id) = taken_on(&mut world);
    world.pbx.report_transfer(id, StatusLine::new(StatusCode::BUSY_HERE), world.now).unwrap();
    world.settle();
    world.pbx.hang_up(pbx, None, world.now).unwrap();
    world.settle();

    world.last(End::Browser, "BYE");
    assert!(world.browser.session(call).is_none());
}
