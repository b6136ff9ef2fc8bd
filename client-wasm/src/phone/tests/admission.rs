//! Calls that may not ring, that are refused with reasons, and that nobody answers.

use sip_core::Duration;
use sip_core::agent::{End, Event, SessionEvent};
use sip_core::message::StatusCode;

use super::bench::Bench;
use super::calls::{call_page, incoming};
use crate::phone::Phone;
use crate::types::{CallOptions, CallState, CoreConfig, CoreEvent, EndedBy, ErrorCode, RefusalCause, RejectOptions};

/// Connected, with other settings.
fn bench(change: impl FnOnce(&mut CoreConfig)) -> Bench {
    let mut bench = Bench::with(change);
    bench.tell(Phone::connect);
    bench.accept_socket();
    bench
}

/// How the server's calls ended, in order.
fn ends(bench: &Bench) -> Vec<&End> {
    let ends = bench.server_events.iter().filter_map(|event| match event {
        Event::Session { event: SessionEvent::Ended(end), .. } => Some(end),
        _ => None,
    });
    ends.collect()
}

fn statuses(bench: &Bench) -> Vec<Option<u16>> {
    ends(bench).iter().map(|end| end.status.map(StatusCode::as_u16)).collect()
}

fn refused(bench: &Bench) -> Vec<(String, u16, RefusalCause)> {
    let refused = bench.events.iter().filter_map(|event| match event {
        CoreEvent::CallRefused { from, status, cause, .. } => Some((from.uri.clone(), *status, *cause)),
        _ => None,
    });
    refused.collect()
}

fn rang(bench: &Bench) -> usize {
    bench.events.iter().filter(|event| matches!(event, CoreEvent::IncomingCall { .. })).count()
}

#[test]
fn a_second_call_rings_while_the_first_goes_on() {
    let (mut bench, ..) = Bench::in_call();
    call_page(&mut bench, Some("carol"));

    assert_eq!((rang(&bench), refused(&bench).len()), (1, 0));
    assert!(bench.end().is_none());
}

#[test]
fn one_call_more_than_allowed_is_busy_and_told() {
    let mut bench = bench(|config| config.max_calls = Some(1));
    bench.call("bob");
    call_page(&mut bench, Some("carol"));

    assert_eq!(statuses(&bench), [Some(486)]);
    assert_eq!(refused(&bench), [("sip:bob@example.com".to_owned(), 486, RefusalCause::Busy)]);
    assert!(!bench.sent.contains(&"180".to_owned()), "it never rang: {:?}", bench.sent);
}

#[test]
fn a_storm_of_calls_rings_sixteen_times() {
    let mut bench = bench(|config| config.max_calls = Some(1_000));
    for _ in 0..40 {
        call_page(&mut bench, Some("carol"));
    }

    assert_eq!((rang(&bench), refused(&bench).len()), (16, 24));
    assert!(statuses(&bench).iter().all(|status| *status == Some(486)));
}

#[test]
fn who_is_not_to_be_disturbed_hears_of_calls_afterwards() {
    let mut bench = bench(|config| config.do_not_disturb = Some(480));
    call_page(&mut bench, Some("carol"));
    bench.tell(|phone, _| phone.set_do_not_disturb(486)).map_err(|error| error.message).unwrap();
    call_page(&mut bench, Some("carol"));
    bench.tell(|phone, _| phone.set_do_not_disturb(0)).map_err(|error| error.message).unwrap();
    call_page(&mut bench, Some("carol"));

    assert_eq!(statuses(&bench), [Some(480), Some(486)]);
    assert_eq!((rang(&bench), refused(&bench).len()), (1, 2));
    assert!(bench.tell(|phone, _| phone.set_do_not_disturb(200)).is_err());
    assert!(bench.tell(|phone, _| phone.set_do_not_disturb(70_000)).is_err());
}

#[test]
fn a_refusal_says_why_in_words_and_by_cause() {
    let mut bench = bench(|_| {});
    call_page(&mut bench, Some("carol"));
    let call = incoming(&bench);
    let options = RejectOptions { text: Some("In a meeting".to_owned()), q850: Some(21), ..RejectOptions::default() };

    bench.tell(|phone, now| phone.reject(call, 603, &options, now)).map_err(|error| error.message).unwrap();

    let end = ends(&bench)[0];
    assert_eq!((end.status, end.q850, end.reason.as_str()), (StatusCode::new(603), Some(21), "In a meeting"));
    assert_eq!(bench.end().map(|end| (end.by, end.status)), Some((EndedBy::Local, Some(603))));
}

#[test]
fn a_broken_refusal_is_none() {
    let mut bench = bench(|_| {});
    call_page(&mut bench, Some("carol"));
    let call = incoming(&bench);
    let text = |text: &str| RejectOptions { text: Some(text.to_owned()), ..RejectOptions::default() };
    let to = |target: &str| RejectOptions { targets: vec![target.to_owned()], ..RejectOptions::default() };
    let many = RejectOptions { targets: vec!["bob".to_owned(); 9], ..RejectOptions::default() };
    let cause = RejectOptions { q850: Some(128), ..RejectOptions::default() };
    let wrong = [
        (486, text("a\r\nVia: evil")),
        (486, text(&"a".repeat(257))),
        (486, cause),
        (302, RejectOptions::default()),
        (302, to("two words")),
        (302, many),
        (486, to("bob")),
        (200, RejectOptions::default()),
        (700, RejectOptions::default()),
    ];

    for (status, options) in wrong {
        assert!(bench.tell(|phone, now| phone.reject(call, status, &options, now)).is_err(), "{status}");
    }
    assert!(bench.end().is_none(), "it still rings");
}

#[test]
fn a_call_that_nobody_answers_here_is_given_up_after_its_time() {
    let mut bench = bench(|config| config.incoming_no_answer = Some(20));
    call_page(&mut bench, Some("carol"));
    bench.pass(Duration::from_secs(19));
    assert!(bench.end().is_none());

    bench.pass(Duration::from_secs(1));

    assert_eq!(bench.end_code(), Some(ErrorCode::NoAnswer));
    assert_eq!((ends(&bench)[0].status, ends(&bench)[0].q850), (StatusCode::new(480), Some(19)));
}

#[test]
fn a_call_that_nobody_answers_there_is_cancelled_after_its_time() {
    let mut bench = bench(|config| config.outgoing_no_answer = Some(60));
    let options = CallOptions { no_answer: Some(10), ..CallOptions::default() };
    let call = bench.call_with("bob", &options);
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.ring(session, StatusCode::RINGING, None, Vec::new(), now)).unwrap();

    bench.pass(Duration::from_secs(10));

    assert!(bench.sent.contains(&"CANCEL".to_owned()), "{:?}", bench.sent);
    assert_eq!((bench.end_code(), bench.end().map(|end| end.by)), (Some(ErrorCode::NoAnswer), Some(EndedBy::System)));
}

#[test]
fn an_answered_call_has_all_the_time_there_is() {
    let mut bench = bench(|config| config.outgoing_no_answer = Some(10));
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    let answer = super::bench::sdp("them");
    bench.serve(|server, now| server.accept(session, answer, Vec::new(), now)).unwrap();

    bench.pass(Duration::from_secs(60));

    assert_eq!(bench.states().last(), Some(&CallState::Active));
    assert!(bench.end().is_none());
}
