//! Several servers, a page's own policy, and calls that live while there is no connection.

use super::bench::{Bench, sdp};
use crate::phone::Phone;
use crate::types::{ConnectionState, CoreEvent, ErrorCode};
use sip_core::message::HeaderName;
use sip_core::{Duration, Flow};

/// A phone with three servers, which prefers the second.
fn three() -> Bench {
    Bench::with(|config| {
        let server = |name: &str, weight| (format!("wss://{name}.example.com/sip"), weight);
        config.servers = vec![server("one", 1), server("two", 9), server("three", 5)];
    })
}

fn last_change(bench: &Bench) -> (Option<u32>, Option<u32>, Option<String>) {
    let change = bench.events.iter().rev().find_map(|event| match event {
        CoreEvent::ConnectionChange { retry_in_ms, attempt, server, .. } => {
            Some((*retry_in_ms, *attempt, server.clone()))
        }
        _ => None,
    });
    change.unwrap()
}

#[test]
fn servers_are_tried_by_weight_without_waiting_and_then_with_patience() {
    let mut bench = three();
    bench.tell(Phone::connect);
    for _ in 0..2 {
        bench.close_socket();
        assert!(last_change(&bench).0.unwrap() <= 150, "another server is left");
        bench.pass(Duration::from_millis(150));
    }
    bench.close_socket();
    assert!((150..=300).contains(&last_change(&bench).0.unwrap()), "all have failed");
    bench.pass(Duration::from_millis(300));

    assert_eq!(bench.servers, [1, 2, 0, 1]);
    assert_eq!(last_change(&bench).1, Some(3));
}

#[test]
fn a_server_that_served_is_tried_again_before_the_others() {
    let mut bench = three();
    bench.tell(Phone::connect);
    bench.accept_socket();
    assert_eq!(last_change(&bench).2.as_deref(), Some("wss://two.example.com/sip"));
    bench.pass(Duration::from_secs(60));

    bench.close_socket();
    bench.pass(Duration::from_millis(300));
    bench.close_socket();
    bench.pass(Duration::from_millis(150));
    bench.accept_socket();

    assert_eq!(bench.servers, [1, 1, 2]);
    assert_eq!(last_change(&bench).2.as_deref(), Some("wss://three.example.com/sip"));
}

#[test]
fn an_overloaded_server_is_left_for_another_as_long_as_it_asks() {
    let mut bench = three();
    bench.tell(Phone::connect);
    bench.accept_socket();
    bench.tell(Phone::register).map_err(|error| error.message).unwrap();
    let (id, _) = bench.take_registers().remove(0);

    bench.refuse(id, 503, Some((HeaderName::RetryAfter, "60")));
    bench.pass(Duration::from_millis(150));
    bench.accept_socket();
    let register = bench.take_registers().remove(0);
    bench.grant(register);
    bench.pass(Duration::from_secs(30));
    bench.close_socket();
    bench.pass(Duration::from_millis(300));

    assert_eq!(bench.servers, [1, 2, 2], "not the preferred one, which wants its minute");
}

#[test]
fn the_page_may_say_when_to_try_again_and_when_to_stop() {
    let mut bench = Bench::new();
    bench.tell(Phone::connect);
    bench.close_socket();

    bench.tell(|phone, now| phone.retry_in(5_000, now));
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.sockets.len(), 1);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.sockets.len(), 2);

    bench.close_socket();
    bench.tell(Phone::give_up);
    bench.pass(Duration::from_secs(3_600));
    assert_eq!(bench.sockets.len(), 2);
    assert_eq!(bench.connections().last(), Some(&ConnectionState::Disconnected));
}

#[test]
fn a_call_outlives_its_connection() {
    let (mut bench, _, session) = Bench::in_call();
    let old = bench.socket.unwrap();

    bench.close_socket();
    bench.serve(|server, now| server.handle_socket_lost(old, Duration::from_secs(30), now));
    bench.pass(Duration::from_secs(3));
    bench.accept_socket();
    assert!(bench.sent.ends_with(&["ping".to_owned(), "OPTIONS".to_owned()]), "{:?}", bench.sent);

    let moved = bench.server.session(session).unwrap().flow;
    assert_eq!(Some(moved), bench.socket.map(Flow::connection), "the server has heard from us");
    bench.pass(Duration::from_secs(60));
    assert!(bench.end().is_none());
    bench.serve(|server, now| server.hang_up(session, None, now)).unwrap();
    assert_eq!(bench.end_code(), None);
    assert!(bench.end().is_some());
}

#[test]
fn a_call_that_was_hung_up_in_the_gap_is_hung_up_after_it() {
    let (mut bench, call, _) = Bench::in_call();
    let old = bench.socket.unwrap();
    bench.close_socket();
    bench.serve(|server, now| server.handle_socket_lost(old, Duration::from_secs(30), now));

    bench.tell(|phone, now| phone.hang_up(call, now));
    assert!(!bench.server_ended());
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();

    assert!(bench.server_ended());
}

#[test]
fn a_call_that_the_server_has_forgotten_ends_when_the_connection_is_back() {
    let (mut bench, ..) = Bench::in_call();
    let old = bench.socket.unwrap();
    bench.close_socket();
    bench.serve(|server, now| server.handle_socket_closed(old, now));

    bench.pass(Duration::from_millis(300));
    bench.accept_socket();

    assert_eq!(bench.end().and_then(|end| end.status), Some(481));
}

#[test]
fn a_call_ends_when_its_connection_stays_away() {
    let (mut bench, ..) = Bench::in_call();
    bench.close_socket();

    bench.pass(Duration::from_secs(29));
    assert!(bench.end().is_none());
    bench.pass(Duration::from_secs(1));

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionLost));
}

#[test]
fn without_recovery_a_call_ends_with_its_connection() {
    let mut bench = Bench::with(|config| config.call_recovery = Some(0));
    bench.tell(Phone::connect);
    bench.accept_socket();
    let call = bench.call("bob");
    bench.describe(call, "us");
    let session = bench.incoming_at_server();
    bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();

    bench.close_socket();

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionLost));
}

#[test]
fn disconnecting_in_the_gap_ends_what_waits() {
    let (mut bench, ..) = Bench::in_call();
    bench.close_socket();

    bench.tell(Phone::disconnect);
    bench.pass(Duration::from_secs(60));

    assert!(bench.end().is_some());
    assert_eq!(bench.connections().last(), Some(&ConnectionState::Disconnected));
}
