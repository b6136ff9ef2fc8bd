//! Hold, resume, collisions and digits inside a call.

use sip_core::Duration;
use sip_core::agent::{Event, IncomingId, Reply, SessionEvent};
use sip_core::message::{HeaderName, Method, Request, StatusCode};

use super::bench::{Bench, Wish, sdp};
use crate::types::{CoreEvent, DigitMethod, ErrorCode, ErrorInfo};

const AUTO: (DigitMethod, u32, u32) = (DigitMethod::Auto, 100, 70);

fn way(keys: &str, direction: &str) -> String {
    format!("{}a={direction}\r\n", sdp(keys))
}

#[test]
fn a_hold_is_true_once_the_other_side_agreed() {
    let (mut bench, call, session) = Bench::in_call();
    bench.forget();
    bench.hold(call, true);
    assert_eq!(bench.wishes, [Wish::Way("sendonly"), Wish::Offer(false)]);
    bench.describes(call, &way("us", "sendonly"));
    assert_eq!(bench.offered(), way("us", "sendonly"));
    assert_eq!(bench.held(), [], "nobody is held before the answer");

    bench.serve(|server, now| server.answer_offer(session, Ok(way("them", "recvonly")), now)).unwrap();
    assert_eq!(bench.held(), [(true, false)]);
    assert_eq!(bench.results(), [None]);
    assert!(bench.wishes.contains(&Wish::Muted(true)), "who is held hears no microphone");
    assert!(!bench.wishes.contains(&Wish::Close));

    bench.forget();
    bench.events.clear();
    bench.hold(call, false);
    assert_eq!(bench.wishes, [Wish::Way("sendrecv"), Wish::Offer(false)]);
    bench.describes(call, &way("us", "sendrecv"));
    bench.serve(|server, now| server.answer_offer(session, Ok(way("them", "sendrecv")), now)).unwrap();
    assert_eq!(bench.held(), [(false, false)]);
    assert!(bench.wishes.contains(&Wish::Muted(false)));
}

#[test]
fn a_refused_hold_holds_nobody() {
    for (status, code) in [
        (488, ErrorCode::IncompatibleMedia),
        (500, ErrorCode::ServerError),
        (504, ErrorCode::Timeout),
        (403, ErrorCode::Forbidden),
    ] {
        let (mut bench, call, session) = Bench::in_call();
        bench.hold(call, true);
        bench.describes(call, &way("us", "sendonly"));
        bench.forget();
        let refusal = StatusCode::new(status).unwrap();
        bench.serve(|server, now| server.answer_offer(session, Err(refusal), now)).unwrap();

        assert_eq!(bench.held(), []);
        assert_eq!(bench.results(), [Some((code, Some(status)))]);
        assert_eq!(bench.wishes, [Wish::RollBack, Wish::Way("sendrecv")], "after {status}");
        assert!(bench.end().is_none());
        bench.hold(call, true);
        assert_eq!(bench.wishes.last(), Some(&Wish::Offer(false)), "and it may be tried again");
    }
}

#[test]
fn an_offer_that_the_browser_cannot_make_is_a_failed_hold() {
    let (mut bench, call, _) = Bench::in_call();
    bench.hold(call, true);
    let error = ErrorInfo::new(ErrorCode::IncompatibleMedia);
    bench.tell(|phone, now| phone.handle_description(call, Err(error), now));

    assert_eq!(bench.results(), [Some((ErrorCode::IncompatibleMedia, None))]);
    assert!(bench.end().is_none());
}

#[test]
fn being_held_stops_nothing_of_ours() {
    for (direction, is_hold) in [("sendonly", true), ("inactive", true), ("recvonly", false), ("sendrecv", false)] {
        let (mut bench, call, session) = Bench::in_call();
        bench.forget();
        bench.serve(|server, now| server.offer(session, way("them", direction), now)).unwrap();
        assert_eq!(bench.held(), [], "not before we have answered");
        bench.describes(call, &way("us", "sendrecv"));

        let expected: &[(bool, bool)] = if is_hold { &[(false, true)] } else { &[] };
        assert_eq!(bench.held(), expected, "{direction}");
        assert_eq!(bench.wishes, [Wish::Way("sendrecv"), Wish::Answer(way("them", direction))]);
    }
}

