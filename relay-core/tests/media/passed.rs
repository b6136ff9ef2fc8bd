//! Opus from end to end: payloads pass as they came, under the relay's own numbers.

use crate::browser;
use crate::tone::level;
use crate::world::*;
use relay_core::media::DropReason;
use relay_core::media::control::*;
use rtc_rtp::Packet;
use sip_core::Duration;

/// What the PBX calls Opus.
const THEIRS: u8 = 96;
/// SILK in narrow band, one frame of 20 ms (RFC 6716 §3.1); what follows is nobody's business on the way.
const TOC_20_MS: u8 = 0x08;
/// The same, 40 ms.
const TOC_40_MS: u8 = 0x10;

fn opus(world: &World, direction: Direction) -> MediaCommand {
    let (rtp, rtcp) = (world.pbx.address, world.pbx.rtcp);
    let (codec, ptime) = (TrunkCodec::Opus, Duration::from_millis(20));
    let telephone_event = Some((101, 8_000));
    let remote = TrunkRemote {
        rtp,
        rtcp,
        signalling: None,
        srtp: None,
        codec,
        payload_type: THEIRS,
        telephone_event,
        direction,
        ptime,
    };
    MediaCommand::Trunk { id: ID, remote }
}

/// A call in which the PBX has taken Opus.
fn connected() -> World {
    let mut world = World::connected(Options::default());
    let description = opus(&world, Direction::SENDRECV);
    world.command(description);
    world
}

fn browser_says(world: &mut World, toc: u8, number: u8) -> Vec<u8> {
    let payload = vec![toc, number, 0xA5, number];
    let packet = world.browser.packet(browser::OPUS, false, world.browser.timestamp, &payload);
    world.browser.pause(if toc == TOC_40_MS { 1_920 } else { 960 });
    world.browser_sends(&packet);
    world.run(20);
    payload
}

fn pbx_says(world: &mut World, number: u8) -> Vec<u8> {
    let payload = vec![TOC_20_MS, number, 0x5A];
    let packet = world.pbx.packet(THEIRS, false, world.pbx.timestamp, &payload);
    world.pbx.timestamp = world.pbx.timestamp.wrapping_add(960);
    world.pbx_sends(&packet);
    world.run(20);
    payload
}

fn at_pbx(world: &World) -> Vec<&Packet> {
    world.pbx.received.iter().map(|(_, packet)| packet).filter(|packet| packet.header.payload_type == THEIRS).collect()
}

/// The steps of sequence numbers and time stamps.
fn steps(packets: &[&Packet]) -> Vec<(u16, u32)> {
    let step = |pair: &[&Packet]| {
        let (before, after) = (&pair[0].header, &pair[1].header);
        assert_eq!(after.ssrc, before.ssrc);
        (after.sequence_number.wrapping_sub(before.sequence_number), after.timestamp.wrapping_sub(before.timestamp))
    };
    packets.windows(2).map(step).collect()
}

#[test]
fn both_ways_payloads_stay_what_they_were() {
    let mut world = connected();
    let said: Vec<_> = (0..50).map(|number| browser_says(&mut world, TOC_20_MS, number)).collect();
    let heard = at_pbx(&world);
    assert_eq!(heard.iter().map(|packet| packet.payload.to_vec()).collect::<Vec<_>>(), said);
    assert!(steps(&heard).iter().all(|step| *step == (1, 960)));
    assert!(heard[0].header.marker && !heard[1].header.marker);
    assert_ne!(heard[0].header.ssrc, 0xB0B, "the PBX learns nothing of the browser's numbers");

    let said: Vec<_> = (0..50).map(|number| pbx_says(&mut world, number)).collect();
    let heard: Vec<_> = world.browser.received.iter().map(|(_, packet)| packet).collect();
    assert_eq!(heard.iter().map(|packet| packet.payload.to_vec()).collect::<Vec<_>>(), said);
    assert!(heard.iter().all(|packet| packet.header.payload_type == browser::OPUS));
    assert!(steps(&heard).iter().all(|step| *step == (1, 960)));
}

#[test]
fn longer_packets_move_the_time_stamp_by_their_length() {
    let mut world = connected();
    (0..5).for_each(|number| drop(browser_says(&mut world, TOC_40_MS, number)));
    assert_eq!(steps(&at_pbx(&world)), [(1, 1_920); 4]);
}

