//! The demo exchange in virtual time: registrations, who may call, and the numbers that answer by themselves.

mod exchange_town;

use exchange_town::{
    ANSWER, CALLER_RTP, DOMAIN, OFFER, Town, address, granted, has_progress, heard_digits, is_registered, packet,
    press, reinvite, sequence, talk, timestamp,
};
use sip_core::Duration;
use sip_core::agent::{EndedBy, Event, Failure, RegistrationEvent};
use sip_core::message::{HeaderName, StatusCode};

// Registration.

#[test]
fn a_phone_registers_with_its_password() {
    let mut town = Town::new();

    let alice = town.registered(1, "alice");

    assert_eq!(town.sip, ["REGISTER", "401 REGISTER", "REGISTER", "200 REGISTER"]);
    assert_eq!(town.bindings(), 1);
    assert_eq!(town.registration(alice).and_then(granted), Some(Duration::from_secs(3_600)));
}

#[test]
fn a_wrong_password_is_refused_and_not_tried_again() {
    let mut town = Town::new();
    let alice = town.phone(1);

    town.register(alice, "alice", "guess", 3_600);
    town.pass(Duration::from_secs(60));

    let refused = Failure::Unauthorized { status: StatusCode::UNAUTHORIZED, realm: Some(DOMAIN.to_owned()) };
    assert!(matches!(town.registration(alice), Some(RegistrationEvent::Failed { failure, .. }) if *failure == refused));
    assert_eq!(town.sip, ["REGISTER", "401 REGISTER", "REGISTER", "401 REGISTER"]);
    assert_eq!(town.bindings(), 0);
}

#[test]
fn nobody_registers_under_a_name_that_is_not_there() {
    let mut town = Town::new();
    let phone = town.phone(1);

    town.register(phone, "carol", "carol-secret", 3_600);
    town.pass(Duration::from_secs(1));

    assert_eq!(town.sip, ["REGISTER", "404 REGISTER"]);
}

#[test]
fn a_binding_that_would_be_too_brief_becomes_longer() {
    let mut town = Town::new();
    let alice = town.phone(1);

    town.register(alice, "alice", "alice-secret", 10);
    town.until("registered", |town| town.registration(alice).is_some_and(is_registered));

    assert!(town.sip.contains(&"423 REGISTER".to_owned()), "{:?}", town.sip);
    assert_eq!(town.registration(alice).and_then(granted), Some(Duration::from_secs(60)));
}

#[test]
fn a_refresh_with_an_old_nonce_is_told_stale_and_succeeds() {
    let mut town = Town::with(|config| config.nonce_lifetime = Duration::from_secs(30));
    let alice = town.phone(1);
    town.register(alice, "alice", "alice-secret", 60);
    town.until("registered", |town| town.registration(alice).is_some_and(is_registered));
    town.sip.clear();

    town.pass(Duration::from_secs(59));

    assert_eq!(town.sip, ["REGISTER", "401 REGISTER", "REGISTER", "200 REGISTER"]);
    assert_eq!(town.bindings(), 1);
}

#[test]
fn a_binding_ends_with_its_time_or_by_wish() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let registration = town.register(alice, "alice", "alice-secret", 60);
    town.until("registered", |town| town.bindings() == 1);

    let now = town.now;
    town.agent(alice).unregister(registration, now).expect("registered");
    town.until("unregistered", |town| town.bindings() == 0);
    town.register(alice, "alice", "alice-secret", 60);
    town.until("registered again", |town| town.bindings() == 1);
    for id in town.events(alice).iter().filter_map(registration_of).collect::<Vec<_>>() {
        town.agent(alice).forget_registration(id);
    }
    town.until("forgotten", |town| town.bindings() == 0);
}

const fn registration_of(event: &Event) -> Option<sip_core::agent::RegistrationId> {
    match event {
        Event::Registration { id, .. } => Some(*id),
        _ => None,
    }
}

// Who may call.

