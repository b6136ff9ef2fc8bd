//! What strangers and broken peers try (reference: RTP bleed, DTLS races, floods, malformed packets).

use crate::browser::Browser;
use crate::world::*;
use relay_core::media::DropReason;
use relay_core::media::control::*;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use sip_core::{Duration, Instant};

const MS20: Duration = Duration::from_millis(20);

#[test]
fn rtp_from_a_stranger_is_neither_heard_nor_answered() {
    let mut world = World::connected(Options::default());
    let stranger = address("192.0.2.66:40000");
    let spray = |world: &mut World| {
        let packet = world.pbx.packet(0, false, 1, &[0x20; 160]);
        world.pbx.sequence = world.pbx.sequence.wrapping_sub(1);
        world.worker.handle_trunk_rtp(ID, stranger, &packet, world.now);
    };
    // Before the PBX has spoken, and while it speaks.
    for _ in 0..20 {
        spray(&mut world);
        world.run(20);
    }
    for _ in 0..100 {
        spray(&mut world);
        world.talk(1, |_| false);
    }
    assert!(!world.astray.contains(&stranger), "{:?}", world.astray);
    assert_eq!(world.browser.received.len(), 100);
    assert_eq!(world.worker.drops().of(DropReason::TrunkForeign), 120);
    assert_eq!(world.close().trunk.packets_rejected, 120);
}

#[test]
fn behind_a_translator_strangers_stay_strangers() {
    let mut world = World::connected(Options::default());
    let outside = address("203.0.113.9:61000");
    let remote = world.trunk_remote(address("10.0.0.5:30000"), Direction::SENDRECV, MS20);
    let remote = TrunkRemote { signalling: Some(outside.ip()), ..remote };
    world.command(MediaCommand::Trunk { id: ID, remote });
    for stranger in ["198.51.100.77:40000", "203.0.113.10:61000"] {
        for _ in 0..50 {
            let packet = world.pbx.packet(0, false, 1, &[0x20; 160]);
            world.worker.handle_trunk_rtp(ID, address(stranger), &packet, world.now);
            world.run(20);
        }
    }
    assert_eq!((world.browser.received.len(), world.worker.drops().of(DropReason::TrunkForeign)), (0, 100));

    world.pbx.address = outside;
    world.talk(50, |_| false);
    assert_eq!(world.browser.received.len(), 50, "not one packet is lost to caution");
    assert_eq!(world.pbx.audio().count(), 49, "our first had only the address of the description");
    assert!(world.astray.iter().all(|to| to.ip() != address("198.51.100.77:1").ip()));
}

#[test]
fn the_pbx_may_move_by_signalling_only() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    let moved = address("192.0.2.99:31000");
    world.pbx.address = moved;
    world.talk(50, |_| false);
    assert_eq!(world.browser.received.len(), 10);

    world.describe_trunk(moved, Direction::SENDRECV, MS20);
    world.talk(50, |_| false);
    assert_eq!(world.browser.received.len(), 60);
    assert_eq!(world.pbx.audio().count(), 60);
}

#[test]
fn nothing_is_sent_to_an_address_that_is_none() {
    let mut world = World::connected(Options::default());
    for target in ["0.0.0.0:30000", "224.0.0.1:30000", "198.51.100.1:20000"] {
        world.describe_trunk(address(target), Direction::SENDRECV, MS20);
        world.talk(10, |_| false);
    }
    assert_eq!(world.pbx.received.len(), 0);
    assert!(world.astray.is_empty(), "{:?}", world.astray);
    assert!(world.worker.drops().of(DropReason::TrunkTarget) >= 30);
}

#[test]
fn dtls_from_an_address_without_a_check_never_reaches_the_handshake() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    let profiles = [SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80];
    #[allow(clippy::disallowed_methods)]
    let epoch = std::time::Instant::now();
    let mut stranger =
        Browser::new(address("203.0.113.66:1"), world.browser.relay.clone(), DtlsRole::Server, &profiles, epoch);
    let hello = stranger.hello(world.now);

    let race = |world: &mut World| {
        world.worker.handle_web(stranger.address, &hello[0], world.now);
        assert!(world.worker.poll_transmit().is_none());
    };
    race(&mut world);
    world.check();
    race(&mut world);
    world.connect();
    race(&mut world);

    assert!(world.browser.is_connected());
    assert_eq!(world.worker.drops().of(DropReason::NotValidated), 3);
}

