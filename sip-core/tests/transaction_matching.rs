//! Which transaction a message belongs to, and where its response goes (RFC 3261 §17.1.3, §17.2.3, §18.2.2).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "transactions/stack.rs"]
mod stack;

use sip_core::message::{HeaderName, StatusCode};
use sip_core::transaction::{Phase, ServerId, TransactionEvent};
use stack::{FLOW, Stack, cancelled, request};

#[test]
fn a_cancel_names_the_invite_that_it_cancels() {
    let mut stack = Stack::new();
    let invite = stack.receive(&request("INVITE", "1"));

    stack.receive_again(&request("CANCEL", "1"));
    stack.receive_again(&request("CANCEL", "2"));
    let mut elsewhere = request("CANCEL", "1");
    elsewhere.headers.set(HeaderName::Via, "SIP/2.0/UDP other.invalid;branch=z9hG4bK1;rport");
    stack.receive_again(&elsewhere);

    let named: Vec<Option<ServerId>> = stack.events[1..].iter().map(cancelled).collect();
    assert_eq!(named, [Some(invite), None, None]);
}

#[test]
fn a_copy_of_a_cancel_gets_the_same_answer() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let cancel = request("CANCEL", "1");
    stack.receive_again(&cancel);
    let TransactionEvent::Cancel { id, .. } = stack.events[1] else { panic!() };
    stack.respond(id, &cancel.reply(StatusCode::OK, Some("b"))).unwrap();

    stack.receive_again(&cancel);

    assert_eq!(stack.sent(), ["SIP/2.0 200 OK", "SIP/2.0 200 OK"]);
    assert_eq!(stack.events.len(), 2);
}

#[test]
fn a_request_that_comes_by_two_ways_is_refused_the_second_time() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut second = request("INVITE", "1");
    second.headers.set(HeaderName::Via, "SIP/2.0/UDP p2.invalid;branch=z9hG4bK2;rport");

    stack.receive_again(&second);

    assert_eq!(stack.sent(), ["SIP/2.0 482 Loop Detected"]);
    assert_eq!(stack.events.len(), 1, "the user hears of the first one");
    assert_eq!(stack.transactions.counters().merged_requests, 1);
    let mut ack = request("ACK", "2");
    ack.headers.set(HeaderName::Via, "SIP/2.0/UDP p2.invalid;branch=z9hG4bK2;rport");
    stack.receive_again(&ack);
    assert_eq!(stack.events.len(), 1, "and not of the ACK");
}

#[test]
fn a_call_forked_to_two_users_behind_one_address_is_two_calls() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut fork = request("INVITE", "2");
    fork.uri = "sip:carol@example.com".parse().unwrap();

    stack.receive(&fork);

    assert_eq!(stack.transactions.server_count(), 2);
    assert_eq!(stack.transactions.counters().merged_requests, 0);
}

#[test]
fn the_next_attempt_and_requests_in_a_dialog_are_not_merged() {
    let mut stack = Stack::new();
    stack.receive(&request("INVITE", "1"));
    let mut with_credentials = request("INVITE", "2");
    with_credentials.headers.set(HeaderName::CSeq, "2 INVITE");
    stack.receive(&with_credentials);
    for branch in ["3", "4"] {
        let mut inside = request("INVITE", branch);
        inside.headers.set(HeaderName::To, "<sip:bob@example.com>;tag=b");
        stack.receive(&inside);
    }

    assert_eq!(stack.transactions.counters().merged_requests, 0);
    assert_eq!(stack.events.len(), 4);
}

#[test]
fn responses_go_to_the_port_of_sent_by_unless_rport_asks_for_the_source() {
    for (via, port) in [
        ("SIP/2.0/UDP 192.0.2.9:5066;branch=z9hG4bK1", 5066),
        ("SIP/2.0/UDP pbx.invalid;branch=z9hG4bK2", 5060),
        ("SIP/2.0/UDP 10.0.0.1:5066;branch=z9hG4bK3;rport", 5070),
    ] {
        let mut stack = Stack::new();
        let mut options = request("OPTIONS", "1");
        options.headers.set(HeaderName::Via, via);
        let id = stack.receive(&options);
        stack.respond(id, &options.reply(StatusCode::OK, Some("b"))).unwrap();

        assert_eq!(stack.flows[0].remote, Some(format!("192.0.2.9:{port}").parse().unwrap()));
    }
}

