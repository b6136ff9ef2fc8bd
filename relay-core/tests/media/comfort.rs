//! Comfort noise of a PBX (RFC 3389): what a browser hears while the far end is silent.

use crate::tone::level;
use crate::world::*;
use relay_core::media::control::TrunkCodec;
use sip_core::Duration;

const COMFORT: u8 = 13;

fn goes_silent(world: &mut World, level: u8) {
    let timestamp = world.pbx.timestamp;
    let packet = world.pbx.packet(COMFORT, false, timestamp, &[level, 10, 20]);
    world.pbx_sends(&packet);
}

/// Of what the browser has heard since sample `from`, in dB of full scale.
fn loudness(world: &mut World, from: usize) -> f64 {
    let heard = world.browser.heard();
    let heard = &heard[from..];
    let power = heard.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / heard.len() as f64;
    10.0 * (power / 32_768.0_f64.powi(2)).log10()
}

#[test]
fn silence_with_a_level_is_heard_as_noise_of_that_level_without_a_hole() {
    // Of wide band the browser's decoder here hears the lower half.
    for (codec, expected) in [(TrunkCodec::BUILT_IN[0], -45.0), (TrunkCodec::G722, -48.0)] {
        let mut world = World::connected(Options { codec, ..Options::default() });
        world.talk(20, |_| false);
        let before = world.browser.received.len();

        goes_silent(&mut world, 45);
        world.run(1_000);

        let sent = world.browser.received.len() - before;
        assert!((48..=51).contains(&sent), "{sent} packets of 20 ms in a second");
        let noise = loudness(&mut world, before * 160 + 1_600);
        assert!((noise - expected).abs() < 3.0, "{noise} dB instead of {expected}");
        let timestamps: Vec<_> = world.browser.received.iter().map(|(_, packet)| packet.header.timestamp).collect();
        assert!(timestamps.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 960));
        assert_eq!(world.worker.drops().total(), 0);
    }
}

#[test]
fn speech_after_comfort_noise_is_whole_and_in_its_time() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    goes_silent(&mut world, 60);
    world.run(1_000);
    world.pbx.timestamp = world.pbx.timestamp.wrapping_add(8_000);
    let (before, told) = (world.browser.received.len(), world.browser.received.last().unwrap().1.header.timestamp);

    world.talk(50, |_| false);

    let first = world.browser.received[before].1.header.timestamp;
    assert!(first.wrapping_sub(told) <= 2 * 960, "no more than what was not made up yet");
    let heard = world.browser.heard();
    let expected = 20.0 * (AMPLITUDE / 32_768.0).log10();
    let tone = level(&heard[heard.len() - 6_400..], PBX_TONE, 8_000.0);
    assert!((tone - expected).abs() < 1.0, "{tone} dB");
    assert_eq!(world.close().trunk.packets_late, 0);
}

#[test]
fn a_new_level_replaces_the_old_one_and_a_shout_is_no_silence() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    goes_silent(&mut world, 40);
    world.run(500);
    world.pbx.timestamp = world.pbx.timestamp.wrapping_add(4_000);
    goes_silent(&mut world, 65);
    world.run(1_000);
    let after = world.browser.heard().len() - 4_000;
    let soft = loudness(&mut world, after);
    assert!(soft < -58.0, "{soft} dB");

    world.pbx.timestamp = world.pbx.timestamp.wrapping_add(8_000);
    goes_silent(&mut world, 0);
    world.run(500);
    let after = world.browser.heard().len() - 2_000;
    let loudest = loudness(&mut world, after);
    assert!(loudest < -26.0, "full scale would hurt: {loudest} dB");
}

#[test]
fn without_comfort_noise_silence_of_the_pbx_wakes_nobody() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    world.run(100);
    let before = world.timeouts;
    world.run(2_000);
    assert!(world.timeouts - before < 115, "the leg to the PBX is filled, that to the browser is not");
    let sent = world.browser.received.len();
    world.run(Duration::from_secs(1).as_millis() as u64);
    assert_eq!(world.browser.received.len(), sent);
}