#[test]
fn both_sides_hold_and_each_resumes_alone() {
    let (mut bench, call, session) = Bench::in_call();
    bench.serve(|server, now| server.offer(session, way("them", "sendonly"), now)).unwrap();
    bench.describes(call, &way("us", "recvonly"));
    bench.hold(call, true);
    assert!(bench.wishes.contains(&Wish::Way("inactive")), "RFC 3264 §8.4");
    bench.describes(call, &way("us", "inactive"));
    bench.serve(|server, now| server.answer_offer(session, Ok(way("them", "inactive")), now)).unwrap();
    bench.serve(|server, now| server.offer(session, way("them", "sendrecv"), now)).unwrap();
    assert_eq!(bench.wishes.iter().rev().nth(1), Some(&Wish::Way("sendonly")), "we hold on");
    bench.describes(call, &way("us", "sendonly"));
    bench.serve(|server, now| server.offer(session, way("them", "inactive"), now)).unwrap();
    bench.describes(call, &way("us", "inactive"));
    bench.hold(call, false);
    bench.describes(call, &way("us", "sendrecv"));
    bench.serve(|server, now| server.answer_offer(session, Ok(way("them", "sendonly")), now)).unwrap();

    assert_eq!(bench.held(), [(false, true), (true, true), (true, false), (true, true), (false, true)]);
}

#[test]
fn a_hold_that_meets_theirs_lets_it_go_first() {
    let (mut bench, call, session) = Bench::in_call();
    bench.hold(call, true);
    bench.serve(|server, now| server.offer(session, way("them", "sendonly"), now)).unwrap();
    assert_eq!(bench.sent.last().map(String::as_str), Some("491"), "while our offer is being made");
    bench.describes(call, &way("us", "sendonly"));
    assert_eq!(bench.offered(), way("us", "sendonly"));
    bench.serve(|server, now| server.answer_offer(session, Err(StatusCode::REQUEST_PENDING), now)).unwrap();
    bench.forget();

    bench.pass(Duration::from_millis(2_050));
    assert_eq!(bench.wishes, [Wish::RollBack, Wish::Way("sendrecv"), Wish::Answer(way("them", "sendonly"))]);
    bench.describes(call, &way("us", "recvonly"));
    assert_eq!(bench.held(), [(false, true)]);
    assert_eq!(bench.wishes.last(), Some(&Wish::Offer(false)), "and then ours");
    bench.describes(call, &way("us", "inactive"));
    bench.serve(|server, now| server.answer_offer(session, Ok(way("them", "inactive")), now)).unwrap();

    assert_eq!(bench.held(), [(false, true), (true, true)]);
    assert_eq!(bench.results(), [None]);
}

#[test]
fn a_second_hold_waits_for_the_first() {
    let (mut bench, call, _) = Bench::in_call();
    bench.hold(call, true);

    let refused = bench.tell(|phone, _| phone.set_held(call, false)).map_err(|error| error.code);

    assert_eq!(refused, Err(ErrorCode::WrongState));
}

#[test]
fn what_is_true_already_is_done_at_once() {
    let (mut bench, call, _) = Bench::in_call();
    bench.forget();
    bench.hold(call, false);

    assert_eq!(bench.results(), [None]);
    assert_eq!(bench.wishes, []);
}

#[test]
fn audio_that_is_switched_off_is_refused_and_the_call_goes_on() {
    let (mut bench, _, session) = Bench::in_call();
    bench.serve(|server, now| server.offer(session, sdp("them").replace("audio 9", "audio 0"), now)).unwrap();

    assert!(bench.sent.contains(&"488".to_owned()));
    assert!(bench.end().is_none());
}

#[test]
fn digits_go_as_telephone_events_in_runs_between_pauses() {
    let (mut bench, call, _) = Bench::in_call();
    bench.forget();
    bench.dial(call, "1a#,9w0", AUTO);
    assert_eq!(bench.wishes, [Wish::Tones("1A#".to_owned())]);
    bench.pass(Duration::from_millis(3 * 170 + 1_990));
    assert_eq!(bench.wishes.len(), 1, "a comma is two seconds");
    bench.pass(Duration::from_millis(20));
    assert_eq!(bench.wishes[1..], [Wish::Tones("9".to_owned())]);
    bench.pass(Duration::from_millis(170 + 480));
    assert_eq!(bench.wishes.len(), 2, "a w is half of one");
    bench.pass(Duration::from_millis(20));
    assert_eq!(bench.wishes[2..], [Wish::Tones("0".to_owned())]);
}

#[test]
fn digits_that_cannot_be_tones_go_as_info_in_order_and_time() {
    let (mut bench, call, _) = Bench::in_call();
    bench.dial(call, "1a#", AUTO);
    bench.tell(|phone, now| phone.handle_tones_refused(call, "1A#", (100, 70), now));
    assert_eq!(bench.answer_info(200), "application/dtmf-relay Signal=1\r\nDuration=100\r\n");
    assert_eq!(bench.infos(), 0, "the next waits until its tone would be over");
    bench.pass(Duration::from_millis(170));
    assert_eq!(bench.answer_info(200), "application/dtmf-relay Signal=A\r\nDuration=100\r\n");
    bench.pass(Duration::from_millis(170));
    assert_eq!(bench.answer_info(200), "application/dtmf-relay Signal=#\r\nDuration=100\r\n");

    assert_eq!(bench.digits_sent(), "1A#");
}

