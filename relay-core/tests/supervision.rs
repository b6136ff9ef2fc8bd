//! What an operator sees of calls and may do with them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod world;

use relay_core::b2bua::{CallDirection, CallFault, CallState};
use relay_core::media::control::{MediaCommand, MediaId, Side};
use sip_core::Duration;
use sip_core::message::StatusCode;
use world::{End, TRUNK_SDP, World};

const FIRST: MediaId = MediaId(1);

fn state(world: &World) -> Option<CallState> {
    world.relay.call_status(FIRST).map(|status| status.state)
}

#[test]
fn a_call_is_seen_from_its_first_invite_to_its_end() {
    let mut world = World::new();
    let call = world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    let seen = world.relay.call_status(FIRST).unwrap();
    assert_eq!((seen.direction, seen.state, seen.answered), (CallDirection::Outbound, CallState::Ringing, None));
    assert_eq!((seen.from.as_str(), seen.to.as_str()), ("sip:alice@example.com", "sip:echo@example.com"));

    world.pass(Duration::from_secs(3));
    world.pbx.accept(incoming, TRUNK_SDP.to_owned(), vec![], world.now).unwrap();
    world.browser_accepted(call);
    let seen = world.relay.call_status(FIRST).unwrap();
    assert_eq!((seen.state, seen.answered), (CallState::Talking, Some(seen.started + Duration::from_secs(3))));
    world.browser.hang_up(call, None, world.now).unwrap();
    world.settle();

    assert_eq!((state(&world), world.records[0].id), (None, FIRST));
}

#[test]
fn calls_are_listed_page_by_page_in_their_order() {
    let mut world = World::new();
    for _ in 0..3 {
        world.dial("sip:echo@example.com");
    }
    let ids = |after, limit| {
        world.relay.call_statuses(MediaId(after), limit).iter().map(|call| call.id.0).collect::<Vec<_>>()
    };

    assert_eq!((ids(0, 2), ids(2, 2), ids(3, 2)), (vec![1, 2], vec![3], vec![]));
}

#[test]
fn an_ended_call_says_why_on_both_legs_and_in_its_record() {
    let mut world = World::new();
    let (call, _) = world.established();

    world.relay.end_call(FIRST, "Closing time", world.now).unwrap();
    assert_eq!(world.relay.end_call(FIRST, "Again", world.now), Err(CallFault::Gone), "once is enough");
    world.settle();

    for end in [world.browser_ended(call), world.pbx_ended()] {
        assert_eq!((end.q850, end.reason.as_str()), (Some(16), "Closing time"));
    }
    let record = &world.records[0];
    assert_eq!((record.reason.as_str(), record.ended_by, record.status), ("Closing time", None, None));
}

#[test]
fn a_caller_who_waits_is_refused_and_the_callee_hears_cancel() {
    let mut world = World::new();
    let call = world.dial("sip:echo@example.com");
    let (incoming, _) = world.pbx_rings();
    world.pbx.ring(incoming, StatusCode::RINGING, None, vec![], world.now).unwrap();
    world.settle();

    world.relay.end_call(FIRST, "Closing time", world.now).unwrap();
    world.settle();

    let response = world.browser_ended(call).response.unwrap();
    assert_eq!((response.status, response.reason.as_str()), (StatusCode::TEMPORARILY_UNAVAILABLE, "Closing time"));
    assert!(world.ladder(End::Pbx).contains(&"CANCEL".to_owned()));
}

#[test]
fn digits_reach_the_side_that_they_are_for() {
    let mut world = World::new();
    world.established();

    for to in [Side::Trunk, Side::Web] {
        world.relay.send_digits(FIRST, to, "12#", world.now).unwrap();
        world.settle();
        let Some(MediaCommand::Digits { id, to: told, digits, duration }) = world.commands.last() else {
            panic!("{:?}", world.commands.last())
        };
        assert_eq!((*id, *told, digits.as_str()), (FIRST, to, "12#"));
        assert_eq!(*duration, Duration::from_millis(100));
    }
}

#[test]
fn digits_that_cannot_be_sent_say_why() {
    let mut world = World::new();
    let dial = |world: &mut World, digits: &str| world.relay.send_digits(FIRST, Side::Trunk, digits, world.now);
    assert_eq!(dial(&mut world, "1"), Err(CallFault::Gone));
    let call = world.dial("sip:echo@example.com");
    assert_eq!(dial(&mut world, "1"), Err(CallFault::NotTalking));
    let (incoming, _) = world.pbx_rings();
    let without_events =
        TRUNK_SDP.replace("8 101\r\n", "8\r\n").replace("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", "");
    world.pbx.accept(incoming, without_events, vec![], world.now).unwrap();
    world.browser_accepted(call);
    assert_eq!(dial(&mut world, "1"), Err(CallFault::NoEvents));

    let mut world = World::new();
    world.established();
    for wrong in ["", "1 2", "x", "123456789012345678901234567890123"] {
        assert_eq!(dial(&mut world, wrong), Err(CallFault::NoDigits), "{wrong}");
    }
}
