//! Tone in, tone out: level, continuity, loss, reordering, pauses, hold.

use crate::exchange::Exchange;
use crate::tone::{level, sine};
use crate::world::*;
use core::net::SocketAddr;
use relay_core::codec::{Encoder, G711Encoder};
use relay_core::media::DropReason;
use relay_core::media::control::*;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_rtp::Packet;
use sip_core::{Duration, Instant};

const MS20: Duration = Duration::from_millis(20);

fn expected() -> f64 {
    20.0 * (AMPLITUDE / 32_768.0).log10()
}

/// Sequence numbers and time stamps without a hole, under one SSRC.
fn assert_unbroken(packets: &[&(Instant, Packet)], step: u32) {
    for pair in packets.windows(2) {
        let (before, after) = (&pair[0].1.header, &pair[1].1.header);
        assert_eq!(after.ssrc, before.ssrc);
        assert_eq!(after.sequence_number, before.sequence_number.wrapping_add(1));
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(step), "after {}", before.sequence_number);
    }
}

fn assert_both_hear(world: &mut World) {
    let at_pbx = world.pbx.heard();
    let heard = level(&at_pbx[1_600..], BROWSER_TONE, f64::from(world.pbx.codec.rate().hz()));
    assert!((heard - expected()).abs() < 1.0, "at the PBX: {heard} dB instead of {}", expected());
    let at_browser = world.browser.heard();
    let heard = level(&at_browser[1_600..], PBX_TONE, 8_000.0);
    assert!((heard - expected()).abs() < 1.0, "at the browser: {heard} dB instead of {}", expected());
}

#[test]
fn both_sides_hear_each_other_at_the_right_level() {
    for codec in TrunkCodec::BUILT_IN {
        let mut world = World::connected(Options { codec, ..Options::default() });

        world.talk(100, |_| false);

        assert_both_hear(&mut world);
        let at_pbx: Vec<_> = world.pbx.audio().collect();
        assert_eq!(at_pbx.len(), 100);
        assert_unbroken(&at_pbx, 160);
        assert!(at_pbx[0].1.header.marker && !at_pbx[1].1.header.marker);
        let at_browser: Vec<_> = world.browser.received.iter().collect();
        assert_eq!(at_browser.len(), 100);
        assert_unbroken(&at_browser, 960);
    }
}

#[test]
fn a_browser_that_takes_the_server_role_is_heard_as_well() {
    let mut world = World::connected(Options { role: DtlsRole::Client, ..Options::default() });
    world.talk(50, |_| false);
    assert_both_hear(&mut world);
}

#[test]
fn aes_gcm_is_preferred_and_aes_cm_is_enough() {
    use SrtpProtectionProfile::{Srtp_Aead_Aes_128_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80};
    let both = World::connected(Options::default());
    assert_eq!(both.browser.profile, Some(Srtp_Aead_Aes_128_Gcm));

    let mut old = World::connected(Options { profiles: vec![Srtp_Aes128_Cm_Hmac_Sha1_80], ..Options::default() });
    assert_eq!(old.browser.profile, Some(Srtp_Aes128_Cm_Hmac_Sha1_80));
    old.talk(50, |_| false);
    assert_both_hear(&mut old);
}

#[test]
fn at_ten_per_cent_loss_the_pbx_gets_an_unbroken_stream() {
    // A steady sine makes SILK's predictor ring after each loss, whoever decodes; syllables do not.
    let mut world = World::connected(Options::default());
    world.syllables = true;

    world.talk(500, |number| number % 10 == 5);

    let at_pbx: Vec<_> = world.pbx.audio().collect();
    assert_eq!(at_pbx.len(), 500);
    assert_unbroken(&at_pbx, 160);
    let carrier = expected() - 6.0;
    let heard = level(&world.pbx.heard()[1_600..], BROWSER_TONE, 8_000.0);
    assert!((heard - carrier).abs() < 1.0, "at the PBX: {heard} dB instead of {carrier}");
    let heard = level(&world.browser.heard()[1_600..], PBX_TONE, 8_000.0);
    assert!((heard - carrier).abs() < 1.5, "at the browser: {heard} dB instead of {carrier}");

    let report = world.close();
    assert_eq!((report.web.packets_received, report.web.packets_lost), (450, 50));
    assert_eq!((report.trunk.packets_received, report.trunk.packets_lost), (450, 50));
    assert_eq!((report.web.packets_late, report.trunk.packets_late), (0, 0));
}