#[test]
fn a_call_without_credentials_is_challenged_with_both_algorithms() {
    let mut town = Town::new();
    let alice = town.phone(1);

    let call = town.call_as(alice, "alice", None, "echo", Some(OFFER));

    assert_eq!(town.ended_with(alice, call), 407);
    let response = town.end(alice, call).and_then(|end| end.response.as_ref()).expect("the 407");
    let challenges = response.headers.challenges(&HeaderName::ProxyAuthenticate);
    let algorithms: Vec<_> = challenges.iter().filter_map(|challenge| challenge.algorithm.as_deref()).collect();
    assert_eq!(algorithms, ["SHA-256", "MD5"]);
}

#[test]
fn nobody_calls_under_the_name_of_another() {
    let mut town = Town::new();
    let bob = town.phone(2);
    let credentials = sip_core::digest::Credentials::new("bob", "bob-secret");

    let call = town.call_as(bob, "alice", Some(credentials), "echo", Some(OFFER));

    assert_eq!(town.ended_with(bob, call), 403);
}

// Numbers that answer by themselves.

#[test]
fn numbers_refuse_each_in_its_way() {
    let mut town = Town::new();
    let alice = town.phone(1);

    for (number, status, cause) in [("busy", 486, 17), ("reject", 603, 21), ("nobody", 404, 1), ("bob", 480, 20)] {
        let call = town.call(alice, "alice", number, Some(OFFER));
        assert_eq!(town.ended_with(alice, call), status, "{number}");
        assert_eq!(town.end(alice, call).and_then(|end| end.q850), Some(cause), "{number}");
    }
    assert_eq!(town.calls(), 0);
}

#[test]
fn a_number_of_another_domain_is_not_found() {
    let mut town = Town::new();
    let alice = town.phone(1);

    let call = town.call(alice, "alice", "echo@elsewhere.example", Some(OFFER));

    assert_eq!(town.ended_with(alice, call), 404);
}

#[test]
fn noanswer_rings_until_it_is_cancelled() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let call = town.call(alice, "alice", "noanswer", Some(OFFER));
    town.until("ringing", |town| has_progress(town, alice, call, StatusCode::RINGING));

    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it rings");

    assert_eq!(town.ended_with(alice, call), 487);
    assert_eq!(town.end(alice, call).map(|end| end.by), Some(EndedBy::Local));
    assert_eq!(town.calls(), 0);
}

#[test]
fn noanswer_gives_up_in_the_end() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let began = town.now;

    let call = town.call(alice, "alice", "noanswer", Some(OFFER));

    assert_eq!(town.ended_with(alice, call), 480);
    assert_eq!(town.end(alice, call).and_then(|end| end.q850), Some(19));
    assert_eq!(town.now.since(began).as_secs(), 30);
}

#[test]
fn an_offer_without_g711_is_not_acceptable() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let g722 = OFFER.replace("8 0 101", "9");

    let call = town.call(alice, "alice", "echo", Some(&g722));

    assert_eq!(town.ended_with(alice, call), 488);
}

#[test]
fn echo_answers_in_the_offers_first_law_and_gives_packets_back() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let (_, player) = talk(&mut town, alice, "echo", OFFER);

    let audio = packet(8, 7, 1_000, 0xABCD, &[0x55; 160]);
    let event = packet(101, 8, 1_160, 0xABCD, &[5, 0x0A, 0, 160]);
    town.send_rtp(address(CALLER_RTP), player, &audio);
    town.send_rtp(address(CALLER_RTP), player, &event);
    town.send_rtp(address("203.0.113.6:4000"), player, &audio);
    town.send_rtp(address(CALLER_RTP), player, b"not RTP");

    let [(_, to, first), (_, _, second)] = &town.rtp[..] else { panic!("{} packets", town.rtp.len()) };
    assert_eq!(*to, address(CALLER_RTP));
    assert_eq!((&first[..2], &first[4..8]), (&audio[..2], &audio[4..8]), "payload type and timestamp stay");
    assert_eq!(first[12..], audio[12..]);
    assert_eq!(second[12..], event[12..]);
    assert_ne!(first[8..12], audio[8..12], "the SSRC is the exchange's own");
    assert_eq!(sequence(second), sequence(first).wrapping_add(1));
}

