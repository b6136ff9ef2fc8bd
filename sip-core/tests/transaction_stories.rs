//! What the tables of `transactions.md` do not show: schedules, ends, limits.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "transactions/stack.rs"]
mod stack;

use sip_core::message::{HeaderName, Request, StatusCode};
use sip_core::transaction::{Limits, NoTransaction, RequestError, TransactionEvent};
use sip_core::{Duration, Flow, SocketId, Transport};
use stack::{FLOW, Stack, UDP, cancelled, request};

#[test]
fn an_unanswered_invite_is_sent_seven_times_in_32_seconds() {
    let mut stack = Stack::new();
    let id = stack.send(&request("INVITE", "1"));

    let (sent, end) = stack.run_out();

    assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[0], TransactionEvent::Timeout { id: of } if of == id));
    assert!(stack.copies.windows(2).all(|pair| pair[0] == pair[1]), "every copy is the same");
}

#[test]
fn an_unanswered_request_is_sent_eleven_times_no_more_than_t2_apart() {
    let mut stack = Stack::new();
    let id = stack.send(&request("BYE", "1"));

    let (sent, end) = stack.run_out();

    let expected = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(sent, expected);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[0], TransactionEvent::Timeout { id: of } if of == id));
}

#[test]
fn after_a_provisional_response_a_request_is_sent_every_t2() {
    let mut stack = Stack::new();
    let bye = request("BYE", "1");
    stack.send(&bye);
    stack.receive_response(&bye.reply(StatusCode::TRYING, None));

    let (sent, end) = stack.run_out();

    assert_eq!(sent, [0, 500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500]);
    assert_eq!(end, 32_000);
}

#[test]
fn a_refusal_without_ack_is_sent_eleven_times_and_reported() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.receive(&invite);
    stack.respond(id, &invite.reply(StatusCode::BUSY_HERE, Some("b"))).unwrap();

    let (sent, end) = stack.run_out();

    assert_eq!(sent.len(), 11);
    assert_eq!(end, 32_000);
    assert!(matches!(stack.events[1], TransactionEvent::AckTimeout { id: of } if of == id));
}

#[test]
fn a_silent_invite_gets_its_100_after_200_ms_and_copies_get_it_again() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    stack.receive(&invite);
    stack.receive_again(&invite);
    assert_eq!(stack.sent(), [""; 0]);

    stack.advance(200);
    assert_eq!(stack.sent(), ["SIP/2.0 100 Trying"]);
    stack.receive_again(&invite);

    assert_eq!(stack.sent(), ["SIP/2.0 100 Trying"]);
    assert_eq!(stack.events.len(), 1, "copies are not told");
}

#[test]
fn above_the_limit_requests_are_answered_503_and_forgotten() {
    let limits = Limits { clients: 1, servers: 1 };
    let mut stack = Stack::with_limits(limits);
    stack.receive(&request("INVITE", "1"));
    let mut other = request("OPTIONS", "2");
    other.headers.set(HeaderName::CallId, "other");

    stack.receive_again(&other);
    stack.receive_again(&other);

    let [first, second] = &stack.copies[..] else { panic!("two answers") };
    assert_eq!(first, second, "with the same tag");
    assert!(first.starts_with("SIP/2.0 503 Service Unavailable\r\n"));
    assert_eq!(stack.transactions.server_count(), 1);
    assert_eq!(stack.transactions.counters().refused_requests, 2);

    stack.receive_again(&request("CANCEL", "1"));
    assert!(cancelled(&stack.events[1]).is_some(), "the CANCEL of what runs is let in");

    stack.send(&request("OPTIONS", "3"));
    let refused = stack.transactions.request(request("OPTIONS", "4"), FLOW, UDP, stack.now);
    assert_eq!(refused, Err(RequestError::Full));
    assert_eq!(stack.transactions.counters().refused_clients, 1);
}

