//! The demo exchange, told in virtual time: registrations, the numbers that answer by themselves, calls between phones.

mod exchange_town;

use exchange_town::{DOMAIN, Town, address, is_registered};
use sip_core::agent::{EndedBy, Event, Failure, RegistrationEvent, Reply, SessionEvent, SessionId};
use sip_core::message::{HeaderName, Method, StatusCode};
use sip_core::{Duration, Instant};
use std::net::SocketAddr;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
const ANSWER: &str =
    "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n";
const CALLER_RTP: &str = "192.0.2.1:4000";

// Registration.

#[test]
fn a_phone_registers_with_its_password() {
    let mut town = Town::new();

    let alice = town.registered(1, "alice");

    assert_eq!(town.sip, ["REGISTER", "401 REGISTER", "REGISTER", "200 REGISTER"]);
    assert_eq!(town.bindings(), 1);
    let granted = RegistrationEvent::Registered { expires: Duration::from_secs(3_600) };
    assert_eq!(town.registration(alice), Some(&granted));
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
    let granted = RegistrationEvent::Registered { expires: Duration::from_secs(60) };
    assert_eq!(town.registration(alice), Some(&granted));
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

// Calls between phones.

#[test]
fn descriptions_pass_untouched_between_phones() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));

    let (call, ringing) = ring(&mut town, alice, bob);
    let (session, offer) = ringing;
    let now = town.now;
    town.agent(bob).accept(session, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("answered", |town| town.answer(alice, call).is_some());

    assert_eq!(offer.as_deref(), Some(OFFER));
    assert_eq!(town.answer(alice, call).as_deref(), Some(ANSWER));
    assert!(has_progress(&town, alice, call, StatusCode::RINGING));
    assert_eq!(town.calls(), 1);
}

#[test]
fn a_hang_up_on_either_side_ends_both() {
    for is_callee_first in [false, true] {
        let mut town = Town::new();
        let ((alice, call), (bob, session)) = talking(&mut town);

        let (who, which) = if is_callee_first { (bob, session) } else { (alice, call) };
        let now = town.now;
        town.agent(who).hang_up(which, None, now).expect("it talks");
        town.until("both ended", |town| town.end(alice, call).is_some() && town.end(bob, session).is_some());

        let (by_alice, by_bob) =
            if is_callee_first { (EndedBy::Remote, EndedBy::Local) } else { (EndedBy::Local, EndedBy::Remote) };
        assert_eq!(town.end(alice, call).map(|end| end.by), Some(by_alice));
        assert_eq!(town.end(bob, session).map(|end| end.by), Some(by_bob));
        town.until("over", |town| town.calls() == 0);
    }
}

#[test]
fn a_refusal_reaches_the_caller_as_it_is() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(&mut town, alice, bob);

    let now = town.now;
    let status = StatusCode::BUSY_HERE;
    town.agent(bob).reject(session, status, Some("In A Meeting".to_owned()), Vec::new(), now).expect("it rings");

    assert_eq!(town.ended_with(alice, call), 486);
    assert_eq!(town.end(alice, call).map(|end| end.reason.as_str()), Some("In A Meeting"));
    assert_eq!(town.calls(), 0);
}

#[test]
fn cancelling_stops_the_ringing() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(&mut town, alice, bob);

    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it rings");

    assert_eq!(town.ended_with(alice, call), 487);
    town.until("silence", |town| town.end(bob, session).is_some());
    assert_eq!(town.end(bob, session).map(|end| end.by), Some(EndedBy::Remote));
    assert_eq!(town.calls(), 0);
}

#[test]
fn a_reinvite_and_its_answer_cross() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let hold = format!("{OFFER}a=sendonly\r\n");
    let held = format!("{ANSWER}a=recvonly\r\n");

    let now = town.now;
    town.agent(alice).offer(call, hold.clone(), now).expect("it talks");
    town.until("held", |town| offered(town, bob, session).is_some());
    let crossed = offered(&town, bob, session);
    let now = town.now;
    town.agent(bob).answer_offer(session, Ok(held.clone()), now).expect("asked");
    town.until("answered", |town| answered(town, alice, call).is_some());

    assert_eq!(crossed, Some(hold));
    assert_eq!(answered(&town, alice, call), Some(Ok(Some(held))));
}