#[test]
fn a_burst_of_lost_packets_is_bridged() {
    let mut world = World::connected(Options::default());
    world.talk(200, |number| (100..105).contains(&number));
    let at_pbx: Vec<_> = world.pbx.audio().collect();
    assert_eq!(at_pbx.len(), 200);
    assert_unbroken(&at_pbx, 160);
}

#[test]
fn swapped_packets_are_put_in_order() {
    let mut world = World::connected(Options::default());
    for _ in 0..100 {
        let packets = [world.browser_packet(), world.browser_packet(), world.browser_packet(), world.browser_packet()];
        for number in [0, 2, 1, 3] {
            world.browser_sends(&packets[number]);
            world.run(20);
        }
        world.check();
    }
    let at_pbx: Vec<_> = world.pbx.audio().collect();
    assert_eq!(at_pbx.len(), 400);
    assert_unbroken(&at_pbx, 160);
    // The first swap taught the buffer to wait.
    assert_eq!(world.close().web.packets_late, 1);
}

#[test]
fn without_loss_nothing_waits() {
    let mut world = World::connected(Options::default());
    for number in 1..=50 {
        let packet = world.browser_packet();
        world.browser_sends(&packet);
        assert_eq!(world.pbx.audio().count(), number);
        let packet = world.pbx_packet();
        world.pbx_sends(&packet);
        assert_eq!(world.browser.received.len(), number);
        world.run(20);
    }
}

#[test]
fn a_silent_browser_does_not_stop_the_stream_to_the_pbx() {
    let mut world = World::connected(Options::default());
    world.talk(50, |_| false);
    let before = world.pbx.audio().count();

    // DTX: nothing is sent for a second, then the time stamp goes on where time is.
    world.run(980);
    world.browser.pause(49 * 960);
    let filled = world.pbx.audio().count() - before;
    assert!((45..=49).contains(&filled), "{filled}");
    world.talk(50, |_| false);

    let at_pbx: Vec<_> = world.pbx.audio().collect();
    assert_unbroken(&at_pbx, 160);
    assert!((147..=149).contains(&at_pbx.len()), "{}", at_pbx.len());
    let pauses = at_pbx.windows(2).map(|pair| pair[1].0.since(pair[0].0)).max();
    assert!(pauses <= Some(Duration::from_millis(81)), "{pauses:?}");
}

#[test]
fn a_browser_whose_clock_stood_still_is_heard_again() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    // It pauses without advancing its time stamps, as some stacks do when muted.
    world.run(2_000);
    let before = world.pbx.heard().len();
    world.talk(50, |_| false);
    let heard = world.pbx.heard();
    assert!(level(&heard[before + 2_400..], BROWSER_TONE, 8_000.0) > expected() - 2.0);
}

#[test]
fn no_timer_runs_at_packet_rate_while_packets_come() {
    let mut world = World::connected(Options::default());
    world.timeouts = 0;
    world.talk(500, |_| false);
    assert!(world.timeouts < 250, "{} in 10 s", world.timeouts);

    // Nor does one while nobody talks and nothing must be filled.
    let mut quiet = World::connected(Options::default());
    quiet.timeouts = 0;
    quiet.run(10_000);
    assert!(quiet.timeouts < 20, "{} in 10 s", quiet.timeouts);
}

#[test]
fn packet_lengths_may_differ_between_the_sides() {
    for millis in [10, 20, 30, 40, 60] {
        let ptime = Duration::from_millis(millis);
        let mut world = World::connected(Options { ptime, ..Options::default() });
        let samples = millis as usize * 8;
        for number in 0..1_200 / millis as usize {
            let sound = sine(PBX_TONE, AMPLITUDE, 8_000.0, number * samples, samples);
            let packet = world.pbx.speak(&sound);
            world.pbx_sends(&packet);
            world.run(millis);
        }
        for _ in 0..60 {
            let packet = world.browser_packet();
            world.sample += 160;
            world.browser_sends(&packet);
            world.run(20);
        }
        assert_both_hear(&mut world);
        let at_pbx: Vec<_> = world.pbx.audio().take(1_200 / millis as usize).collect();
        assert_unbroken(&at_pbx, samples as u32);
        assert!(at_pbx.iter().all(|(_, packet)| packet.payload.len() == samples));
        let at_browser: Vec<_> = world.browser.received.iter().collect();
        assert_eq!(at_browser.len(), 60);
        assert_unbroken(&at_browser, 960);
    }
}