#[test]
fn another_certificate_than_the_described_one_gets_no_keys() {
    let mut world = World::open(Options::default());
    let mut remote = world.web_remote(Direction::SENDRECV);
    remote.fingerprints[0].value[0] ^= 1;
    remote.fingerprints.push(Fingerprint { algorithm: "sha-1".into(), value: vec![0; 20] });
    world.command(MediaCommand::Web { id: ID, remote });
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.connect();

    assert!(world.has(|event| matches!(event, MediaEvent::WebFailed { failure: WebFailure::FingerprintMismatch, .. })));
    assert!(!world.has(|event| matches!(event, MediaEvent::WebConnected { .. })));
    world.talk(10, |_| false);
    assert_eq!((world.pbx.received.len(), world.browser.received.len()), (0, 0));
}

#[test]
fn a_check_with_a_wrong_password_or_user_validates_nothing() {
    let mut world = World::open(Options::default());
    let early = world.browser.check(true, "a-password-of-the-relay", true);
    world.browser_sends(&early);
    world.describe_web(Direction::SENDRECV);
    let wrong = world.browser.check(true, "a-password-of-the-relay?", true);
    world.browser_sends(&wrong);
    world.browser.local.ufrag = "else".into();
    let other = world.browser.check(true, "a-password-of-the-relay", true);
    world.browser_sends(&other);
    world.browser.relay.ufrag = "nobody".into();
    let nobody = world.browser.check(true, "a-password-of-the-relay", true);
    world.browser_sends(&nobody);

    assert!(world.browser.answers.is_empty());
    let drops = world.worker.drops();
    assert_eq!((drops.of(DropReason::StunNotAuthentic), drops.of(DropReason::StunUnknownUser)), (3, 1));
}

#[test]
fn a_browser_in_the_wrong_role_is_told_so() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    let check = world.browser.check(true, "a-password-of-the-relay", false);
    world.browser_sends(&check);

    let answer = world.browser.answers.last().unwrap();
    let code = answer.get(rtc_stun::attributes::ATTR_ERROR_CODE).unwrap();
    assert_eq!(code[2..4], [4, 87]);
    let hello = world.browser.hello(world.now);
    world.browser_sends(&hello[0]);
    assert_eq!(world.worker.drops().of(DropReason::NotValidated), 1);
}

#[test]
fn forged_and_replayed_srtp_is_dropped_and_the_call_goes_on() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    let genuine = world.browser_packet();
    world.sample += 160;
    world.browser_sends(&genuine);
    for number in 0..5_000_u32 {
        let mut forged = genuine.clone();
        // Other SSRCs, other sequence numbers, flipped payloads, and the packet itself once more.
        match number % 4 {
            0 => forged[8..12].copy_from_slice(&number.to_be_bytes()),
            1 => forged[2..4].copy_from_slice(&(number as u16).to_be_bytes()),
            2 => forged[20] ^= 0xFF,
            _ => {}
        }
        world.browser_sends(&forged);
    }
    assert!(world.worker.drops().of(DropReason::SrtpNotAuthentic) >= 4_990);
    world.run(20);
    world.talk(50, |_| false);
    assert_eq!(world.pbx.audio().count(), 61);
}

/// AST-2017-008: four octets of RTCP once passed every check.
#[test]
fn reports_too_short_to_name_their_sender_change_nothing() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    let rtcp = world.pbx.rtcp;
    let stranger = address("192.0.2.66:40001");
    for length in 0..12 {
        for kind in 200..=207 {
            let report = [0x80, kind, 0, 0, 0, 0, 0xB, 0x0B, 0, 0, 0, 0];
            world.worker.handle_trunk_rtcp(ID, rtcp, &report[..length], world.now);
            world.worker.handle_trunk_rtcp(ID, stranger, &report[..length], world.now);
            world.browser_sends(&report[..length]);
        }
    }
    world.talk(300, |_| false);
    assert!(world.astray.is_empty(), "{:?}", world.astray);
    assert_eq!(world.pbx.audio().count(), 310);
    assert!(!world.pbx.reports.is_empty(), "reports go where the PBX said");
}