#[test]
fn requests_without_a_transaction_are_refused() {
    let mut stack = Stack::new();
    stack.send(&request("OPTIONS", "1"));
    let mut refused = |request: Request| stack.transactions.request(request, FLOW, UDP, stack.now);
    let mut bare = request("OPTIONS", "2");
    bare.headers.remove(&HeaderName::Via);

    assert_eq!(refused(request("OPTIONS", "1")), Err(RequestError::BranchInUse));
    assert_eq!(refused(request("OPTIONS", "")), Err(RequestError::NoBranch));
    assert_eq!(refused(bare), Err(RequestError::NoBranch));
    assert_eq!(refused(request("ACK", "3")), Err(RequestError::Ack));
}

#[test]
fn what_is_over_cannot_be_answered() {
    let mut stack = Stack::new();
    let options = request("OPTIONS", "1");
    let id = stack.receive(&options);
    let ok = options.reply(StatusCode::OK, Some("b"));
    stack.respond(id, &ok).unwrap();

    assert_eq!(stack.respond(id, &ok), Err(NoTransaction));
    stack.advance(32_000);

    assert_eq!(stack.transactions.server_count(), 0);
    assert_eq!(stack.respond(id, &ok), Err(NoTransaction));
}

#[test]
fn the_invite_is_there_for_its_cancel_and_its_ack_while_it_runs() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.send(&invite);
    let options = stack.send(&request("OPTIONS", "2"));

    assert_eq!(stack.transactions.invite_request(id), Some(&invite));
    assert_eq!(stack.transactions.invite_request(options), None);
    stack.receive_response(&invite.reply(StatusCode::OK, Some("b")));
    assert_eq!(stack.transactions.invite_request(id), Some(&invite));
    stack.advance(32_000);
    assert_eq!(stack.transactions.invite_request(id), None);
}

#[test]
fn a_closed_socket_takes_its_own_transactions_with_it() {
    let mut stack = Stack::new();
    let here = stack.send(&request("OPTIONS", "1"));
    let there = Flow::connection(SocketId(8));
    let elsewhere = stack.transactions.request(request("OPTIONS", "2"), there, Transport::Ws, stack.now);
    stack.receive(&request("INVITE", "3"));

    stack.transactions.handle_socket_closed(FLOW.socket, stack.now);
    stack.drain();

    assert_eq!((stack.transactions.client_count(), stack.transactions.server_count()), (1, 0));
    assert!(stack.transactions.client(elsewhere.unwrap()).is_some());
    let failed = |event: &&TransactionEvent| matches!(event, TransactionEvent::TransportFailed { id } if *id == here);
    assert_eq!(stack.events.iter().filter(failed).count(), 1);
}

#[test]
fn an_unreachable_address_fails_its_own_flow() {
    let mut stack = Stack::new();
    let here = stack.send(&request("OPTIONS", "1"));
    let there = Flow::datagram(FLOW.socket, "192.0.2.10:5060".parse().unwrap());
    let elsewhere = stack.transactions.request(request("OPTIONS", "2"), there, UDP, stack.now);

    stack.transactions.handle_flow_failed(FLOW, stack.now);

    assert!(stack.transactions.client(here).is_none());
    assert!(stack.transactions.client(elsewhere.unwrap()).is_some());
}

#[test]
fn a_host_that_wakes_late_sends_one_copy_not_all_that_it_missed() {
    let mut stack = Stack::new();
    stack.send(&request("OPTIONS", "1"));
    stack.copies.clear();

    stack.now += Duration::from_millis(20_000);
    stack.transactions.handle_timeout(stack.now);
    stack.drain();

    assert_eq!(stack.copies.len(), 1);
}

#[test]
fn thousands_of_transactions_end_and_leave_nothing() {
    let mut stack = Stack::new();
    for number in 0..1_500 {
        stack.send(&request("INVITE", &format!("c{number}")));
        let mut invite = request("INVITE", &format!("s{number}"));
        invite.headers.set(HeaderName::CallId, format!("call-{number}"));
        let id = stack.receive(&invite);
        stack.respond(id, &invite.reply(StatusCode::DECLINE, Some("b"))).unwrap();
    }
    assert_eq!(stack.transactions.client_count() + stack.transactions.server_count(), 3_000);

    stack.run_out();

    assert_eq!(stack.transactions.client_count() + stack.transactions.server_count(), 0);
    assert_eq!(stack.transactions.next_timeout(), None);
}