#[test]
fn a_browser_gets_packets_of_the_length_it_asks_for() {
    for (asked, sent) in [(10, 10), (20, 20), (30, 20), (40, 40), (60, 60)] {
        let mut world = World::connected(Options::default());
        let remote = WebRemote { ptime: Duration::from_millis(asked), ..world.web_remote(Direction::SENDRECV) };
        world.command(MediaCommand::Web { id: ID, remote });
        world.talk(60, |_| false);

        assert_both_hear(&mut world);
        let at_browser: Vec<_> = world.browser.received.iter().collect();
        assert_eq!(at_browser.len(), 1_200 / sent);
        assert_unbroken(&at_browser, sent as u32 * 48);
    }
}

#[test]
fn full_band_stereo_from_a_browser_is_heard() {
    let mut world = World::connected(Options::default());
    let mut encoder = opus::Encoder::new(48_000, opus::Channels::Stereo, opus::Application::Audio).unwrap();
    encoder.set_bitrate(opus::Bitrate::Bits(96_000)).unwrap();
    for number in 0..60 {
        let mono = sine(BROWSER_TONE, AMPLITUDE, 48_000.0, number * 960, 960);
        let stereo: Vec<i16> = mono.iter().flat_map(|sample| [*sample, *sample]).collect();
        let payload = encoder.encode_vec(&stereo, 1_000).unwrap();
        let timestamp = world.browser.timestamp;
        let packet = world.browser.packet(crate::browser::OPUS, false, timestamp, &payload);
        world.browser.pause(960);
        world.browser_sends(&packet);
        world.run(20);
    }
    let heard = level(&world.pbx.heard()[1_600..], BROWSER_TONE, 8_000.0);
    assert!((heard - expected()).abs() < 1.0, "{heard}");
}

#[test]
fn on_hold_nothing_flows_and_afterwards_the_streams_go_on() {
    let mut world = World::connected(Options::default());
    world.talk(50, |_| false);
    let inactive = Direction { send: false, receive: false };
    world.describe_trunk(world.pbx.address, inactive, MS20);
    world.talk(100, |_| false);
    assert_eq!((world.pbx.audio().count(), world.browser.received.len()), (50, 50));

    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.talk(50, |_| false);

    let at_pbx: Vec<_> = world.pbx.audio().collect();
    assert_eq!(at_pbx.len(), 100);
    let (before, after) = (&at_pbx[49].1.header, &at_pbx[50].1.header);
    assert_eq!((after.ssrc, after.sequence_number), (before.ssrc, before.sequence_number.wrapping_add(1)));
    assert!(after.marker);
    // The two seconds of the hold are in the time stamp.
    let passed = after.timestamp.wrapping_sub(before.timestamp);
    assert!((15_800..=16_400).contains(&passed), "{passed}");
    assert_unbroken(&at_pbx[50..], 160);
}

/// The PBX offered PCMA from another port in the middle of the call, and goes on as before until it has our answer.
#[test]
fn a_change_of_codec_and_port_is_not_heard_by_the_browser() {
    let mut world = World::connected(Options { codec: TrunkCodec::G711(G711Law::Mu), ..Options::default() });
    world.talk(50, |_| false);
    world.pbx.codec = TrunkCodec::G711(G711Law::A);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.pbx.codec = TrunkCodec::G711(G711Law::Mu);
    world.talk(5, |_| false);
    world.pbx.change_law(G711Law::A);
    world.talk(50, |_| false);

    let at_browser: Vec<_> = world.browser.received.iter().collect();
    assert_eq!(at_browser.len(), 105);
    assert_unbroken(&at_browser, 960);
    let heard = level(&world.browser.heard()[1_600..], PBX_TONE, 8_000.0);
    assert!((heard - expected()).abs() < 1.0, "{heard} dB");
    let last = &world.pbx.received[world.pbx.received.len() - 1].1.header;
    assert_eq!(last.payload_type, 8, "what it offered is what it gets");

    let moved = SocketAddr::new(world.pbx.address.ip(), world.pbx.address.port() + 100);
    world.pbx.address = moved;
    world.describe_trunk(moved, Direction::SENDRECV, MS20);
    world.talk(50, |_| false);
    let at_browser: Vec<_> = world.browser.received.iter().collect();
    assert_eq!(at_browser.len(), 155);
    assert!(at_browser.windows(2).all(|pair| {
        let (before, after) = (&pair[0].1.header, &pair[1].1.header);
        after.ssrc == before.ssrc && after.sequence_number == before.sequence_number.wrapping_add(1)
    }));
    assert_eq!(world.pbx.received.iter().filter(|(_, packet)| packet.header.ssrc != 0).count(), 155);
}

