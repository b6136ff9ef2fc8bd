//! A PBX with keys in its descriptions (SDES): SRTP on its leg as well.

use crate::tone::level;
use crate::world::*;
use relay_core::media::DropReason;
use relay_core::media::control::*;
use rtc_dtls::crypto_provider::default_provider;
use rtc_rtp::Packet;
use rtc_shared::marshal::{Marshal, Unmarshal};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use sip_core::Duration;

const OURS: SrtpKey = SrtpKey::new([1; 32]);
const THEIRS: SrtpKey = SrtpKey::new([2; 32]);

/// What the PBX encrypts or decrypts with.
fn context(key: SrtpKey) -> Context {
    let (key, salt) = key.bytes().split_at(16);
    let provider = default_provider().unwrap();
    Context::new(key, salt, ProtectionProfile::Aes128CmHmacSha1_80, None, None, provider.crypto()).unwrap()
}

fn described(world: &World, remote: SrtpKey) -> MediaCommand {
    let plain = world.trunk_remote(world.pbx.address, Direction::SENDRECV, Duration::from_millis(20));
    let srtp = Some(SrtpKeys { local: OURS, remote });
    MediaCommand::Trunk { id: ID, remote: TrunkRemote { srtp, ..plain } }
}

fn connected() -> World {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    let description = described(&world, THEIRS);
    world.command(description);
    world.connect();
    world
}

/// Both talk; the PBX encrypts by `outgoing`.
fn talk(world: &mut World, count: usize, outgoing: &mut Context) {
    for _ in 0..count {
        let (browser, pbx) = (world.browser_packet(), world.pbx_packet());
        world.sample += 160;
        let pbx = outgoing.encrypt_rtp(&pbx).unwrap();
        world.browser_sends(&browser);
        world.pbx_sends(&pbx);
        world.run(20);
    }
}

/// What the PBX has got, decrypted in the place of what came.
fn decrypt(world: &mut World, incoming: &mut Context) {
    for (_, packet) in &mut world.pbx.received {
        let plain = incoming.decrypt_rtp(&packet.marshal().unwrap()).unwrap();
        *packet = Packet::unmarshal(&mut plain.freeze()).unwrap();
    }
}

fn assert_loud(samples: &[i16], tone: f64) {
    let (heard, expected) = (level(&samples[1_600..], tone, 8_000.0), 20.0 * (AMPLITUDE / 32_768.0).log10());
    assert!((heard - expected).abs() < 1.0, "{heard} dB instead of {expected}");
}

#[test]
fn both_hear_each_other_and_nothing_is_plain_on_the_way() {
    let mut world = connected();
    talk(&mut world, 400, &mut context(THEIRS));

    assert!(world.pbx.received.iter().all(|(_, packet)| packet.payload.len() == 160 + 10), "with its proof");
    decrypt(&mut world, &mut context(OURS));
    assert_loud(&world.pbx.heard(), BROWSER_TONE);
    assert_loud(&world.browser.heard(), PBX_TONE);
    let reports = world.pbx.reports.clone();
    assert!(!reports.is_empty());
    let mut incoming = context(OURS);
    assert!(reports.iter().all(|report| incoming.decrypt_rtcp(report).is_ok()));
}

#[test]
fn only_what_is_authentic_is_heard_or_believed() {
    let mut world = connected();
    let outside = address("192.0.2.11:40000");
    let mut wrong = context(SrtpKey::new([3; 32]));
    for _ in 0..50 {
        let packet = world.pbx_packet();
        for bytes in [packet.clone(), wrong.encrypt_rtp(&packet).unwrap().to_vec()] {
            world.worker.handle_trunk_rtp(ID, outside, &bytes, world.now);
            world.worker.handle_trunk_rtp(ID, world.pbx.address, &bytes, world.now);
        }
        world.run(20);
    }
    assert_eq!((world.browser.received.len(), world.worker.drops().of(DropReason::SrtpNotAuthentic)), (0, 200));

    let mut outgoing = context(THEIRS);
    talk(&mut world, 50, &mut outgoing);
    assert_eq!(world.browser.received.len(), 50);
    let replay = outgoing.encrypt_rtp(&world.pbx_packet()).unwrap();
    world.pbx_sends(&replay);
    world.pbx_sends(&replay);
    assert_eq!(world.worker.drops().of(DropReason::SrtpNotAuthentic), 201);
}

#[test]
fn another_key_of_the_pbx_leaves_our_stream_as_it_was() {
    let mut world = connected();
    talk(&mut world, 50, &mut context(THEIRS));
    let fresh = SrtpKey::new([4; 32]);
    let rekeyed = described(&world, fresh);
    world.command(rekeyed);
    talk(&mut world, 50, &mut context(fresh));

    assert_eq!(world.browser.received.len(), 100);
    let before = world.pbx.received.len();
    decrypt(&mut world, &mut context(OURS));
    let numbers: Vec<_> = world.pbx.received.iter().map(|(_, packet)| packet.header.sequence_number).collect();
    assert!(before == 100 && numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
}