#[test]
fn each_method_is_what_it_says() {
    let (mut bench, call, _) = Bench::in_call();
    bench.dial(call, "5", (DigitMethod::InfoDtmf, 100, 70));
    assert_eq!(bench.answer_info(200), "application/dtmf 5");
    bench.pass(Duration::from_secs(1));
    bench.dial(call, "6", (DigitMethod::InfoRelay, 9_999, 70));
    assert_eq!(bench.answer_info(200), "application/dtmf-relay Signal=6\r\nDuration=6000\r\n");
    bench.pass(Duration::from_secs(10));
    bench.dial(call, "7", (DigitMethod::Rtp, 100, 70));
    bench.tell(|phone, now| phone.handle_tones_refused(call, "7", (100, 70), now));

    assert_eq!(bench.infos(), 0, "never as INFO");
    assert_eq!(bench.digits_failed(), [("7".to_owned(), ErrorCode::IncompatibleMedia)]);
}

#[test]
fn a_relay_body_that_is_refused_is_tried_as_a_plain_one() {
    let (mut bench, call, _) = Bench::in_call();
    bench.dial(call, "12", (DigitMethod::InfoRelay, 100, 70));
    assert_eq!(bench.answer_info(415), "application/dtmf-relay Signal=1\r\nDuration=100\r\n");
    assert_eq!(bench.answer_info(200), "application/dtmf 1");
    bench.pass(Duration::from_millis(200));
    assert_eq!(bench.answer_info(415), "application/dtmf 2");

    assert_eq!(bench.digits_sent(), "1");
    assert_eq!(bench.digits_failed(), [("2".to_owned(), ErrorCode::IncompatibleMedia)]);
}

#[test]
fn letters_that_no_telephone_has_and_too_many_are_refused() {
    let (mut bench, call, _) = Bench::in_call();
    for wrong in ["12x", "1 2", &"1".repeat(65)] {
        let refused = bench.tell(|phone, now| phone.send_digits(call, wrong, AUTO, now)).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::InvalidArgument), "{wrong}");
    }
}

#[test]
fn digits_of_the_other_side_are_events_and_other_bodies_are_answered_in_kind() {
    let (mut bench, _, session) = Bench::in_call();
    let mut info = |kind: &str, body: &str| {
        let body = Some((kind.to_owned(), body.as_bytes().to_vec()));
        bench.sent.clear();
        bench.serve(|server, now| server.session_request(session, Method::Info, Vec::new(), body, now)).unwrap();
        bench.sent.last().cloned().unwrap()
    };

    assert_eq!(info("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"), "200");
    assert_eq!(info("application/dtmf", "#"), "200");
    assert_eq!(info("application/dtmf-relay", "Signal=X"), "400");
    assert_eq!(info("application/media_control+xml", "<media_control/>"), "415");
    bench.serve(|server, now| server.session_request(session, Method::Info, Vec::new(), None, now)).unwrap();
    assert_eq!(bench.sent.last().map(String::as_str), Some("200"), "an empty one only asks whether we are here");

    let digits: Vec<_> = bench.events.iter().filter_map(received).collect();
    assert_eq!(digits, [("5", 160), ("#", 100)]);
    let refused = bench.server_events.iter().find_map(|event| match event {
        Event::Response { response, .. } if response.status.as_u16() == 415 => {
            response.headers.get(&HeaderName::Accept)
        }
        _ => None,
    });
    assert_eq!(refused, Some("application/dtmf-relay, application/dtmf"));
}

#[test]
fn the_invite_says_which_digits_are_taken() {
    let (bench, ..) = Bench::in_call();
    let invite = bench.server_events.iter().find_map(|event| match event {
        Event::IncomingCall { request, .. } => Some(request),
        _ => None,
    });
    let headers = &invite.unwrap().headers;

    assert_eq!(headers.get(&HeaderName::Accept), Some("application/sdp, application/dtmf-relay, application/dtmf"));
    assert!(headers.get(&HeaderName::Allow).unwrap().contains("INFO"));
}

fn received(event: &CoreEvent) -> Option<(&str, u32)> {
    match event {
        CoreEvent::Digit { digit, duration_ms, .. } => Some((digit, *duration_ms)),
        _ => None,
    }
}

impl Bench {
    fn forget(&mut self) {
        self.wishes.clear();
    }

    fn hold(&mut self, call: u32, held: bool) {
        self.tell(|phone, _| phone.set_held(call, held)).map_err(|error| error.message).unwrap();
    }

