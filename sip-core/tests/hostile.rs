//! What an agent answers to requests it cannot take, and that nothing from the network breaks it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, Side, answer, invite_of_bob, request_of_bob, uri};
use sip_core::agent::{AgentError, Config, Invite, SessionState};
use sip_core::message::{HeaderName, Message, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Flow, SocketId, Transport};

/// What Alice answers to one request of Bob's, and that nobody above was told.
fn refusal(change: impl FnOnce(&mut Request)) -> Response {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = invite_of_bob("1");
    change(&mut invite);
    alone.receive(invite);
    let Some(Message::Response(response)) = alone.sent.pop_front() else { panic!("no answer") };
    assert!(alone.told().is_empty());
    assert_eq!(alone.agent.session_count(), 0);
    assert!(response.headers.to().unwrap().tag().is_some());
    response
}

#[test]
fn an_unknown_method_is_answered_405_with_allow() {
    let response = refusal(|request| {
        request.method = Method::Other("BREW".to_owned());
        request.headers.set(HeaderName::CSeq, "1 BREW");
    });

    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        response.headers.get(&HeaderName::Allow),
        Some("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, NOTIFY")
    );
}

#[test]
fn an_extension_that_is_required_and_unknown_is_answered_420() {
    let response = refusal(|request| request.headers.push(HeaderName::Require, "100rel, x-magic"));

    assert_eq!(response.status, StatusCode::BAD_EXTENSION);
    assert_eq!(response.headers.get(&HeaderName::Unsupported), Some("100rel, x-magic"));
}

#[test]
fn an_unknown_uri_scheme_is_answered_416() {
    let response = refusal(|request| request.uri = uri("mailto:alice@example.com"));

    assert_eq!(response.status, StatusCode::UNSUPPORTED_URI_SCHEME);
}

#[test]
fn a_request_without_hops_left_is_answered_483() {
    let response = refusal(|request| request.headers.set(HeaderName::MaxForwards, "0"));

    assert_eq!(response.status, StatusCode::TOO_MANY_HOPS);
}