#[test]
fn hold_silences_a_player_and_resume_wakes_it() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let (call, _) = talk(&mut town, alice, "music", OFFER);
    town.pass(Duration::from_secs(1));
    assert_eq!(town.rtp.len(), 51);

    reinvite(&mut town, alice, call, &format!("{OFFER}a=sendonly\r\n"));
    town.rtp.clear();
    town.pass(Duration::from_secs(1));
    assert_eq!(town.rtp.len(), 0);
    reinvite(&mut town, alice, call, OFFER);
    town.pass(Duration::from_secs(1));

    assert_eq!(town.rtp.len(), 50);
}

#[test]
fn music_comes_in_even_packets_of_pcma() {
    let mut town = Town::new();
    let alice = town.phone(1);
    talk(&mut town, alice, "music", OFFER);

    town.pass(Duration::from_secs(2));

    let headers: Vec<_> = town.rtp.iter().map(|(_, _, bytes)| (bytes[1], sequence(bytes), timestamp(bytes))).collect();
    assert_eq!(headers[0].0, 0x88, "the first has the marker");
    assert!(headers[1..].iter().all(|(kind, ..)| *kind == 8));
    for pair in headers.windows(2) {
        assert_eq!(pair[1].1, pair[0].1.wrapping_add(1));
        assert_eq!(pair[1].2, pair[0].2.wrapping_add(160));
    }
    assert!(town.rtp.iter().all(|(_, _, bytes)| bytes.len() == 172));
}

#[test]
fn ivr_plays_the_digits_it_heard() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let (_, player) = talk(&mut town, alice, "ivr", OFFER);

    press(&mut town, player, "159#07*8");
    town.pass(Duration::from_secs(8));

    assert_eq!(heard_digits(&town), "159#07*8");
}

#[test]
fn ivr_asks_again_and_takes_the_next_digits() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let (_, player) = talk(&mut town, alice, "ivr", OFFER);

    press(&mut town, player, "42#");
    town.pass(Duration::from_secs(3));
    press(&mut town, player, "6");
    town.pass(Duration::from_secs(5));

    assert_eq!(heard_digits(&town), "42#6");
}

#[test]
fn a_delayed_call_plays_before_it_answers() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let began = town.now;
    let call = town.call(alice, "alice", "delay", Some(OFFER));

    town.until("early media", |town| !town.rtp.is_empty());
    let is_early = has_progress(&town, alice, call, StatusCode::SESSION_PROGRESS);
    town.until("answered", |town| town.answer(alice, call).is_some());

    assert!(is_early);
    assert_eq!(town.now.since(began).as_secs(), 3);
    assert!(town.rtp.len() >= 149, "{} packets of early media", town.rtp.len());
}

#[test]
fn a_call_without_an_offer_is_offered_both_laws() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let call = town.call(alice, "alice", "music", None);
    town.until("answered", |town| town.answer(alice, call).is_some());

    let offer = town.answer(alice, call).expect("an offer");
    let now = town.now;
    town.agent(alice).answer_offer(call, Ok(ANSWER.replace("192.0.2.2", "192.0.2.1")), now).expect("it is asked for");
    town.pass(Duration::from_secs(1));

    assert!(offer.contains("RTP/AVP 0 8 101"), "{offer}");
    assert_eq!(town.rtp.last().map(|(_, to, _)| *to), Some(address("192.0.2.1:5000")));
}

#[test]
fn hanging_up_ends_the_player() {
    let mut town = Town::new();
    let alice = town.phone(1);
    let (call, _) = talk(&mut town, alice, "music", OFFER);

    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it talks");
    town.until("over", |town| town.calls() == 0);
    town.rtp.clear();
    town.pass(Duration::from_secs(1));

    assert!(town.rtp.is_empty());
}

#[test]
fn a_full_exchange_says_so() {
    let mut town = Town::with(|config| config.max_calls = 1);
    let alice = town.phone(1);
    talk(&mut town, alice, "music", OFFER);

    let second = town.call(alice, "alice", "echo", Some(OFFER));

    assert_eq!(town.ended_with(alice, second), 503);
}