#[test]
fn what_is_lost_before_the_relay_is_a_hole_after_it() {
    let mut world = connected();
    browser_says(&mut world, TOC_20_MS, 0);
    for _ in 0..2 {
        let timestamp = world.browser.timestamp;
        drop(world.browser.packet(browser::OPUS, false, timestamp, &[TOC_20_MS]));
        world.browser.pause(960);
        world.run(20);
    }
    browser_says(&mut world, TOC_20_MS, 3);

    let heard = at_pbx(&world);
    assert_eq!(steps(&heard), [(3, 2_880)], "so the far end asks its own decoder for the redundancy");
    assert!(!heard[1].header.marker);
}

#[test]
fn a_pause_of_the_browser_is_a_pause_and_a_browser_that_is_gone_is_noise() {
    let mut world = connected();
    browser_says(&mut world, TOC_20_MS, 0);
    world.browser.pause(400 * 48);
    world.run(400);
    browser_says(&mut world, TOC_20_MS, 1);
    let heard = at_pbx(&world);
    assert_eq!(steps(&heard), [(1, 960 + 400 * 48)], "DTX needs no filling");
    assert!(heard[1].header.marker, "a talkspurt begins");

    world.run(2_000);
    assert!(at_pbx(&world).len() > 40, "the stream toward the PBX goes on");
}

#[test]
fn after_a_hold_the_stream_goes_on_under_its_numbers() {
    let mut world = connected();
    browser_says(&mut world, TOC_20_MS, 0);
    let held = opus(&world, Direction::INACTIVE);
    world.command(held);
    (0..100).for_each(|number| drop(browser_says(&mut world, TOC_20_MS, number)));
    assert_eq!(at_pbx(&world).len(), 1);
    let resumed = opus(&world, Direction::SENDRECV);
    world.command(resumed);
    browser_says(&mut world, TOC_20_MS, 1);

    assert_eq!(steps(&at_pbx(&world)), [(1, 101 * 960)], "the two seconds are in the time stamp");
}

#[test]
fn a_pbx_that_changes_its_codec_is_transcoded_for_and_back() {
    let mut world = connected();
    browser_says(&mut world, TOC_20_MS, 0);
    let ssrc = at_pbx(&world)[0].header.ssrc;
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, Duration::from_millis(20));
    world.talk(100, |_| false);
    let heard = world.pbx.heard();
    let expected = 20.0 * (AMPLITUDE / 32_768.0).log10();
    let (at_pbx_now, at_browser) = (
        level(&heard[heard.len() - 12_000..], BROWSER_TONE, 8_000.0),
        level(&world.browser.heard()[3_200..], PBX_TONE, 8_000.0),
    );
    assert!((at_pbx_now - expected).abs() < 1.0 && (at_browser - expected).abs() < 1.0, "{at_pbx_now} {at_browser}");
    assert!(world.pbx.audio().all(|(_, packet)| packet.header.ssrc == ssrc));

    let again = opus(&world, Direction::SENDRECV);
    world.command(again);
    let said = browser_says(&mut world, TOC_20_MS, 7);
    let last = &world.pbx.received.last().unwrap().1;
    assert_eq!((last.header.payload_type, last.header.ssrc), (THEIRS, ssrc));
    assert_eq!(last.payload.to_vec(), said);
}

#[test]
fn digits_pass_between_the_clocks_of_both_sides() {
    let mut world = connected();
    browser_says(&mut world, TOC_20_MS, 0);
    let timestamp = world.browser.timestamp;
    for (end, duration) in [(0, 960_u16), (0, 1_920), (0x80, 2_880)] {
        let [high, low] = duration.to_be_bytes();
        let packet = world.browser.packet(browser::EVENTS, false, timestamp, &[5, end | 10, high, low]);
        world.browser_sends(&packet);
        world.run(20);
    }
    world.browser.pause(2_880);
    browser_says(&mut world, TOC_20_MS, 1);

    let durations: Vec<_> = world.pbx.events().map(|(_, packet)| packet.payload[2..].to_vec()).collect();
    assert_eq!(durations.last().unwrap(), &[1, 0xE0], "60 ms at 8000");
    let sound = at_pbx(&world);
    assert_eq!(sound[1].header.timestamp.wrapping_sub(sound[0].header.timestamp), 960 + 2_880);
}

#[test]
fn what_is_no_opus_goes_nowhere() {
    let mut world = connected();
    for payload in [&[][..], &[0x0B, 0xFF], &[0x03]] {
        let packet = world.browser.packet(browser::OPUS, false, world.browser.timestamp, payload);
        world.browser_sends(&packet);
    }
    assert!(at_pbx(&world).is_empty());
    assert_eq!(world.worker.drops().of(DropReason::RtpPayload), 3);
}
