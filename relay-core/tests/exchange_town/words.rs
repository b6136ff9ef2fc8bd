//! What the exchange's tests say in a word: calls that stand, keys that are pressed, tones that are heard.

use super::{Town, address};
use sip_core::agent::{Event, IncomingId, SessionEvent, SessionId};
use sip_core::message::StatusCode;
use sip_core::{Duration, Instant};
use std::net::SocketAddr;

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
pub(crate) const ANSWER: &str =
    "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n";
pub(crate) const CALLER_RTP: &str = "192.0.2.1:4000";

/// A call to a number that answers; where its player is.
pub(crate) fn talk(town: &mut Town, at: SocketAddr, number: &str, offer: &str) -> (SessionId, SocketAddr) {
    let call = town.call(at, "alice", number, Some(offer));
    town.until("answered", |town| town.answer(at, call).is_some());
    let answer = town.answer(at, call).expect("an answer");
    assert!(answer.contains("RTP/AVP 8 101"), "{answer}");
    let port = answer.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a port");
    (call, address(&format!("192.0.2.9:{port}")))
}

pub(crate) fn ring(town: &mut Town, alice: SocketAddr, bob: SocketAddr) -> (SessionId, (SessionId, Option<String>)) {
    let call = town.call(alice, "alice", "bob", Some(OFFER));
    town.until("ringing", |town| town.incoming(bob).is_some());
    let ringing = town.incoming(bob).expect("it rings");
    let now = town.now;
    town.agent(bob).ring(ringing.0, StatusCode::RINGING, None, Vec::new(), now).expect("it rings");
    town.until("heard", |town| has_progress(town, alice, call, StatusCode::RINGING));
    (call, ringing)
}

pub(crate) type Leg = (SocketAddr, SessionId);

pub(crate) fn talking(town: &mut Town) -> (Leg, Leg) {
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(town, alice, bob);
    let now = town.now;
    town.agent(bob).accept(session, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("talking", |town| town.answer(alice, call).is_some() && confirmed(town, bob, session).is_some());
    ((alice, call), (bob, session))
}

pub(crate) fn reinvite(town: &mut Town, at: SocketAddr, call: SessionId, offer: &str) {
    let before = town.session_events(at, call).len();
    let now = town.now;
    town.agent(at).offer(call, offer.to_owned(), now).expect("it talks");
    town.until("answered", |town| town.session_events(at, call).len() > before);
}

pub(crate) fn has_progress(town: &Town, at: SocketAddr, call: SessionId, status: StatusCode) -> bool {
    let is_it =
        |event: &&SessionEvent| matches!(event, SessionEvent::Progress { response, .. } if response.status == status);
    town.session_events(at, call).iter().any(is_it)
}

pub(crate) fn offered(town: &Town, at: SocketAddr, call: SessionId) -> Option<String> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Offered { offer, .. } => offer.clone(),
        _ => None,
    })
}

pub(crate) fn answered(town: &Town, at: SocketAddr, call: SessionId) -> Option<Result<Option<String>, StatusCode>> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Answered { result, .. } => Some(result.clone()),
        _ => None,
    })
}

pub(crate) fn confirmed(town: &Town, at: SocketAddr, call: SessionId) -> Option<Option<String>> {
    town.session_events(at, call).into_iter().find_map(|event| match event {
        SessionEvent::Confirmed { answer } => Some(answer.clone()),
        _ => None,
    })
}

pub(crate) fn info(town: &Town, at: SocketAddr) -> Option<(IncomingId, Option<SessionId>, Vec<u8>)> {
    town.events(at).iter().find_map(|event| match event {
        Event::Request { id, session, request, .. } => Some((*id, *session, request.body.clone())),
        _ => None,
    })
}

pub(crate) fn is_ok(event: &Event) -> bool {
    matches!(event, Event::Response { response, .. } if response.status == StatusCode::OK)
}

pub(crate) fn packet(kind: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, kind];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(crate) fn sequence(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[2], bytes[3]])
}

pub(crate) fn timestamp(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
}

/// Presses keys as a phone does: several packets for each event, the last three the same.
pub(crate) fn press(town: &mut Town, player: SocketAddr, digits: &str) {
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
pub(crate) fn heard_digits(town: &Town) -> String {
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

pub(crate) fn dtmf(frame: &[f32]) -> Option<char> {
    const ROWS: [(&str, f32); 4] = [("123A", 697.0), ("456B", 770.0), ("789C", 852.0), ("*0#D", 941.0)];
    const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let (keys, row) = ROWS.iter().map(|(keys, f)| (*keys, power(frame, *f))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let columns = COLUMNS.iter().enumerate().map(|(n, f)| (n, power(frame, *f)));
    let (place, column) = columns.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let is_pair = row > 0.02 && column > 0.02;
    is_pair.then(|| keys.chars().nth(place)).flatten()
}

/// The amplitude of one frequency.
pub(crate) fn power(frame: &[f32], frequency: f32) -> f32 {
    let angle = std::f32::consts::TAU * frequency / 8_000.0;
    let sum = frame.iter().enumerate().fold((0.0, 0.0), |(x, y), (n, sample)| {
        let angle = angle * n as f32;
        (x + sample * angle.cos(), y + sample * angle.sin())
    });
    2.0 * f32::hypot(sum.0, sum.1) / frame.len() as f32
}

/// ITU-T G.711.
pub(crate) fn a_law(octet: u8) -> f32 {
    let octet = octet ^ 0x55;
    let (exponent, mantissa) = (u32::from(octet >> 4 & 7), f32::from(octet & 15));
    let magnitude =
        if exponent == 0 { mantissa * 2.0 + 1.0 } else { (mantissa * 2.0 + 33.0) * 2_f32.powi(exponent as i32 - 1) };
    let sign = if octet & 0x80 != 0 { 1.0 } else { -1.0 };
    sign * magnitude / 4_096.0
}
