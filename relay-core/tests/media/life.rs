//! From opening to closing: timeouts, consent, movement, reports.

use crate::world::*;
use relay_core::media::control::*;
use relay_core::media::{Busy, DropReason, MediaSettings};
use sip_core::Duration;

const MS20: Duration = Duration::from_millis(20);

fn failed(world: &World, wanted: WebFailure) -> bool {
    world.has(|event| matches!(event, MediaEvent::WebFailed { failure, .. } if *failure == wanted))
}

#[test]
fn opening_tells_ports_candidates_and_fingerprint() {
    let settings = MediaSettings { web_candidates: vec![address("198.51.100.1:3478")], ..MediaSettings::default() };
    let world = World::open(Options { settings, ..Options::default() });
    let [MediaEvent::Opened { trunk, web, fingerprint, .. }] = &world.events[..] else { panic!("{:?}", world.events) };
    assert_eq!((*trunk, &web[..]), (world.relay, &[address("198.51.100.1:3478")][..]));
    assert_eq!((fingerprint.algorithm.as_str(), fingerprint.value.len()), ("sha-256", 32));
}

#[test]
fn a_browser_that_never_comes_is_reported() {
    let mut world = World::open(Options::default());
    world.run(60_000);
    assert!(!failed(&world, WebFailure::IceTimeout), "time runs from the description");
    world.describe_web(Direction::SENDRECV);
    world.run(19_900);
    assert!(!failed(&world, WebFailure::IceTimeout));
    world.run(200);
    assert!(failed(&world, WebFailure::IceTimeout));
}

#[test]
fn a_browser_that_checks_but_shakes_no_hands_is_reported() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    for _ in 0..11 {
        world.check();
        world.run(1_000);
    }
    assert!(failed(&world, WebFailure::DtlsFailed));
}

#[test]
fn a_browser_that_goes_away_is_noticed() {
    let settings = MediaSettings { consent_timeout: Duration::from_secs(6), ..MediaSettings::default() };
    let mut world = World::connected(Options { settings, ..Options::default() });
    world.talk(400, |_| false);
    assert!(!failed(&world, WebFailure::ConsentExpired));
    world.run(6_100);
    assert!(failed(&world, WebFailure::ConsentExpired));

    let sent = world.pbx.audio().count();
    world.run(1_000);
    assert_eq!(world.pbx.audio().count(), sent + 50, "noise, until signalling ends the call");
    world.close();
    let sent = world.pbx.audio().count();
    world.run(1_000);
    assert_eq!(world.pbx.audio().count(), sent);
}

#[test]
fn a_lost_flight_is_repeated() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    world.check();
    let hello = world.browser.hello(world.now);
    // The first hello and the first answer are lost.
    drop(hello);
    world.run(3_000);
    assert!(world.browser.is_connected());
    assert!(world.has(|event| matches!(event, MediaEvent::WebConnected { .. })));
}

#[test]
fn media_follows_a_browser_that_moves() {
    let mut world = World::connected(Options::default());
    world.talk(20, |_| false);
    let before = world.browser.address;
    world.browser.address = address("203.0.113.77:6000");
    world.check();
    world.talk(20, |_| false);

    assert_eq!((world.pbx.audio().count(), world.browser.received.len()), (40, 40));
    assert!(!world.astray.contains(&before));
}

#[test]
fn an_ice_restart_does_not_interrupt_the_sound() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    world.browser.local = IceCredentials { ufrag: "anew".into(), pwd: "another-password-of-the-browser".into() };
    world.describe_web(Direction::SENDRECV);
    world.talk(10, |_| false);
    world.browser.address = address("203.0.113.78:6000");
    world.check();
    world.talk(10, |_| false);
    assert_eq!((world.pbx.audio().count(), world.browser.received.len()), (30, 30));
}

#[test]
fn a_browser_that_failed_may_come_again_with_a_new_description() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    world.run(21_000);
    assert!(failed(&world, WebFailure::IceTimeout));
    world.browser.local.ufrag = "anew".into();
    world.describe_web(Direction::SENDRECV);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.connect();
    world.talk(10, |_| false);
    assert_eq!(world.pbx.audio().count(), 10);
}

