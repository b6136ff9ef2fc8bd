//! How calls end: refused, redirected, unreachable, hung up, torn off (RFC 3261 §13.2.2, §15, §17.1.1).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, OFFER, Pair, Side, answer, request_of_bob, uri};
use sip_core::agent::{AgentError, EndedBy, Failure, LocalSocket, Reason};
use sip_core::message::{HeaderName, Method, StatusCode};
use sip_core::{Duration, Flow, SocketId, Transport};

#[test]
fn a_busy_callee_ends_the_call_with_486() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();

    pair.bob
        .agent
        .reject(bob, StatusCode::BUSY_HERE, Some("On another call".to_owned()), Vec::new(), pair.now)
        .unwrap();
    pair.settle();

    assert_eq!(pair.story(), ["alice INVITE", "bob 486 INVITE", "alice ACK"]);
    let end = pair.alice.end();
    assert_eq!(
        (end.by, end.status, end.reason.as_str()),
        (EndedBy::Remote, Some(StatusCode::BUSY_HERE), "On another call")
    );
    assert_eq!(end.response.unwrap().status, StatusCode::BUSY_HERE);
    let end = pair.bob.end();
    assert_eq!((end.by, end.status), (EndedBy::Local, Some(StatusCode::BUSY_HERE)));
}

#[test]
fn a_redirection_ends_the_call_and_brings_its_targets() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();

    let target = vec![(HeaderName::Contact, "<sip:carol@192.0.2.3>".to_owned())];
    pair.bob.agent.reject(bob, StatusCode::MOVED_TEMPORARILY, None, target, pair.now).unwrap();
    pair.settle();

    let end = pair.alice.end();
    assert_eq!((end.by, end.status), (EndedBy::Remote, Some(StatusCode::MOVED_TEMPORARILY)));
    assert_eq!(end.response.unwrap().headers.get(&HeaderName::Contact), Some("<sip:carol@192.0.2.3>"));
}

#[test]
fn nobody_there_ends_the_call_after_64_t1() {
    let mut pair = Pair::udp();
    pair.link(|_, _| pair::Fate::IsLost);

    pair.call();
    pair.pass(Duration::from_secs(31));
    assert!(pair.alice.told().is_empty());
    pair.pass(Duration::from_secs(2));

    assert_eq!(pair.sent("INVITE").len(), 7, "at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s");
    let end = pair.alice.end();
    assert_eq!((end.by, end.status, end.failure), (EndedBy::System, None, Some(Failure::Timeout)));
    assert_eq!(pair.alice.agent.session_count(), 0);
}

#[test]
fn an_unreachable_port_ends_the_call_at_once() {
    let mut pair = Pair::udp();
    let flow = pair.flow(Side::Alice);
    pair.call();

    pair.alice.agent.handle_flow_failed(flow, pair.now);
    pair.settle();

    assert_eq!(pair.alice.end().failure, Some(Failure::TransportFailed));
}

#[test]
fn a_lost_socket_ends_its_sessions_at_once() {
    let mut pair = Pair::new(Transport::Ws);
    let (alice, _) = pair.established();
    let flow = pair.flow(Side::Alice);

    pair.alice.agent.handle_socket_closed(flow.socket, pair.now);
    pair.settle();

    let end = pair.alice.end();
    assert_eq!((end.by, end.failure), (EndedBy::System, Some(Failure::TransportFailed)));
    assert_eq!(pair.alice.agent.hang_up(alice, None, pair.now), Err(AgentError::UnknownSession(alice)));
    assert!(pair.story().is_empty());
}

#[test]
fn a_session_that_moved_survives_its_old_socket() {
    let mut alone = Alone::new(Transport::Ws);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    let other = Flow::connection(SocketId(9));
    let contact = uri("sip:alice@other.invalid;transport=ws");
    alone.agent.open_socket(
        other.socket,
        LocalSocket { transport: Transport::Ws, sent_by: "other.invalid".to_owned(), contact },
    );

    alone.agent.rebind(id, other).unwrap();
    alone.agent.handle_socket_closed(alone.flow.socket, alone.now);
    alone.drain();
    assert_eq!(alone.told(), ["accepted"]);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();

    let bye = alone.next_request(Method::Bye);
    assert_eq!(bye.headers.via().unwrap().host.to_string(), "other.invalid");
}