#[test]
fn a_refused_reinvite_changes_nothing() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);

    let now = town.now;
    town.agent(bob).offer(session, ANSWER.to_owned(), now).expect("it talks");
    town.until("asked", |town| offered(town, alice, call).is_some());
    let now = town.now;
    town.agent(alice).answer_offer(call, Err(StatusCode::NOT_ACCEPTABLE_HERE), now).expect("asked");
    town.until("refused", |town| answered(town, bob, session).is_some());

    assert_eq!(answered(&town, bob, session), Some(Err(StatusCode::NOT_ACCEPTABLE_HERE)));
    assert_eq!(town.calls(), 1);
}

#[test]
fn an_info_crosses_with_its_body() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let body = || Some(("application/dtmf-relay".to_owned(), b"Signal=5\r\n".to_vec()));

    let now = town.now;
    town.agent(alice).session_request(call, Method::Info, Vec::new(), body(), now).expect("it talks");
    town.until("INFO", |town| info(town, bob).is_some());
    let (id, of, content) = info(&town, bob).expect("an INFO");
    let now = town.now;
    town.agent(bob).respond(id, Reply::new(StatusCode::OK), now).expect("it waits");
    town.until("its answer", |town| town.events(alice).iter().any(is_ok));

    assert_eq!((of, content), (Some(session), b"Signal=5\r\n".to_vec()));
}

#[test]
fn a_phone_that_is_gone_is_forgotten_and_the_next_one_rings() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    town.registered(3, "bob");
    let ghost = town.phone(4);
    town.register(ghost, "bob", "bob-secret", 3_600);
    town.until("three phones", |town| town.bindings() == 4);
    town.forget(ghost);
    town.forget(address("192.0.2.3:5060"));

    let (_, (_, offer)) = ring(&mut town, alice, bob);

    assert_eq!(offer.as_deref(), Some(OFFER));
    assert_eq!(town.bindings(), 2, "both ghosts are forgotten");
}

#[test]
fn a_call_without_an_offer_between_phones_gets_the_callees() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let call = town.call(alice, "alice", "bob", None);
    town.until("ringing", |town| town.incoming(bob).is_some());
    let (session, offer) = town.incoming(bob).expect("it rings");

    let now = town.now;
    town.agent(bob).accept(session, OFFER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("offered", |town| town.answer(alice, call).is_some());
    let now = town.now;
    town.agent(alice).answer_offer(call, Ok(ANSWER.to_owned()), now).expect("asked");
    town.until("confirmed", |town| confirmed(town, bob, session).is_some());

    assert_eq!(offer, None);
    assert_eq!(town.answer(alice, call).as_deref(), Some(OFFER));
    assert_eq!(confirmed(&town, bob, session).flatten().as_deref(), Some(ANSWER));
}

// Words.

/// A call to a number that answers; where its player is.
fn talk(town: &mut Town, at: SocketAddr, number: &str, offer: &str) -> (SessionId, SocketAddr) {
    let call = town.call(at, "alice", number, Some(offer));
    town.until("answered", |town| town.answer(at, call).is_some());
    let answer = town.answer(at, call).expect("an answer");
    assert!(answer.contains("RTP/AVP 8 101"), "{answer}");
    let port = answer.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a port");
    (call, address(&format!("192.0.2.9:{port}")))
}

fn ring(town: &mut Town, alice: SocketAddr, bob: SocketAddr) -> (SessionId, (SessionId, Option<String>)) {
    let call = town.call(alice, "alice", "bob", Some(OFFER));
    town.until("ringing", |town| town.incoming(bob).is_some());
    let ringing = town.incoming(bob).expect("it rings");
    let now = town.now;
    town.agent(bob).ring(ringing.0, StatusCode::RINGING, None, Vec::new(), now).expect("it rings");
    town.until("heard", |town| has_progress(town, alice, call, StatusCode::RINGING));
    (call, ringing)
}

type Leg = (SocketAddr, SessionId);

fn talking(town: &mut Town) -> (Leg, Leg) {
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(town, alice, bob);
    let now = town.now;
    town.agent(bob).accept(session, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("talking", |town| town.answer(alice, call).is_some() && confirmed(town, bob, session).is_some());
    ((alice, call), (bob, session))
}

fn reinvite(town: &mut Town, at: SocketAddr, call: SessionId, offer: &str) {
    let before = town.session_events(at, call).len();
    let now = town.now;
    town.agent(at).offer(call, offer.to_owned(), now).expect("it talks");
    town.until("answered", |town| town.session_events(at, call).len() > before);
}

fn has_progress(town: &Town, at: SocketAddr, call: SessionId, status: StatusCode) -> bool {
    let is_it =
        |event: &&SessionEvent| matches!(event, SessionEvent::Progress { response, .. } if response.status == status);
    town.session_events(at, call).iter().any(is_it)
}

fn offered(town: &Town, at: SocketAddr, call: SessionId) -> Option<String> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Offered { offer, .. } => offer.clone(),
        _ => None,
    })
}