#[test]
fn another_certificate_in_a_new_description_needs_a_new_handshake() {
    let mut world = World::connected(Options::default());
    world.talk(10, |_| false);
    let mut remote = world.web_remote(Direction::SENDRECV);
    remote.ice.ufrag = "anew".into();
    remote.fingerprints[0].value[5] ^= 1;
    world.command(MediaCommand::Web { id: ID, remote });
    world.talk(10, |_| false);
    assert_eq!(world.browser.received.len(), 10);
    assert_eq!(world.worker.drops().of(DropReason::NotValidated), 10, "the PBX hears noise");
}

#[test]
fn another_browser_takes_the_place_of_one_that_is_gone_and_the_pbx_hears_one_stream() {
    let mut world = World::connected(Options::default());
    world.talk(50, |_| false);
    let gone = world.browser.address;
    world.run(400);
    world.replace_browser(address("203.0.113.9:50009"));
    world.describe_web(Direction::SENDRECV);
    world.run(400);
    world.connect();
    world.talk(50, |_| false);

    let packets: Vec<_> = world.pbx.audio().map(|(_, packet)| packet).collect();
    assert!(packets.iter().all(|packet| packet.header.ssrc == packets[0].header.ssrc));
    for (one, next) in packets.iter().zip(&packets[1..]) {
        assert_eq!(next.header.sequence_number, one.header.sequence_number.wrapping_add(1));
        assert!(next.header.timestamp.wrapping_sub(one.header.timestamp) <= 800);
    }
    // A second of talk, 900 ms of silence, another second: no more than a few packets are missing.
    assert!((140..=147).contains(&packets.len()), "{}", packets.len());
    assert_eq!(world.browser.received.len(), 50);
    assert!(!world.astray.contains(&gone), "nothing is sent to where the old one was");

    world.browser.address = gone;
    world.worker.handle_web(gone, &[0x80; 40], world.now);
    assert_eq!(world.worker.drops().of(DropReason::NotValidated), 1, "nor taken from there");
}

#[test]
fn a_silent_pbx_is_reported_once_and_not_on_hold() {
    let settings = MediaSettings { trunk_silence: Duration::from_secs(3), ..MediaSettings::default() };
    let mut world = World::connected(Options { settings, ..Options::default() });
    let silent =
        |world: &World| world.events.iter().filter(|event| matches!(event, MediaEvent::TrunkSilent { .. })).count();
    world.talk(50, |_| false);
    world.run(2_900);
    assert_eq!(silent(&world), 0);
    world.run(20_000);
    assert_eq!(silent(&world), 1);

    world.talk(5, |_| false);
    let receive_nothing = Direction { send: true, receive: false };
    world.describe_trunk(world.pbx.address, receive_nothing, MS20);
    world.run(20_000);
    assert_eq!(silent(&world), 1);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    world.run(2_900);
    assert_eq!(silent(&world), 1);
    world.run(200);
    assert_eq!(silent(&world), 2);
}

#[test]
fn both_sides_get_reports_and_the_round_trip_is_measured() {
    use rtc_rtcp::{receiver_report::ReceiverReport, reception_report::ReceptionReport, sender_report::SenderReport};
    use rtc_shared::marshal::Marshal;
    let mut world = World::connected(Options::default());
    world.talk(500, |number| number % 10 == 5);

    let parse = |bytes: &[u8]| rtc_rtcp::packet::unmarshal(&mut &bytes[..]).unwrap();
    let last_of = |reports: &[Vec<u8>]| {
        let packets = parse(reports.last().unwrap());
        packets[0].as_any().downcast_ref::<SenderReport>().unwrap().clone()
    };
    let at_browser = last_of(&world.browser.reports.iter().map(|report| report.to_vec()).collect::<Vec<_>>());
    let at_pbx = last_of(&world.pbx.reports);
    for (report, ssrc) in [(&at_browser, 0xB0B), (&at_pbx, 0xBEC)] {
        let block = &report.reports[0];
        assert_eq!(block.ssrc, ssrc);
        assert!((20..=32).contains(&block.fraction_lost), "{}", block.fraction_lost);
        assert!(report.packet_count > 100);
    }

    // The browser answers 30 ms later that it loses a fifth.
    world.run(30);
    let last_sender_report = (at_browser.ntp_time >> 16) as u32;
    let held = world.now.since(sip_core::Instant::ZERO).as_micros() as u64 * 65_536 / 1_000_000;
    let delay = (held as u32).wrapping_sub(last_sender_report) - 65_536 / 20;
    let block =
        ReceptionReport { ssrc: at_browser.ssrc, fraction_lost: 51, last_sender_report, delay, ..Default::default() };
    let report = ReceiverReport { ssrc: 0xB0B, reports: vec![block], ..Default::default() }.marshal().unwrap();
    let protected = world.browser.report(&report);
    world.browser_sends(&protected);

    let trip = world.close().web.round_trip.unwrap();
    assert!(trip.abs_diff(Duration::from_millis(50)) < Duration::from_millis(2), "{trip:?}");
}

