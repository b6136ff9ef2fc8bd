//! Offers that come late, reliable responses and early changes, as the page's peer connection meets them.

use sip_core::agent::{Event, Reliability, SessionEvent};
use sip_core::message::StatusCode;

use super::bench::{Bench, Wish, sdp};
use crate::types::{CallOptions, CallState};

/// A server that knows 100rel.
fn reliable() -> Bench {
    let mut bench = Bench::serving(|config| config.reliability = Reliability::Supported);
    bench.tell(super::super::Phone::connect);
    bench.accept_socket();
    bench
}

fn delayed(bench: &mut Bench) -> u32 {
    bench.call_with("bob", &CallOptions { offer: Some("delayed".to_owned()), ..CallOptions::default() })
}

fn answers(bench: &Bench) -> Vec<Option<String>> {
    let answer = |event: &Event| match event {
        Event::Session { event: SessionEvent::Confirmed { answer }, .. } => Some(answer.clone()),
        Event::Session { event: SessionEvent::Answered { result: Ok(answer), .. }, .. } => Some(answer.clone()),
        _ => None,
    };
    bench.server_events.iter().filter_map(answer).collect()
}

#[test]
fn a_delayed_call_leaves_at_once_and_answers_in_the_ack() {
    let mut bench = Bench::connected();
    let call = delayed(&mut bench);
    assert!(bench.wishes.is_empty(), "no microphone yet");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();
    assert_eq!(bench.wishes, [Wish::Answer(sdp("them"))]);
    bench.describe(call, "us");

    assert_eq!(answers(&bench), [Some(sdp("us"))]);
    assert_eq!(bench.states(), [CallState::Calling, CallState::Active]);
}

#[test]
fn a_delayed_call_answers_an_early_offer_in_the_prack() {
    let mut bench = reliable();
    let call = delayed(&mut bench);
    let session = bench.incoming_at_server();
    let status = StatusCode::SESSION_PROGRESS;
    bench.serve(|server, now| server.ring(session, status, Some(sdp("them")), Vec::new(), now)).unwrap();
    bench.describe(call, "us");
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();

    assert_eq!(bench.wishes, [Wish::Answer(sdp("them"))], "once");
    assert_eq!(answers(&bench), [Some(sdp("us")), None]);
    assert_eq!(bench.states(), [CallState::Calling, CallState::Early, CallState::Active]);
}

#[test]
fn an_update_while_it_rings_is_answered_by_the_peer_connection() {
    let mut bench = reliable();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    let status = StatusCode::SESSION_PROGRESS;
    bench.serve(|server, now| server.ring(session, status, Some(sdp("them")), Vec::new(), now)).unwrap();
    bench.serve(|server, now| server.offer(session, sdp("moved"), now)).unwrap();
    bench.describe(call, "again");
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();

    assert_eq!(bench.wishes, [Wish::Offer(false), Wish::Apply(sdp("them")), Wish::Answer(sdp("moved"))]);
    assert_eq!(answers(&bench), [Some(sdp("again")), None]);
    assert_eq!(bench.states().last(), Some(&CallState::Active));
}