/// Xorshift: the same mutations on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.roll(4) {
            match self.roll(4) {
                0 => bytes.truncate(self.roll(bytes.len() + 1)),
                1 => bytes.extend((0..self.roll(40)).map(|n| n as u8)),
                _ if bytes.is_empty() => {}
                2 => {
                    let at = self.roll(bytes.len());
                    bytes[at] = self.roll(256) as u8;
                }
                _ => {
                    let at = self.roll(bytes.len());
                    bytes[at] ^= 1 << self.roll(8);
                }
            }
        }
        bytes
    }
}

#[test]
fn no_packet_can_panic_and_the_call_survives_them() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    let mut dice = Dice(0x5EED);
    let password = world.browser.relay.pwd.clone();
    let report = [0x80, 201, 0, 1, 0, 0, 0xB, 0x0B];
    for _ in 0..20_000 {
        let seed = match dice.roll(5) {
            0 => world.browser.check(false, &password, true),
            1 => vec![
                22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 20, 1, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
            ],
            2 => world.browser.report(&report),
            3 => world.browser_packet(),
            _ => world.pbx_packet(),
        };
        let mutant = dice.mutate(&seed);
        match dice.roll(3) {
            0 => world.browser_sends(&mutant),
            1 => world.pbx_sends(&mutant),
            _ => {
                let rtcp = world.pbx.rtcp;
                world.worker.handle_trunk_rtcp(ID, rtcp, &mutant, world.now);
            }
        }
    }
    world.run(500);
    // The streams may be anywhere by now; new ones are understood.
    (world.pbx.ssrc, world.pbx.sequence) = (1, 1);
    let heard = (world.pbx.audio().count(), world.browser.received.len());
    world.talk(50, |_| false);
    assert!(world.pbx.audio().count() >= heard.0 + 45);
    assert!(world.browser.received.len() >= heard.1 + 45);
}

#[test]
fn payloads_that_opus_never_made_are_refused_by_the_decoder() {
    let mut world = World::connected(Options::default());
    world.talk(5, |_| false);
    let mut dice = Dice(0xC0DEC);
    for _ in 0..2_000 {
        let payload: Vec<u8> = (0..dice.roll(80)).map(|_| dice.roll(256) as u8).collect();
        let timestamp = world.browser.timestamp;
        let packet = world.browser.packet(crate::browser::OPUS, false, timestamp, &payload);
        world.browser.pause(960);
        world.browser_sends(&packet);
        world.run(20);
        if dice.roll(50) == 0 {
            world.check();
        }
    }
    assert!(world.worker.drops().of(DropReason::RtpPayload) > 0);
    let packets: Vec<_> = world.pbx.audio().collect();
    assert!(
        packets
            .windows(2)
            .all(|pair| pair[1].1.header.sequence_number == pair[0].1.header.sequence_number.wrapping_add(1))
    );
}

#[test]
fn a_flood_of_handshake_records_is_not_remembered() {
    let mut world = World::connected(Options::default());
    let record =
        [22, 254, 253, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 11, 0, 1, 0, 0, 9, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
    for number in 0..10_000_u32 {
        let mut record = record;
        record[7..11].copy_from_slice(&number.to_be_bytes());
        world.browser_sends(&record);
    }
    assert!(world.worker.drops().of(DropReason::DtlsUnexpected) > 9_000);
    world.talk(20, |_| false);
    assert_eq!(world.pbx.audio().count(), 20);
}

#[test]
fn a_stray_timeout_does_nothing() {
    let mut world = World::connected(Options::default());
    world.worker.handle_timeout(Instant::ZERO);
    world.worker.handle_trunk_rtp(MediaId(99), world.pbx.address, &[0x80; 172], world.now);
    world.command(MediaCommand::Close { id: MediaId(99) });
    assert!(world.has(|event| matches!(event, MediaEvent::Closed { id: MediaId(99), .. })));
}