#[test]
fn a_body_that_is_no_sdp_is_answered_415_with_accept() {
    let response = refusal(|request| request.set_body("text/plain", "hello"));
    assert_eq!(response.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(response.headers.get(&HeaderName::Accept), Some("application/sdp"));

    let response = refusal(|request| request.headers.remove(&HeaderName::ContentType));
    assert_eq!(response.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn an_invite_without_one_contact_is_answered_400() {
    let response = refusal(|request| request.headers.remove(&HeaderName::Contact));
    assert_eq!(response.status, StatusCode::BAD_REQUEST);

    let response = refusal(|request| request.headers.set(HeaderName::Contact, "*"));
    assert_eq!(response.status, StatusCode::BAD_REQUEST);
}

#[test]
fn a_request_in_an_unknown_dialog_is_answered_481() {
    for method in [Method::Bye, Method::Invite, Method::Info, Method::Update, Method::Options] {
        let response = refusal(|request| {
            request.headers.set(HeaderName::To, "<sip:alice@192.0.2.1>;tag=gone");
            request.headers.set(HeaderName::CSeq, format!("2 {}", method.as_str()));
            request.method = method;
        });

        assert_eq!(response.status, StatusCode::CALL_DOES_NOT_EXIST);
        assert_eq!(response.headers.to().unwrap().tag(), Some("gone"));
    }
}

#[test]
fn options_is_answered_by_the_agent_also_on_its_last_hop() {
    let response = refusal(|request| {
        request.method = Method::Options;
        request.headers.set(HeaderName::CSeq, "1 OPTIONS");
        request.headers.set(HeaderName::MaxForwards, "0");
    });

    assert_eq!(response.status, StatusCode::OK);
    assert!(response.headers.has(&HeaderName::Allow) && response.headers.has(&HeaderName::Accept));
}

#[test]
fn a_request_that_comes_on_two_ways_is_answered_482() {
    let mut alone = Alone::new(Transport::Udp);
    let first = invite_of_bob("1");
    let mut second = first.clone();
    second.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKotherway");

    alone.receive(first);
    alone.receive(second);

    alone.next_response(482);
    assert_eq!(alone.told(), ["call"]);
}

#[test]
fn above_its_limit_of_sessions_an_agent_is_busy() {
    for (full_status, expected) in [(486, 486), (503, 503), (7, 486)] {
        let mut alone =
            Alone::with_config(Transport::Udp, Config { max_sessions: 2, full_status, ..Config::default() });
        for branch in ["1", "2", "3"] {
            alone.receive(invite_of_bob(branch));
        }

        let response = alone.next_response(expected);
        assert_eq!(response.headers.has(&HeaderName::RetryAfter), expected == 503);
        assert_eq!(alone.told(), ["call", "call"]);
        assert_eq!(alone.agent.counters().sessions_full, 1);
        let outgoing = Invite::new(Side::Bob.uri(), NameAddr::new(Side::Alice.uri()), alone.flow);
        assert_eq!(alone.agent.invite(outgoing, alone.now), Err(AgentError::Full));
    }
}

#[test]
fn above_its_limit_of_transactions_an_agent_answers_503() {
    let mut alone = Alone::with_config(Transport::Udp, Config { max_transactions: 10, ..Config::default() });

    for number in 0..50 {
        alone.receive(invite_of_bob(&number.to_string()));
    }

    assert_eq!(alone.story().iter().filter(|label| *label == "503 INVITE").count(), 40);
    assert_eq!(alone.agent.transaction_counters().refused_requests, 40);
    assert_eq!(alone.agent.session_count(), 10);
}

#[test]
fn a_host_that_does_not_drain_loses_messages_and_not_memory() {
    let mut alone = Alone::with_config(Transport::Udp, Config { max_outputs: 20, ..Config::default() });

    for number in 0..100 {
        alone.agent.handle_message(
            alone.flow,
            &request_of_bob(&Method::Options, &number.to_string()).write(),
            alone.now,
        );
    }
    alone.drain();

    assert_eq!((alone.sent.len(), alone.agent.counters().outputs_full), (20, 80));
}

#[test]
fn keep_alives_are_answered() {
    let mut alone = Alone::new(Transport::Ws);

    alone.receive_bytes(b"\r\n\r\n");
    alone.receive_bytes(b"\r\n");
    alone.receive_bytes(b"");

    assert_eq!(alone.raw, [b"\r\n".to_vec()]);
    assert_eq!((alone.agent.counters().keep_alives, alone.agent.counters().unparsable), (3, 0));
}

#[test]
fn broken_requests_are_answered_400_and_the_rest_is_counted() {
    let mut alone = Alone::new(Transport::Udp);
    let mut long = invite_of_bob("1").write();
    let end = long.windows(18).position(|window| window.starts_with(b"Content-Length: ")).unwrap();
    long.splice(end + 16..end + 18, *b"9999");

    alone.receive_bytes(&long);
    let response = alone.next_response(400);
    assert!(response.reason.contains("Content-Length"), "{}", response.reason);
    for text in ["hello", "INVITE", "\u{0}\u{1}\u{2}", "SIP/2.0 200 OK\r\n\r\n", "BYE sip:a SIP/3.0\r\n\r\n"] {
        alone.receive_bytes(text.as_bytes());
    }
    alone.receive_bytes(&vec![b'A'; 1_000_000]);

    assert!(alone.sent.is_empty());
    assert_eq!((alone.agent.counters().answered_unparsable, alone.agent.counters().unparsable), (1, 6));
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn messages_on_a_socket_that_is_not_open_are_dropped() {
    let mut alone = Alone::new(Transport::Udp);

    alone.agent.handle_message(Flow::connection(SocketId(77)), &invite_of_bob("1").write(), alone.now);
    alone.drain();

    assert!(alone.sent.is_empty() && alone.told().is_empty());
    assert_eq!(alone.agent.counters().unknown_socket, 1);
}

#[test]
fn an_old_cseq_in_a_dialog_is_answered_500() {
    let mut alone = Alone::new(Transport::Udp);
    alone.call();
    let ours = alone.next_request(Method::Invite);
    alone.receive(answer(&ours, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    let mut info = request_of_bob(&Method::Info, "5");
    info.headers.set(HeaderName::From, "<sip:bob@192.0.2.2:5060>;tag=b");
    info.headers.set(HeaderName::To, ours.headers.get(&HeaderName::From).unwrap());
    info.headers.set(HeaderName::CallId, ours.headers.call_id().unwrap());
    let mut late = info.clone();
    info.headers.set(HeaderName::CSeq, "5 INFO");
    late.headers.set(HeaderName::CSeq, "4 INFO");
    late.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKlate");
    alone.told();

    alone.receive(info);
    alone.receive(late);

    assert_eq!(alone.told(), ["INFO"]);
    alone.next_response(500);
}

#[test]
fn a_stranger_who_guesses_only_half_of_a_dialog_gets_481() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let ours = alone.next_request(Method::Invite);
    alone.receive(answer(&ours, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    let mut bye = request_of_bob(&Method::Bye, "6");
    bye.headers.set(HeaderName::To, ours.headers.get(&HeaderName::From).unwrap());
    bye.headers.set(HeaderName::CallId, ours.headers.call_id().unwrap());

    alone.receive(bye);

    alone.next_response(481);
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed);
}

#[test]
fn a_second_invite_while_it_rings_is_a_matter_of_its_own_session() {
    let mut alone = Alone::new(Transport::Udp);
    alone.receive(invite_of_bob("1"));
    let session = alone.incoming_call();
    alone.agent.ring(session, StatusCode::RINGING, None, Vec::new(), alone.now).unwrap();
    alone.drain();
    let ringing = alone.next_response(180);
    let mut second = invite_of_bob("1");
    second.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKre");
    second.headers.set(HeaderName::To, ringing.headers.get(&HeaderName::To).unwrap());
    second.headers.set(HeaderName::CSeq, "2 INVITE");

    alone.receive(second);

    let not_yet = alone.next_response(500);
    assert!(not_yet.headers.retry_after().is_some_and(|seconds| seconds <= 10), "RFC 3261 §14.2");
    assert_eq!(alone.agent.session(session).unwrap().state, SessionState::Ringing);
}

#[test]
fn a_reinvite_with_a_foreign_body_is_answered_415_and_the_call_goes_on() {
    let mut alone = Alone::new(Transport::Udp);
    alone.receive(invite_of_bob("1"));
    let session = alone.incoming_call();
    alone.agent.accept(session, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    let ok = alone.next_response(200);
    let to = ok.headers.get(&HeaderName::To).unwrap();
    let mut ack = request_of_bob(&Method::Ack, "1");
    ack.headers.set(HeaderName::To, to);
    ack.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKack");
    alone.receive(ack);
    let mut foreign = invite_of_bob("1");
    foreign.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKre");
    foreign.headers.set(HeaderName::To, to);
    foreign.headers.set(HeaderName::CSeq, "2 INVITE");
    foreign.set_body("application/xml", "<x/>");

    alone.receive(foreign);

    alone.next_response(415);
    assert_eq!(alone.told(), ["confirmed"]);
    assert_eq!(alone.agent.session(session).unwrap().state, SessionState::Confirmed);
}

#[test]
fn responses_and_acks_that_fit_nothing_are_counted() {
    let mut alone = Alone::new(Transport::Udp);
    let mut ok = invite_of_bob("1").reply(StatusCode::OK, Some("x"));
    ok.headers.push(HeaderName::Contact, "<sip:bob@192.0.2.2>");
    let mut ack = request_of_bob(&Method::Ack, "2");
    ack.headers.set(HeaderName::To, "<sip:alice@192.0.2.1>;tag=none");

    alone.receive(ok);
    alone.receive(ack);

    assert!(alone.sent.is_empty() && alone.told().is_empty());
    assert_eq!((alone.agent.counters().stray_responses, alone.agent.counters().stray_acks), (1, 1));
}

#[test]
fn a_2xx_without_tag_and_contact_still_makes_a_call() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let ours = alone.next_request(Method::Invite);
    let mut ok = ours.reply(StatusCode::OK, None);
    ok.set_body("application/sdp", ANSWER);

    alone.receive(ok.clone());
    alone.receive(ok);

    assert_eq!(alone.story(), ["ACK", "ACK"]);
    assert_eq!(alone.told(), ["accepted"]);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    assert_eq!(alone.next_request(Method::Bye).uri, Side::Bob.uri());
}