#[test]
fn closing_says_bye_on_both_sides_and_gives_the_report() {
    let mut world = World::connected(Options::default());
    world.talk(50, |_| false);

    let report = world.close();

    assert_eq!((report.web.packets_received, report.web.packets_sent), (50, 50));
    assert_eq!((report.trunk.packets_received, report.trunk.packets_sent), (50, 50));
    assert_eq!((report.web.packets_rejected, report.trunk.packets_rejected), (0, 0));
    assert!(report.web.jitter < Duration::from_millis(2));
    for last in [&world.browser.reports.last().unwrap()[..], &world.pbx.reports.last().unwrap()[..]] {
        let packets = rtc_rtcp::packet::unmarshal(&mut &last[..]).unwrap();
        assert!(packets.iter().any(|packet| packet.as_any().is::<rtc_rtcp::goodbye::Goodbye>()));
    }
    assert!(world.worker.is_empty());
    world.events.clear();
    world.check();
    world.run(60_000);
    assert!(world.events.is_empty() && world.worker.next_timeout().is_none());
}

#[test]
fn of_what_comes_before_the_browser_the_last_moment_is_heard() {
    let mut world = World::open(Options::default());
    let packet = world.pbx_packet();
    world.pbx_sends(&packet);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    for _ in 0..50 {
        let packet = world.pbx_packet();
        world.pbx_sends(&packet);
        world.run(20);
    }
    world.describe_web(Direction::SENDRECV);
    world.connect();
    let early = world.browser.received.len();
    assert!((5..=10).contains(&early), "{early} packets of 20 ms");
    world.talk(50, |_| false);
    assert_eq!((world.pbx.audio().count(), world.browser.received.len()), (50, early + 50));
}

#[test]
fn the_first_word_is_heard_though_it_overtook_the_answer() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    world.connect();
    let stranger = address("192.0.2.10:39000");
    for _ in 0..3 {
        let packet = world.pbx_packet();
        world.pbx_sends(&packet);
        world.worker.handle_trunk_rtp(ID, stranger, &packet, world.now);
        world.run(1);
    }
    assert_eq!(world.browser.received.len(), 0);

    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    assert_eq!(world.browser.received.len(), 3);
    assert_eq!(world.worker.drops().of(DropReason::TrunkEarly), 3, "the stranger's packets");
    world.talk(50, |_| false);
    assert_eq!(world.browser.received.len(), 53);
}

#[test]
fn what_came_long_before_the_answer_is_not_heard_after_it() {
    let mut world = World::open(Options::default());
    world.describe_web(Direction::SENDRECV);
    world.connect();
    for _ in 0..200 {
        let packet = world.pbx_packet();
        world.pbx_sends(&packet);
    }
    assert_eq!(world.worker.drops().of(DropReason::TrunkEarly), 190);
    world.run(1_000);
    world.describe_trunk(world.pbx.address, Direction::SENDRECV, MS20);
    assert_eq!(world.browser.received.len(), 0);
    assert_eq!(world.worker.drops().of(DropReason::TrunkEarly), 200);
}

#[test]
fn a_full_worker_refuses_calls_and_carries_those_it_has() {
    let mut world = World::connected(Options::default());
    for _ in 0..10 {
        world.worker.handle_load(Busy(950), Duration::from_secs(1));
    }
    assert_eq!((world.worker.complexity(), world.worker.is_full()), (0, true));

    let local = IceCredentials { ufrag: "other".into(), pwd: "a-password-of-the-relay".into() };
    world.worker.open(MediaId(8), local, address("198.51.100.1:20002"), world.now);
    world.talk(50, |_| false);

    let is_refused =
        |event: &MediaEvent| matches!(event, MediaEvent::OpenFailed { id: MediaId(8), failure: OpenFailure::Overload });
    assert!(world.has(is_refused));
    assert_eq!((world.worker.len(), world.pbx.audio().count(), world.browser.received.len()), (1, 50, 50));
}