#[test]
fn a_reason_travels_in_the_bye() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.established();

    pair.alice.agent.hang_up(alice, Some(Reason::q850(31, "Normal, unspecified")), pair.now).unwrap();
    pair.settle();

    assert_eq!(
        pair.request("BYE").headers.get(&HeaderName::Reason),
        Some("Q.850;cause=31;text=\"Normal, unspecified\"")
    );
    let end = pair.bob.end();
    assert_eq!(
        (end.by, end.status, end.q850, end.reason.as_str()),
        (EndedBy::Remote, None, Some(31), "Normal, unspecified")
    );
}

#[test]
fn a_bye_that_is_not_understood_ends_the_call_all_the_same() {
    for status in [481, 408, 500, 403] {
        let mut alone = Alone::new(Transport::Udp);
        let id = alone.call();
        let invite = alone.next_request(Method::Invite);
        alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
        alone.next_request(Method::Ack);

        alone.agent.hang_up(id, None, alone.now).unwrap();
        alone.drain();
        let bye = alone.next_request(Method::Bye);
        alone.receive(answer(&bye, status, "", None));

        assert_eq!(alone.end().by, EndedBy::Local);
        assert_eq!(alone.agent.session_count(), 0);
    }
}

#[test]
fn a_bye_without_answer_ends_the_call_all_the_same() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.established();
    pair.link(|_, _| pair::Fate::IsLost);

    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.pass(Duration::from_secs(33));

    assert_eq!(pair.alice.end().by, EndedBy::Local);
    assert_eq!(pair.alice.agent.session_count(), 0);
    assert_eq!(pair.sent("BYE").len(), 11);
}

#[test]
fn byes_that_cross_end_the_call_on_both_sides() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();

    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.sent("200 BYE").len(), 2);
    assert_eq!((pair.alice.end().by, pair.bob.end().by), (EndedBy::Local, EndedBy::Local));
}

#[test]
fn after_our_bye_only_theirs_is_taken() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    alone.next_request(Method::Bye);
    alone.told();

    for (number, (method, status)) in
        [(Method::Info, 481), (Method::Invite, 481), (Method::Bye, 200)].into_iter().enumerate()
    {
        let mut request = request_of_bob(&method, &format!("late{number}"));
        request.headers.set(HeaderName::From, format!("{};tag=b", invite.headers.get(&HeaderName::To).unwrap()));
        request.headers.set(HeaderName::To, invite.headers.get(&HeaderName::From).unwrap());
        request.headers.set(HeaderName::CallId, invite.headers.call_id().unwrap());
        request.headers.set(HeaderName::CSeq, format!("{} {}", number + 1, method.as_str()));
        alone.receive(request);
        alone.next_response(status);
    }
    assert!(alone.told().is_empty(), "Ended was the last event");
}

#[test]
fn an_offer_on_a_connection_that_breaks_follows_the_session() {
    let mut alone = Alone::new(Transport::Ws);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.agent.offer(id, OFFER.to_owned(), alone.now).unwrap();
    alone.drain();
    let first = alone.next_request(Method::Invite);
    let other = Flow::connection(SocketId(9));
    let contact = uri("sip:alice@other.invalid;transport=ws");
    alone.agent.open_socket(
        other.socket,
        LocalSocket { transport: Transport::Ws, sent_by: "other.invalid".to_owned(), contact },
    );

    alone.agent.rebind(id, other).unwrap();
    alone.agent.handle_socket_closed(alone.flow.socket, alone.now);
    alone.flow = other;
    alone.drain();
    alone.pass(Duration::from_millis(1));
    let second = alone.next_request(Method::Invite);
    alone.receive(answer(&second, 200, "b", Some(ANSWER)));

    assert_eq!((first.body.as_slice(), second.body.as_slice()), (OFFER.as_bytes(), OFFER.as_bytes()));
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_eq!(alone.told(), ["accepted", "answered"]);
}
