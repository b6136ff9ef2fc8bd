//! What each leg negotiates for itself: reliable responses (RFC 3262), early UPDATE (RFC 3311), session timers (RFC 4028)
//! and offers that come late (RFC 3261 §13.2.1).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::LegConfig;
use relay_core::media::control::MediaCommand;
use sip_core::Duration;
use sip_core::agent::{Config, EndedBy, Event, Refresher, Reliability, SessionEvent, SessionTimers};
use sip_core::message::{HeaderName, Message, Method, StatusCode};
use sip_core::sdp::SessionDescription;
use world::{End, TRUNK_SDP, WEB_OFFER, World};

const NONE: LegConfig = LegConfig { reliability: Reliability::None, session_timers: None };

fn reliable(reliability: Reliability) -> Config {
    Config { reliability, application_methods: vec![Method::Register], ..Config::default() }
}

fn timed(expires: u64, refresher: Option<Refresher>) -> Config {
    let expires = Duration::from_secs(expires);
    let timers = SessionTimers { expires, minimum: Duration::from_secs(90), refresher };
    Config { session_timers: Some(timers), application_methods: vec![Method::Register], ..Config::default() }
}

/// What a browser answers to an offer of the relay's.
fn web_answer() -> String {
    WEB_OFFER.replace("a=setup:actpass", "a=setup:active")
}

fn header(message: &Message, name: &HeaderName) -> String {
    message.headers().get(name).unwrap_or_default().to_owned()
}

fn body(message: &Message) -> String {
    let body = match message {
        Message::Request(request) => &request.body,
        Message::Response(response) => &response.body,
    };
    String::from_utf8(body.clone()).unwrap()
}

#[test]
fn a_pbx_that_requires_100rel_gets_its_prack_and_the_browser_hears_nothing_of_it() {
    let mut world = World::new();
    world.equip(End::Pbx, reliable(Reliability::Required));
    let call = world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::SESSION_PROGRESS, Some(TRUNK_SDP.to_owned()), vec![], world.now).unwrap();
    world.settle();

    assert_eq!(world.browser_progress(call).0, 183);
    assert_eq!(world.ladder(End::Pbx), ["INVITE", "183 INVITE", "PRACK", "200 PRACK"]);
    assert!(!world.ladder(End::Browser).iter().any(|line| line.contains("PRACK")));
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    assert!(body(world.last(End::Pbx, "200 INVITE")).is_empty(), "the 183 had it");
    assert!(matches!(world.session_event(End::Pbx), SessionEvent::Confirmed { .. }));
}

#[test]
fn a_browser_that_knows_100rel_acknowledges_the_relays_early_answer() {
    let mut world = World::new();
    world.equip(End::Browser, reliable(Reliability::Supported));
    let call = world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    let answer = world.browser_accepted(call);

    let ringing = world.last(End::Browser, "180 INVITE");
    assert_eq!(header(ringing, &HeaderName::Require), "100rel");
    assert_eq!(body(ringing), answer);
    assert!(!world.ladder(End::Pbx).iter().any(|line| line.contains("PRACK")));
    assert!(body(world.last(End::Browser, "200 INVITE")).is_empty());
}

#[test]
fn a_pbx_that_requires_what_the_leg_does_not_know_is_refused() {
    let mut world = World::with(|config| config.trunk_leg = NONE);
    world.equip(End::Pbx, reliable(Reliability::Required));
    let contact = world.register();
    let call = world.pbx_dials(contact, Some(TRUNK_SDP));

    assert_eq!(world.pbx_call_ended(call).status, Some(StatusCode::BAD_EXTENSION));
    assert_eq!(header(world.last(End::Pbx, "420 INVITE"), &HeaderName::Unsupported), "100rel");
}

#[test]
fn an_early_update_of_the_pbx_moves_its_media() {
    let mut world = World::new();
    world.equip(End::Pbx, reliable(Reliability::Supported));
    world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::SESSION_PROGRESS, Some(TRUNK_SDP.to_owned()), vec![], world.now).unwrap();
    world.settle();

    world.pbx.offer(incoming, TRUNK_SDP.replace("12000", "12002"), world.now).unwrap();
    world.settle();
    assert!(matches!(world.session_event(End::Pbx), SessionEvent::Answered { result: Ok(Some(_)), .. }));
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.settle();

    let mut ports = world.commands.iter().filter_map(|command| match command {
        MediaCommand::Trunk { remote, .. } => Some(remote.rtp.port()),
        _ => None,
    });
    assert_eq!(ports.next_back(), Some(12_002), "also after the 200, whose description the 183 gave");
}