/// What only wide band carries: 5 kHz.
/// Who answered `0 8` may change from one to the other with each packet (RFC 3264 §6.1).
#[test]
fn both_laws_of_g711_are_heard_whichever_comes() {
    let mut world = World::connected(Options { codec: TrunkCodec::G711(G711Law::Mu), ..Options::default() });
    world.talk(20, |_| false);
    for law in [G711Law::A, G711Law::Mu, G711Law::A] {
        world.pbx.change_law(law);
        world.talk(20, |_| false);
    }

    let at_browser: Vec<_> = world.browser.received.iter().collect();
    assert_eq!(at_browser.len(), 80);
    assert_unbroken(&at_browser, 960);
    let heard = level(&world.browser.heard()[1_600..], PBX_TONE, 8_000.0);
    assert!((heard - expected()).abs() < 1.0, "{heard} dB");
    let kept = world.pbx.received.iter().all(|(_, packet)| packet.header.payload_type == 0);
    assert!(kept, "we send what was agreed");
}

#[test]
fn wide_band_is_wide_from_end_to_end() {
    let mut world = World::connected(Options { codec: TrunkCodec::G722, ..Options::default() });
    world.browser.widen();
    for step in 0..100 {
        let browser = world.browser.speak(&sine(5_000.0, AMPLITUDE, 48_000.0, step * 960, 960));
        world.browser_sends(&browser);
        let pbx = world.pbx.speak(&sine(5_000.0, AMPLITUDE, 16_000.0, step * 320, 320));
        world.pbx_sends(&pbx);
        world.run(20);
    }
    let at_pbx = level(&world.pbx.heard()[3_200..], 5_000.0, 16_000.0);
    assert!((at_pbx - expected()).abs() < 3.0, "at the PBX: {at_pbx} dB");
    let mut wide = opus::Decoder::new(16_000, opus::Channels::Mono).unwrap();
    let mut at_browser = Vec::new();
    for (_, packet) in &world.browser.received {
        let mut samples = [0; 1_920];
        let count = wide.decode(&packet.payload, &mut samples, false).unwrap();
        at_browser.extend_from_slice(&samples[..count]);
    }
    let at_browser = level(&at_browser[3_200..], 5_000.0, 16_000.0);
    assert!((at_browser - expected()).abs() < 3.0, "at the browser: {at_browser} dB");
}

/// A PBX that goes from one codec to another, and back, in the middle of a call (another phone takes it over).
#[test]
fn a_change_of_codec_does_not_break_the_streams() {
    let mut world = World::connected(Options::default());
    for codec in [TrunkCodec::G722, TrunkCodec::G711(G711Law::A), TrunkCodec::G722, TrunkCodec::G711(G711Law::Mu)] {
        let (ssrc, sequence, timestamp) = (world.pbx.ssrc, world.pbx.sequence, world.pbx.timestamp);
        let received = std::mem::take(&mut world.pbx.received);
        world.browser.received.clear();
        world.pbx = Exchange::new(world.pbx.address, codec);
        (world.pbx.ssrc, world.pbx.sequence, world.pbx.timestamp) = (ssrc, sequence, timestamp);
        world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
        world.talk(50, |_| false);
        assert_both_hear(&mut world);
        let last = received.last().map(|(_, packet)| packet.header.clone());
        let first = &world.pbx.received[0].1.header;
        if let Some(last) = last {
            assert_eq!((first.ssrc, first.sequence_number), (last.ssrc, last.sequence_number.wrapping_add(1)));
        }
        let at_browser: Vec<_> = world.browser.received.iter().collect();
        assert_unbroken(&at_browser, 960);
    }
}

