//! telephone-events in both directions and on command (RFC 4733).

use crate::browser;
use crate::exchange;
use crate::world::*;
use relay_core::media::control::*;
use rtc_rtp::Packet;
use sip_core::Duration;
use std::net::SocketAddr;

fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [code, u8::from(end) << 7 | 10, high, low]
}

fn read(packet: &Packet) -> (u8, bool, u16) {
    let bytes = &packet.payload;
    (bytes[0], bytes[1] & 0x80 != 0, u16::from_be_bytes([bytes[2], bytes[3]]))
}

/// A digit as Chromium sends it: no sound meanwhile, three end packets. `lost` says which packets do not arrive.
fn press(world: &mut World, code: u8, steps: u16, lost: impl Fn(u16) -> bool) {
    let timestamp = world.browser.timestamp;
    for step in 1..=steps + 2 {
        let end = step >= steps;
        let packet =
            world.browser.packet(browser::EVENTS, step == 1, timestamp, &payload(code, end, step.min(steps) * 960));
        if !lost(step) {
            world.browser_sends(&packet);
        }
        world.run(if end { 0 } else { 20 });
    }
    world.run(20);
    world.browser.pause(u32::from(steps) * 960);
    world.sample += usize::from(steps) * 160;
}

fn digits(world: &World) -> Vec<(Side, char, u128)> {
    let digit = |event: &MediaEvent| match event {
        MediaEvent::Digit { from, digit, duration, .. } => Some((*from, *digit, duration.as_millis())),
        _ => None,
    };
    world.events.iter().filter_map(digit).collect()
}

#[test]
fn digits_of_the_browser_reach_the_pbx_with_rescaled_durations() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);

    press(&mut world, 5, 5, |_| false);
    world.talk(20, |_| false);

    assert_eq!(digits(&world), [(Side::Web, '5', 100)]);
    let events: Vec<_> = world.pbx.events().map(|(_, packet)| packet.clone()).collect();
    let told: Vec<_> = events.iter().map(read).collect();
    let end = (5, true, 800);
    assert_eq!(told, [(5, false, 160), (5, false, 320), (5, false, 480), (5, false, 640), end, end, end]);
    assert!(events[0].header.marker && events[1..].iter().all(|packet| !packet.header.marker));
    assert!(events.windows(2).all(|pair| pair[0].header.timestamp == pair[1].header.timestamp));

    // One sequence for sound and events; the sound goes on where the event ended.
    let all: Vec<_> = world.pbx.received.iter().map(|(_, packet)| &packet.header).collect();
    assert!(all.windows(2).all(|pair| pair[1].sequence_number == pair[0].sequence_number.wrapping_add(1)));
    let after = world.pbx.audio().nth(20).unwrap().1.header.clone();
    assert!(after.marker);
    assert_eq!(after.timestamp.wrapping_sub(events[0].header.timestamp), 800);
}

#[test]
fn a_digit_survives_the_loss_of_its_packets() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    press(&mut world, 1, 8, |step| step == 1 || step == 3 || step == 8);
    world.talk(20, |_| false);
    // All its ends are lost: time ends it.
    press(&mut world, 2, 8, |step| step >= 8);
    world.run(300);

    assert_eq!(digits(&world), [(Side::Web, '1', 160), (Side::Web, '2', 140)]);
    let ends: Vec<_> = world.pbx.events().map(|(_, packet)| read(packet)).filter(|(_, end, _)| *end).collect();
    assert_eq!(
        ends,
        [(1, true, 1_280), (1, true, 1_280), (1, true, 1_280), (2, true, 1_120), (2, true, 1_120), (2, true, 1_120)]
    );
}

#[test]
fn the_same_digit_twice_is_two_digits() {
    let mut world = World::connected(Options::default());
    world.talk(5, |_| false);
    for code in [1, 1, 11, 0] {
        press(&mut world, code, 4, |_| false);
        world.talk(4, |_| false);
    }
    let pressed: String = digits(&world).iter().map(|(_, digit, _)| *digit).collect();
    assert_eq!(pressed, "11#0");
}

#[test]
fn digits_of_the_pbx_reach_the_browser_at_48_khz() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    let timestamp = world.pbx.timestamp;
    for step in 1..=7_u16 {
        let packet =
            world.pbx.packet(exchange::EVENTS, step == 1, timestamp, &payload(10, step >= 5, step.min(5) * 160));
        world.pbx_sends(&packet);
        world.run(20);
    }
    world.pbx.timestamp = timestamp.wrapping_add(7 * 160);
    world.talk(20, |_| false);

    assert_eq!(digits(&world), [(Side::Trunk, '*', 100)]);
    let events = world.browser.received.iter().filter(|(_, packet)| packet.header.payload_type == browser::EVENTS);
    let told: Vec<_> = events.map(|(_, packet)| read(packet)).collect();
    assert_eq!(told.first(), Some(&(10, false, 960)));
    assert_eq!(told[told.len() - 3..], [(10, true, 4_800); 3]);
}