#[test]
fn a_browser_that_calls_without_offer_is_offered_in_the_200_and_answers_in_the_ack() {
    let mut world = World::new();
    let call = world.offer("sip:echo@example.com", None);
    let (incoming, request) = world.pbx_rings();
    let offered = String::from_utf8(request.body.clone()).unwrap();
    assert!(offered.contains("RTP/AVP 0 8 "), "{offered}");
    assert!(request.write().len() < 1_300);
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    assert_eq!(world.browser_progress(call), (180, None), "an unreliable response has no place for an offer");
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    let offer = world.browser_accepted(call);
    assert!(SessionDescription::parse(&offer).is_ok() && offer.contains("a=setup:actpass"), "{offer}");
    assert!(!world.commands.iter().any(|command| matches!(command, MediaCommand::Web { .. })));

    world.browser.answer_offer(call, Ok(web_answer()), world.now).unwrap();
    world.settle();
    assert!(matches!(world.commands.last(), Some(MediaCommand::Web { .. })), "{:?}", world.commands);
    world.browser.offer(call, WEB_OFFER.to_owned(), world.now).unwrap();
    world.settle();
    let answered = core::iter::from_fn(|| world.browser_events.pop_front())
        .any(|event| matches!(event, Event::Session { event: SessionEvent::Answered { result: Ok(Some(_)), .. }, .. }));
    assert!(answered, "the call is one like any other");
    world.browser.hang_up(call, None, world.now).unwrap();
    assert_eq!(world.pbx_ended().by, EndedBy::Remote);
}

#[test]
fn a_browser_that_calls_without_offer_and_knows_100rel_is_offered_while_it_rings() {
    let mut world = World::new();
    world.equip(End::Browser, reliable(Reliability::Supported));
    let call = world.offer("sip:echo@example.com", None);
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();
    let (status, offer) = world.browser_progress(call);
    assert!(status == 180 && offer.unwrap().contains("a=setup:actpass"));
    world.browser.answer_offer(call, Ok(web_answer()), world.now).unwrap();
    world.settle();
    assert!(matches!(world.commands.last(), Some(MediaCommand::Web { .. })), "media is ready while it rings");

    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.settle();
    assert!(body(world.last(End::Browser, "200 INVITE")).is_empty());
    assert!(body(world.last(End::Browser, "ACK")).is_empty());
}

#[test]
fn a_browser_whose_late_answer_is_missing_or_unusable_is_hung_up_on_both_legs() {
    for answer in [Err(StatusCode::NOT_ACCEPTABLE_HERE), Ok(TRUNK_SDP.to_owned())] {
        let mut world = World::new();
        let call = world.offer("sip:echo@example.com", None);
        let (incoming, _) = world.pbx_rings();
        world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
        world.browser_accepted(call);
        world.browser.answer_offer(call, answer, world.now).unwrap();
        world.settle();

        assert_eq!(world.pbx_ended().by, EndedBy::Remote);
        assert_eq!(world.relay.occupancy().calls, 0);
    }
}

#[test]
fn a_pbx_that_calls_without_offer_and_never_answers_ours_is_hung_up() {
    let mut world = World::new();
    let contact = world.register();
    let call = world.pbx_dials(contact, None);
    let (ringing, _, offer) = world.browser_rings();
    assert!(offer.unwrap().contains("opus/48000/2"), "the browser is offered what it is always offered");
    world.browser.accept(ringing, web_answer(), vec![], world.now).unwrap();
    let offer = world.pbx_accepted(call);
    assert!(offer.contains("RTP/AVP 0 8 "), "{offer}");
    world.pbx.answer_offer(call, Err(StatusCode::NOT_ACCEPTABLE_HERE), world.now).unwrap();
    world.settle();

    assert!(world.ladder(End::Browser).contains(&"BYE".to_owned()));
    assert_eq!(world.relay.occupancy().calls, 0);
}