fn answered(town: &Town, at: SocketAddr, call: SessionId) -> Option<Result<Option<String>, StatusCode>> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Answered { result } => Some(result.clone()),
        _ => None,
    })
}

fn confirmed(town: &Town, at: SocketAddr, call: SessionId) -> Option<Option<String>> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Confirmed { answer } => Some(answer.clone()),
        _ => None,
    })
}

fn info(town: &Town, at: SocketAddr) -> Option<(sip_core::agent::IncomingId, Option<SessionId>, Vec<u8>)> {
    town.events(at).iter().find_map(|event| match event {
        Event::Request { id, session, request, .. } => Some((*id, *session, request.body.clone())),
        _ => None,
    })
}

fn is_ok(event: &Event) -> bool {
    matches!(event, Event::Response { response, .. } if response.status == StatusCode::OK)
}

fn packet(kind: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, kind];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn sequence(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[2], bytes[3]])
}

fn timestamp(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// Presses keys as a phone does: several packets for each event, the last three the same.
fn press(town: &mut Town, player: SocketAddr, digits: &str) {
    const KEYS: &str = "0123456789*#";
    for (n, digit) in digits.chars().enumerate() {
        let code = u8::try_from(KEYS.find(digit).expect("a key")).expect("below 16");
        let at =
            10_000 + 1_600 * u32::try_from(n).expect("few") + u32::try_from(town.now.as_micros() / 125).expect("early");
        for (end, duration) in [(0x0A, 160_u16), (0x0A, 320), (0x8A, 480), (0x8A, 480), (0x8A, 480)] {
            let [high, low] = duration.to_be_bytes();
            let event = packet(101, 0, at, 1, &[code, end, high, low]);
            town.send_rtp(address(CALLER_RTP), player, &event);
        }
        town.pass(Duration::from_millis(200));
    }
}

/// The DTMF digits in what the players sent, by the energy at the eight frequencies (Goertzel).
fn heard_digits(town: &Town) -> String {
    let mut digits = String::new();
    let mut last: Option<(char, Instant)> = None;
    for (at, _, bytes) in &town.rtp {
        let found = dtmf(&bytes[12..].iter().map(|octet| a_law(*octet)).collect::<Vec<_>>());
        if let Some(digit) = found {
            let goes_on = last.is_some_and(|(before, when)| before == digit && at.since(when).as_millis() <= 30);
            if !goes_on {
                digits.push(digit);
            }
            last = Some((digit, *at));
        }
    }
    digits
}

fn dtmf(frame: &[f32]) -> Option<char> {
    const ROWS: [(&str, f32); 4] = [("123A", 697.0), ("456B", 770.0), ("789C", 852.0), ("*0#D", 941.0)];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let (keys, row) = ROWS.iter().map(|(keys, f)| (*keys, power(frame, *f))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let columns = COLUMNS.iter().enumerate().map(|(n, f)| (n, power(frame, *f)));
    let (place, column) = columns.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let is_pair = row > 0.02 && column > 0.02;
    is_pair.then(|| keys.chars().nth(place)).flatten()
}

/// The amplitude of one frequency.
fn power(frame: &[f32], frequency: f32) -> f32 {
    let angle = std::f32::consts::TAU * frequency / 8_000.0;
    let sum = frame.iter().enumerate().fold((0.0, 0.0), |(x, y), (n, sample)| {
        let angle = angle * n as f32;
        (x + sample * angle.cos(), y + sample * angle.sin())
    });
    2.0 * f32::hypot(sum.0, sum.1) / frame.len() as f32
}

/// ITU-T G.711.
fn a_law(octet: u8) -> f32 {
    let octet = octet ^ 0x55;
    let (exponent, mantissa) = (u32::from(octet >> 4 & 7), f32::from(octet & 15));
    let magnitude =
        if exponent == 0 { mantissa * 2.0 + 1.0 } else { (mantissa * 2.0 + 33.0) * 2_f32.powi(exponent as i32 - 1) };
    let sign = if octet & 0x80 != 0 { 1.0 } else { -1.0 };
    sign * magnitude / 4_096.0
}