    fn dial(&mut self, call: u32, digits: &str, how: (DigitMethod, u32, u32)) {
        self.tell(|phone, now| phone.send_digits(call, digits, how, now)).map_err(|error| error.message).unwrap();
    }

    fn describes(&mut self, call: u32, sdp: &str) {
        self.tell(|phone, now| phone.handle_description(call, Ok(sdp.to_owned()), now));
    }

    /// The last offer that reached the server inside a call.
    fn offered(&self) -> String {
        let offers = self.server_events.iter().rev().find_map(|event| match event {
            Event::Session { event: SessionEvent::Offered { offer, .. }, .. } => offer.clone(),
            _ => None,
        });
        offers.unwrap()
    }

    fn held(&self) -> Vec<(bool, bool)> {
        let changes = self.events.iter().filter_map(|event| match event {
            CoreEvent::HoldChange { local, remote, .. } => Some((*local, *remote)),
            _ => None,
        });
        changes.collect()
    }

    fn results(&self) -> Vec<Option<(ErrorCode, Option<u16>)>> {
        let results = self.events.iter().filter_map(|event| match event {
            CoreEvent::HoldResult { error, .. } => Some(error.as_ref().map(|error| (error.code, error.status))),
            _ => None,
        });
        results.collect()
    }

    fn infos(&self) -> usize {
        self.server_events.iter().filter(|event| info(event).is_some()).count()
    }

    /// Answers the INFO that waits; returns what it said.
    fn answer_info(&mut self, status: u16) -> String {
        let place = self.server_events.iter().position(|event| info(event).is_some());
        let event = self.server_events.remove(place.expect("an INFO"));
        let (id, request) = info(&event).unwrap();
        let kind = request.headers.get(&HeaderName::ContentType).unwrap();
        let said = format!("{kind} {}", String::from_utf8_lossy(&request.body));
        let reply = Reply::new(StatusCode::new(status).unwrap());
        self.serve(|server, now| server.respond(id, reply, now)).unwrap();
        said
    }

    fn digits_sent(&self) -> String {
        let digits = self.events.iter().filter_map(|event| match event {
            CoreEvent::DigitSent { digit, .. } => Some(digit.as_str()),
            _ => None,
        });
        digits.collect()
    }

    fn digits_failed(&self) -> Vec<(String, ErrorCode)> {
        let digits = self.events.iter().filter_map(|event| match event {
            CoreEvent::DigitFailed { digit, error, .. } => Some((digit.clone(), error.code)),
            _ => None,
        });
        digits.collect()
    }
}

fn info(event: &Event) -> Option<(IncomingId, &Request)> {
    match event {
        Event::Request { id, request, .. } if request.method == Method::Info => Some((*id, request)),
        _ => None,
    }
}

#[test]
fn a_call_is_offered_anew_and_goes_on_whatever_the_other_side_says() {
    let (mut bench, call, session) = Bench::in_call();
    bench.tell(|phone, _| phone.renegotiate(call)).map_err(|error| error.message).unwrap();
    assert_eq!(bench.wishes.last(), Some(&Wish::Offer(false)));
    assert!(bench.tell(|phone, _| phone.renegotiate(call)).is_err(), "one at a time");
    bench.describe(call, "again");
    bench.serve(|server, now| server.answer_offer(session, Ok(sdp("them-again")), now)).unwrap();
    assert_eq!(bench.wishes.last(), Some(&Wish::Apply(sdp("them-again"))));

    bench.tell(|phone, _| phone.renegotiate(call)).map_err(|error| error.message).unwrap();
    bench.describe(call, "refused");
    bench.serve(|server, now| server.answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now)).unwrap();
    assert_eq!(bench.wishes.last(), Some(&Wish::RollBack));
    assert!(bench.end().is_none());
}

#[test]
fn a_hold_waits_for_what_is_offered_anew() {
    let (mut bench, call, session) = Bench::in_call();
    bench.tell(|phone, _| phone.renegotiate(call)).map_err(|error| error.message).unwrap();
    bench.tell(|phone, _| phone.set_held(call, true)).map_err(|error| error.message).unwrap();
    bench.describe(call, "again");
    bench.serve(|server, now| server.answer_offer(session, Ok(sdp("them-again")), now)).unwrap();
    let is_held = |bench: &Bench| bench.events.iter().any(|event| matches!(event, CoreEvent::HoldChange { .. }));
    assert!(!is_held(&bench), "that was no hold");

    bench.describe(call, "held");
    let answer = sdp("them-again") + "a=recvonly\r\n";
    bench.serve(|server, now| server.answer_offer(session, Ok(answer), now)).unwrap();

    assert!(is_held(&bench));
}