#[test]
fn reinvites_without_offer_are_offered_something_on_either_leg() {
    let mut world = World::new();
    let (browser, pbx) = world.established();
    world.browser.ask_offer(browser, world.now).unwrap();
    let SessionEvent::Offered { offer: Some(offer), .. } = world.session_event(End::Browser) else {
        panic!("no offer")
    };
    assert!(offer.contains("opus/48000/2"), "{offer}");
    world.browser.answer_offer(browser, Ok(web_answer()), world.now).unwrap();
    world.settle();
    assert_eq!(body(world.last(End::Browser, "ACK")), web_answer());

    world.pbx.ask_offer(pbx, world.now).unwrap();
    let offered = core::iter::from_fn(|| world.event(End::Pbx)).find_map(|event| match event {
        Event::Session { event: SessionEvent::Offered { offer, .. }, .. } => offer,
        _ => None,
    });
    assert!(offered.unwrap().contains("PCMA/8000"));
    world.pbx.answer_offer(pbx, Ok(TRUNK_SDP.to_owned()), world.now).unwrap();
    world.settle();
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn each_leg_has_a_session_timer_of_its_own() {
    let mut world = World::new();
    world.equip(End::Browser, timed(300, None));
    world.equip(End::Pbx, timed(600, None));
    world.established();
    assert_eq!(header(world.last(End::Browser, "200 INVITE"), &HeaderName::SessionExpires), "300;refresher=uas");
    assert_eq!(header(world.last(End::Pbx, "200 INVITE"), &HeaderName::SessionExpires), "600;refresher=uac");
    world.log.clear();
    world.pass(Duration::from_secs(601));

    let of = |end| world.ladder(end).iter().filter(|line| *line == "UPDATE").count();
    assert_eq!((of(End::Browser), of(End::Pbx)), (4, 2), "the relay refreshes both, each at half its interval");
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn a_refresh_of_the_pbx_stays_on_its_leg() {
    let mut world = World::new();
    world.equip(End::Pbx, timed(600, Some(Refresher::Local)));
    world.established();
    assert_eq!(header(world.last(End::Pbx, "200 INVITE"), &HeaderName::SessionExpires), "600;refresher=uas");
    world.log.clear();
    world.pass(Duration::from_secs(3_600));

    assert!(world.ladder(End::Browser).is_empty(), "{:?}", world.ladder(End::Browser));
    assert!(world.ladder(End::Pbx).contains(&"200 UPDATE".to_owned()));
    assert_eq!(world.relay.occupancy().calls, 1);
}

#[test]
fn a_pbx_that_stops_refreshing_ends_both_legs_with_the_cause() {
    let mut world = World::new();
    world.equip(End::Pbx, timed(600, Some(Refresher::Local)));
    world.established();
    world.is_pbx_deaf = true;
    world.equip(End::Pbx, Config::default());
    world.pass(Duration::from_secs(569));

    let reason = header(world.last(End::Browser, "BYE"), &HeaderName::Reason);
    assert!(reason.contains("cause=102"), "{reason}");
    assert_eq!(world.browser_ended(sip_core::agent::SessionId(0)).q850, Some(102));
}

#[test]
fn a_leg_without_session_timers_asks_for_none() {
    let mut world = World::with(|config| (config.trunk_leg, config.web_leg) = (NONE, NONE));
    world.equip(End::Browser, timed(300, None));
    world.established();

    assert_eq!(header(world.last(End::Pbx, "INVITE"), &HeaderName::SessionExpires), "");
    assert_eq!(header(world.last(End::Browser, "200 INVITE"), &HeaderName::SessionExpires), "");
}

#[test]
fn a_pbx_that_wants_longer_intervals_gets_them() {
    let mut world = World::new();
    let long =
        SessionTimers { minimum: Duration::from_secs(7_200), expires: Duration::from_secs(7_200), refresher: None };
    world.equip(End::Pbx, Config { session_timers: Some(long), ..Config::default() });
    world.established();

    assert_eq!(
        world.ladder(End::Pbx),
        ["INVITE", "422 INVITE", "ACK", "INVITE", "200 INVITE", "ACK"],
        "and the browser has rung once"
    );
    assert_eq!(header(world.last(End::Pbx, "INVITE"), &HeaderName::SessionExpires), "7200");
}
