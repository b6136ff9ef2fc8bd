//! The WebSocket as the phone sees it: opened, lost, tried again, given up.

use super::bench::Bench;
use crate::phone::Phone;
use crate::types::{ConnectionState, ErrorCode};
use sip_core::Duration;

use ConnectionState::{Connected, Connecting, Disconnected, Reconnecting};

#[test]
fn a_lost_connection_is_made_again_within_300_milliseconds() {
    let mut bench = Bench::connected();
    bench.pass(Duration::from_secs(60));

    bench.close_socket();
    bench.pass(Duration::from_millis(300));
    bench.accept_socket();

    assert_eq!(bench.connections(), [Connecting, Connected, Reconnecting, Connected]);
    assert_eq!(bench.sockets.len(), 2);
}

#[test]
fn a_server_that_stays_away_is_asked_less_and_less() {
    let mut bench = Bench::new();
    bench.tell(Phone::connect);
    for _ in 0..12 {
        bench.close_socket();
        bench.pass(Duration::from_secs(30));
    }
    let before = bench.sockets.len();
    bench.close_socket();

    bench.pass(Duration::from_secs(14));

    assert_eq!(bench.sockets.len(), before);
}

#[test]
fn a_socket_that_does_not_open_is_given_up_after_ten_seconds() {
    let mut bench = Bench::new();
    bench.tell(Phone::connect);

    bench.pass(Duration::from_millis(10_300));

    assert_eq!(bench.sockets.len(), 2);
    assert_eq!(bench.sent, ["close"]);
}

#[test]
fn coming_back_online_does_not_wait_for_the_next_attempt() {
    let mut bench = Bench::new();
    bench.tell(Phone::connect);
    bench.close_socket();

    bench.tell(Phone::handle_wake);

    assert_eq!(bench.sockets.len(), 2);
}

#[test]
fn a_dead_connection_is_noticed_ten_seconds_after_waking() {
    let mut bench = Bench::connected();
    bench.pass(Duration::from_secs(60));
    bench.answers_pings = false;

    bench.tell(Phone::handle_wake);
    bench.pass(Duration::from_secs(10));

    assert_eq!(bench.connections().last(), Some(&Reconnecting));
}

#[test]
fn a_server_that_answers_no_pings_is_not_taken_for_dead() {
    let mut bench = Bench::new();
    bench.answers_pings = false;
    bench.tell(Phone::connect);
    bench.accept_socket();

    bench.tell(Phone::handle_wake);
    bench.pass(Duration::from_secs(60));

    assert_eq!(bench.connections(), [Connecting, Connected]);
}

#[test]
fn a_call_to_a_server_that_was_never_there_fails_at_once() {
    let mut bench = Bench::new();
    let call = bench.call("bob");
    bench.describe(call, "us");

    bench.close_socket();

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionRefused));
}

#[test]
fn a_call_in_a_gap_waits_ten_seconds_for_the_connection() {
    let mut bench = Bench::connected();
    bench.pass(Duration::from_secs(60));
    bench.close_socket();
    let call = bench.call("bob");
    bench.describe(call, "us");
    bench.close_socket();
    assert!(bench.end().is_none());

    bench.pass(Duration::from_secs(10));

    assert_eq!(bench.end_code(), Some(ErrorCode::ConnectionLost));
}

#[test]
fn nothing_follows_a_disconnect() {
    let mut bench = Bench::connected();
    bench.tell(Phone::disconnect);
    bench.tell(Phone::handle_wake);
    bench.pass(Duration::from_secs(600));

    assert_eq!(bench.connections(), [Connecting, Connected, Disconnected]);
    assert_eq!(bench.sockets.len(), 1);
}

#[test]
fn keep_alives_come_seldom_where_they_are_answered() {
    let mut bench = Bench::connected();

    bench.pass(Duration::from_secs(94));
    assert_eq!(bench.sent, ["ping"], "the first shows whether they are answered");
    bench.pass(Duration::from_secs(27));

    assert_eq!(bench.sent, ["ping", "ping"]);
}

#[test]
fn a_server_that_answers_no_pings_gets_no_more_of_them() {
    let mut bench = Bench::new();
    bench.answers_pings = false;
    bench.tell(Phone::connect);
    bench.accept_socket();

    bench.pass(Duration::from_secs(600));

    assert_eq!(bench.sent, ["ping"]);
}

#[test]
fn keep_alives_come_as_the_page_says() {
    let mut bench = Bench::with(|config| config.keep_alive_ms = Some(20_000));
    bench.tell(Phone::connect);
    bench.accept_socket();

    bench.pass(Duration::from_secs(60));

    assert_eq!(bench.sent.len(), 4);
    let mut bench = Bench::with(|config| config.keep_alive_ms = Some(0));
    bench.tell(Phone::connect);
    bench.accept_socket();
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.sent.len(), 1);
}