/// We offered 101, it answered 96: some send by the one number, some by the other (RFC 3264 §6.1).
#[test]
fn a_pbx_that_numbers_events_differently_is_understood_by_either_number() {
    let mut world = World::connected(Options::default());
    let rtcp = SocketAddr::new(world.pbx.address.ip(), world.pbx.address.port() + 1);
    let remote = TrunkRemote {
        rtp: world.pbx.address,
        rtcp,
        signalling: None,
        srtp: None,
        codec: world.pbx.codec,
        payload_type: world.pbx.codec.payload_type(),
        telephone_event: Some((96, 8_000)),
        direction: Direction::SENDRECV,
        ptime: Duration::from_millis(20),
    };
    world.command(MediaCommand::Trunk { id: ID, remote });
    world.talk(10, |_| false);
    for (number, code) in [(96, 1), (telephone_event_at(8_000), 2)] {
        let packet = world.pbx.packet(number, true, world.pbx.timestamp, &payload(code, true, 800));
        world.pbx_sends(&packet);
        world.pbx.timestamp += 800;
        world.talk(10, |_| false);
    }
    assert_eq!(digits(&world), [(Side::Trunk, '1', 100), (Side::Trunk, '2', 100)]);

    press(&mut world, 3, 5, |_| false);
    let numbers = world.pbx.received.iter().map(|(_, packet)| packet.header.payload_type).filter(|number| *number != 0);
    assert!(numbers.clone().count() > 0 && numbers.clone().all(|number| number == 96), "its own is what it gets");
}

#[test]
fn a_long_press_of_the_pbx_is_told_in_segments_at_48_khz() {
    let mut world = World::connected(Options::default());
    let timestamp = world.pbx.timestamp;
    for step in 1..=100_u16 {
        let packet = world.pbx.packet(exchange::EVENTS, step == 1, timestamp, &payload(3, step == 100, step * 160));
        world.pbx_sends(&packet);
        world.run(20);
    }
    assert_eq!(digits(&world), [(Side::Trunk, '3', 2_000)]);
    let events: Vec<_> = world.browser.received.iter().map(|(_, packet)| packet).collect();
    let (first, last) = (events[0], events[events.len() - 1]);
    assert_eq!(last.header.timestamp.wrapping_sub(first.header.timestamp), 0xFFFF);
    assert_eq!(read(last), (3, true, (96_000_u32 - 0xFFFF) as u16));
}

#[test]
fn digits_on_command_are_sent_in_their_time_and_without_sound() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    let digits = "12#".to_owned();
    world.command(MediaCommand::Digits { id: ID, to: Side::Trunk, digits, duration: Duration::from_millis(100) });
    world.talk(50, |_| false);

    let events: Vec<_> = world.pbx.events().cloned().collect();
    let told: Vec<_> = events.iter().map(|(_, packet)| read(packet)).filter(|(_, end, _)| *end).collect();
    let end = |code| (code, true, 800);
    assert_eq!(told, [end(1), end(1), end(1), end(2), end(2), end(2), end(11), end(11), end(11)]);
    for code in [1, 2, 11] {
        let of_digit: Vec<_> = events.iter().filter(|(_, packet)| packet.payload[0] == code).collect();
        assert!(of_digit[0].1.header.marker);
        let (begin, end) = (of_digit[0].0, of_digit[of_digit.len() - 3].0);
        assert!(end.since(begin) >= Duration::from_millis(80) && end.since(begin) <= Duration::from_millis(120));
        let during = world.pbx.audio().filter(|(at, _)| *at > begin && *at < end).count();
        assert_eq!(during, 0, "sound during the digit {code}");
    }
    let all: Vec<_> = world.pbx.received.iter().map(|(_, packet)| &packet.header).collect();
    assert!(all.windows(2).all(|pair| pair[1].sequence_number == pair[0].sequence_number.wrapping_add(1)));
    // Sound and time stamps do not fall behind: 70 packets' worth of time in all.
    let span = all[all.len() - 1].timestamp.wrapping_sub(all[0].timestamp);
    assert!((69 * 160 - 160..=69 * 160 + 320).contains(&span), "{span}");
}

#[test]
fn digits_without_sound_are_sent_too() {
    let mut world = World::connected(Options::default());
    world.command(MediaCommand::Digits {
        id: ID,
        to: Side::Trunk,
        digits: "7".into(),
        duration: Duration::from_millis(60),
    });
    world.run(500);
    let ends = world.pbx.events().map(|(_, packet)| read(packet)).filter(|(_, end, _)| *end).count();
    assert_eq!(ends, 3);
}