#[test]
fn senders_of_rfc_2543_are_told_apart_without_branch() {
    let mut stack = Stack::new();
    let old = |method: &str, to: &str| {
        let mut request = request(method, "1");
        request.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.9:5070;branch=7");
        request.headers.set(HeaderName::To, to);
        request
    };
    let bob = "<sip:bob@example.com>";
    let invite = old("INVITE", bob);
    let id = stack.receive(&invite);
    stack.receive_again(&invite);
    stack.receive_again(&old("CANCEL", bob));
    assert_eq!(cancelled(&stack.events[1]), Some(id));
    stack.respond(id, &invite.reply(StatusCode::BUSY_HERE, Some("b"))).unwrap();

    stack.receive_again(&old("ACK", "<sip:bob@example.com>;tag=other"));
    assert_eq!(stack.transactions.server(id).unwrap().phase, Phase::Completed);
    stack.receive_again(&old("ACK", "<sip:bob@example.com>;tag=b"));

    assert_eq!(stack.transactions.server(id).unwrap().phase, Phase::Confirmed);
    assert_eq!(stack.transactions.counters().stray_acks, 1);
    assert_eq!(stack.events.len(), 2);
}

#[test]
fn the_ack_of_a_2xx_is_passed_on() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    let id = stack.receive(&invite);
    stack.respond(id, &invite.reply(StatusCode::OK, Some("b"))).unwrap();

    stack.receive_again(&request("ACK", "2"));

    let TransactionEvent::Ack { request: ack, flow } = &stack.events[1] else { panic!() };
    assert_eq!((ack, *flow), (&request("ACK", "2"), FLOW));
}

#[test]
fn each_2xx_of_each_fork_is_told_and_a_late_one_is_stray() {
    let mut stack = Stack::new();
    let invite = request("INVITE", "1");
    stack.send(&invite);
    for tag in ["b", "c", "b"] {
        stack.receive_response(&invite.reply(StatusCode::OK, Some(tag)));
    }
    assert_eq!(stack.events.len(), 3);

    stack.advance(32_000);
    stack.receive_response(&invite.reply(StatusCode::OK, Some("d")));

    assert!(matches!(stack.events[3], TransactionEvent::ClientTerminated { .. }));
    let TransactionEvent::StrayResponse { response, flow } = &stack.events[4] else { panic!() };
    assert_eq!((response.headers.to().unwrap().tag(), *flow), (Some("d"), FLOW));
}

#[test]
fn responses_that_are_not_ours_are_dropped_and_counted() {
    let mut stack = Stack::new();
    let options = request("OPTIONS", "1");
    stack.send(&options);
    let ok = options.reply(StatusCode::OK, Some("b"));
    let with = |name: HeaderName, value: &str| {
        let mut response = ok.clone();
        response.headers.set(name, value);
        response
    };
    let ours = ok.headers.get(&HeaderName::Via).unwrap();

    stack.receive_response(&with(HeaderName::Via, "SIP/2.0/UDP k3.invalid;branch=z9hG4bK2"));
    stack.receive_response(&with(HeaderName::CSeq, "1 BYE"));
    stack.receive_response(&with(HeaderName::Via, &format!("{ours}, {ours}")));
    assert_eq!(stack.transactions.counters().stray_responses, 3);
    stack.receive_response(&with(HeaderName::Via, "SIP/2.0/UDP k3.invalid"));
    assert_eq!(stack.transactions.counters().unmatchable, 1);

    assert_eq!(stack.events.len(), 0);
    stack.receive_response(&ok);
    assert_eq!(stack.events.len(), 1);
}