/// Packets of the old codec that are still under way when the call has become wide band have other samples than it.
#[test]
fn what_was_under_way_in_narrow_band_is_not_heard_at_the_wrong_pitch() {
    let mut world = World::connected(Options::default());
    world.talk(50, |_| false);
    let late: Vec<_> = (0..5).map(|_| world.pbx_packet()).collect();
    let (ssrc, sequence, timestamp) = (world.pbx.ssrc, world.pbx.sequence, world.pbx.timestamp);
    world.pbx = Exchange::new(world.pbx.address, TrunkCodec::G722);
    (world.pbx.ssrc, world.pbx.sequence, world.pbx.timestamp) = (ssrc, sequence, timestamp);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    let before = world.browser.received.len();
    late.iter().for_each(|packet| world.pbx_sends(packet));
    assert_eq!(world.browser.received.len(), before);
    assert_eq!(world.worker.drops().of(DropReason::RtpPayloadType), 5);
    world.browser.received.clear();
    world.talk(50, |_| false);
    assert_both_hear(&mut world);
}

#[test]
fn g711_in_the_browser_needs_no_opus() {
    let mut world = World::open(Options::default());
    let remote = WebRemote {
        codec: WebCodec::G711(G711Law::Mu, 0),
        telephone_event: Some((126, 8_000)),
        ..world.web_remote(Direction::SENDRECV)
    };
    world.command(MediaCommand::Web { id: ID, remote });
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.connect();
    for number in 0..50_u32 {
        let payload: Vec<u8> = (0..160).map(|n| (n + number) as u8 | 0x80).collect();
        let packet = world.browser.packet(0, false, number * 160, &payload);
        world.browser_sends(&packet);
        let last = &world.pbx.audio().last().unwrap().1;
        assert_eq!(last.payload, payload, "the same law passes unchanged");
        world.run(20);
    }
}

#[test]
fn g711_in_the_browser_meets_g722_at_the_pbx_at_8_khz() {
    let mut world = World::open(Options { codec: TrunkCodec::G722, ..Options::default() });
    let remote = WebRemote {
        codec: WebCodec::G711(G711Law::Mu, 0),
        telephone_event: Some((126, 8_000)),
        ..world.web_remote(Direction::SENDRECV)
    };
    world.command(MediaCommand::Web { id: ID, remote });
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.connect();
    let mut law = G711Encoder::new(G711Law::Mu);
    for number in 0..50_usize {
        let mut payload = [0; 160];
        law.encode(&sine(BROWSER_TONE, AMPLITUDE, 8_000.0, number * 160, 160), &mut payload).unwrap();
        let packet = world.browser.packet(0, false, number as u32 * 160, &payload);
        world.browser_sends(&packet);
        world.run(20);
    }
    let heard = level(&world.pbx.heard()[3_200..], BROWSER_TONE, 16_000.0);
    assert!((heard - expected()).abs() < 1.5, "{heard} dB instead of {}", expected());
}

/// The network keeps so many packets and then brings them all: how many places were filled, and how many were heard.
fn stall(world: &mut World, packets: usize) -> (usize, usize) {
    world.talk(50, |_| false);
    let before = world.pbx.audio().count();
    let mut late = Vec::new();
    for _ in 0..packets {
        late.push(world.browser_packet());
        world.sample += 160;
        world.run(20);
    }
    let filled = world.pbx.audio().count() - before;
    late.iter().for_each(|packet| world.browser_sends(packet));
    (filled, world.pbx.audio().count() - before)
}

#[test]
fn a_network_that_stalls_again_is_waited_for() {
    let mut world = World::connected(Options::default());

    let (filled, _) = stall(&mut world, 7);
    assert!(filled > 0, "the first time nobody knows");
    assert_eq!(stall(&mut world, 7), (0, 7), "every word of the second time is heard");
}

#[test]
fn a_network_whose_stalls_grow_is_waited_for_longer() {
    let mut world = World::connected(Options::default());
    stall(&mut world, 7);

    let (filled, _) = stall(&mut world, 12);
    assert!(filled > 0, "nobody knows of so long a stall");
    assert_eq!(stall(&mut world, 12), (0, 12));
}
