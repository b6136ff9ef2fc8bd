//! The call flows of RFC 3665 §3 as far as they concern end points, and what else happens inside a call.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, OFFER, Pair, Side, answer, uri};
use sip_core::agent::{AgentError, EndedBy, Event, Invite, SessionEvent, SessionState};
use sip_core::message::{HeaderName, Method, NameAddr, StatusCode};
use sip_core::{Duration, Transport};

#[test]
fn a_call_is_set_up_and_hung_up_by_the_callee() {
    let mut pair = Pair::udp();

    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();
    assert_eq!(pair.alice.told(), ["180", "accepted"]);
    assert_eq!(pair.alice.agent.session(alice).unwrap().state, SessionState::Confirmed);
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    pair.settle();

    assert_eq!(
        pair.story(),
        ["alice INVITE", "bob 180 INVITE", "bob 200 INVITE", "alice ACK", "bob BYE", "alice 200 BYE"]
    );
    let ends = (pair.alice.end(), pair.bob.end());
    assert_eq!((ends.0.by, ends.0.status), (EndedBy::Remote, None));
    assert_eq!((ends.1.by, ends.1.status), (EndedBy::Local, None));
    assert_eq!((pair.alice.agent.session_count(), pair.bob.agent.session_count()), (0, 0));
}

#[test]
fn the_messages_of_a_call_carry_what_rfc_3261_asks_for() {
    let mut pair = Pair::udp();

    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    pair.settle();

    let invite = pair.request("INVITE");
    let via = invite.headers.via().unwrap();
    assert!(via.branch().unwrap().starts_with("z9hG4bK"));
    assert!(via.params.has("rport"));
    assert_eq!(invite.uri, uri("sip:bob@192.0.2.2:5060"));
    assert_eq!(invite.headers.max_forwards(), Some(70));
    assert_eq!(invite.headers.get(&HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert_eq!(
        invite.headers.get(&HeaderName::Allow),
        Some("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, NOTIFY")
    );
    assert_eq!(invite.headers.to().unwrap().tag(), None);
    assert_eq!(
        (invite.headers.content_type().unwrap().value.as_str(), &invite.body[..]),
        ("application/sdp", OFFER.as_bytes())
    );
    let ok = pair.response("200 INVITE");
    assert_eq!(ok.headers.get(&HeaderName::Contact), Some("<sip:bob@192.0.2.2:5060>"));
    assert!(ok.headers.has(&HeaderName::Allow));
    assert_eq!(ok.body, ANSWER.as_bytes());
    let ack = pair.request("ACK");
    assert_eq!(ack.headers.cseq().unwrap().number, invite.headers.cseq().unwrap().number);
    assert_eq!(ack.headers.to().unwrap().tag(), ok.headers.to().unwrap().tag());
    assert_ne!(ack.headers.via().unwrap().branch(), via.branch());
    assert_eq!(ack.uri, uri("sip:bob@192.0.2.2:5060"));
    let bye = pair.request("BYE");
    assert_eq!(bye.uri, uri("sip:alice@192.0.2.1:5060"));
    assert_eq!(bye.headers.from().unwrap().tag(), ok.headers.to().unwrap().tag());
    assert_eq!(bye.headers.to().unwrap().tag(), invite.headers.from().unwrap().tag());
    assert_eq!(bye.headers.call_id(), invite.headers.call_id());
    assert!(!bye.headers.has(&HeaderName::Contact));
}

#[test]
fn over_websocket_nothing_is_repeated_but_the_2xx() {
    let mut pair = Pair::new(Transport::Wss);

    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.link(|_, _| pair::Fate::IsLost);
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.pass(Duration::from_secs(3));

    assert_eq!(pair.sent("INVITE").len(), 1);
    assert_eq!(pair.sent("200 INVITE").len(), 3, "at 0, 0.5 and 1.5 s");
    assert_eq!(
        pair.request("INVITE").headers.via().unwrap().to_string().split(';').next(),
        Some("SIP/2.0/WSS df7jal23ls0d.invalid")
    );
    assert!(!pair.request("INVITE").headers.via().unwrap().params.has("rport"));
}

#[test]
fn an_early_answer_is_told_with_its_dialog() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();

    pair.bob.agent.ring(bob, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_owned()), Vec::new(), pair.now).unwrap();
    pair.settle();

    let Some(Event::Session { event: SessionEvent::Progress { response, answer }, .. }) = pair.alice.events.pop_front()
    else {
        panic!("no progress")
    };
    assert_eq!(answer.as_deref(), Some(ANSWER));
    assert_eq!(response.headers.get(&HeaderName::Contact), Some("<sip:bob@192.0.2.2:5060>"));
    assert_eq!(response.headers.to().unwrap().tag(), Some(pair.bob.agent.session(bob).unwrap().local_tag));
}

#[test]
fn ringing_is_repeated_every_minute() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();

    pair.pass(Duration::from_secs(150));

    let times: Vec<u64> = pair.sent("180 INVITE").iter().map(|sent| sent.at.since(pair.log[0].at).as_secs()).collect();
    assert_eq!(times, [0, 60, 120]);
}

#[test]
fn info_goes_to_the_application_and_its_answer_back() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();

    let digits = Some(("application/dtmf-relay".to_owned(), b"Signal=5\r\nDuration=160\r\n".to_vec()));
    let asked = pair.alice.agent.session_request(alice, Method::Info, Vec::new(), digits, pair.now).unwrap();
    pair.settle();
    let Some(Event::Request { id, session, request, .. }) = pair.bob.events.pop_front() else { panic!() };
    assert_eq!((session, &request.body[..]), (Some(bob), &b"Signal=5\r\nDuration=160\r\n"[..]));
    pair.bob.agent.respond(id, sip_core::agent::Reply::new(StatusCode::OK), pair.now).unwrap();
    pair.settle();

    let Some(Event::Response { id, response }) = pair.alice.events.pop_front() else { panic!() };
    assert_eq!((id, response.status), (asked, StatusCode::OK));
    assert_eq!(response.headers.cseq().unwrap().number, 2);
}

#[test]
fn a_request_nobody_answers_is_answered_500_before_its_sender_gives_up() {
    let mut pair = Pair::new(Transport::Tcp);
    let (alice, _) = pair.established();

    pair.alice.agent.session_request(alice, Method::Info, Vec::new(), None, pair.now).unwrap();
    pair.pass(Duration::from_secs(33));

    assert_eq!(pair.bob.told(), ["INFO"]);
    assert_eq!(pair.bob.agent.counters().unanswered_requests, 1);
    assert_eq!(pair.sent("500 INFO").len(), 1);
    assert_eq!(pair.alice.told(), ["response 500"], "and the call goes on");
}

#[test]
fn commands_of_the_wrong_moment_are_refused_and_change_nothing() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();

    let ring = pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now);
    let accept = pair.alice.agent.accept(alice, ANSWER.to_owned(), Vec::new(), pair.now);
    let answer = pair.bob.agent.answer_offer(bob, Ok(ANSWER.to_owned()), pair.now);
    let injected = vec![(HeaderName::other("X-A"), "a\r\nVia: b".to_owned())];
    let info = pair.bob.agent.session_request(bob, Method::Info, injected, None, pair.now);
    let invite = pair.bob.agent.session_request(bob, Method::Invite, Vec::new(), None, pair.now);
    pair.settle();

    assert_eq!(ring, Err(AgentError::WrongState { command: "ring", state: "confirmed" }));
    assert_eq!(accept, Err(AgentError::WrongState { command: "accept", state: "confirmed" }));
    assert_eq!(answer, Err(AgentError::WrongState { command: "answer_offer", state: "no offer is open" }));
    assert_eq!(info, Err(AgentError::InvalidHeader { name: "X-A".to_owned() }));
    assert_eq!(invite, Err(AgentError::WrongMethod("INVITE".to_owned())));
    assert!(pair.story().is_empty());
}

#[test]
fn the_applications_headers_replace_the_agents_and_leave_the_dialogs_alone() {
    let mut pair = Pair::udp();
    let headers = vec![
        (HeaderName::Supported, "timer".to_owned()),
        (HeaderName::CallId, "mine".to_owned()),
        (HeaderName::other("X-Note"), "1".to_owned()),
        (HeaderName::other("X-Note"), "2".to_owned()),
    ];
    let invite = Invite {
        headers,
        call_id: Some("given".to_owned()),
        from_tag: Some("f".to_owned()),
        cseq: Some(42),
        ..pair.invitation()
    };

    pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();

    let invite = pair.request("INVITE");
    assert_eq!(invite.headers.get(&HeaderName::Supported), Some("timer"));
    assert_eq!(invite.headers.call_id(), Ok("given"));
    assert_eq!(invite.headers.from().unwrap().tag(), Some("f"));
    assert_eq!(invite.headers.cseq().unwrap().number, 42);
    let name = HeaderName::other("X-Note");
    let notes: Vec<_> = invite.headers.get_all(&name).collect();
    assert_eq!(notes, ["1", "2"]);
}

#[test]
fn a_route_is_kept_for_the_whole_call() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Invite {
        offer: Some(OFFER.to_owned()),
        route: vec!["<sip:192.0.2.2:5060;lr>".parse::<NameAddr>().unwrap()],
        ..Invite::new(uri("sip:bob@example.com"), NameAddr::new(Side::Alice.uri()), alone.flow)
    };
    let id = alone.invite(invite);
    let invite = alone.next_request(Method::Invite);
    assert_eq!(invite.headers.get(&HeaderName::Route), Some("<sip:192.0.2.2:5060;lr>"));
    let mut ok = answer(&invite, 200, "b", Some(ANSWER));
    ok.headers.push(HeaderName::RecordRoute, "<sip:p2@192.0.2.4;lr>, <sip:p1@192.0.2.2;lr>");

    alone.receive(ok);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();

    for method in [Method::Ack, Method::Bye] {
        let request = alone.next_request(method);
        let routes: Vec<String> = request.headers.routes().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["<sip:p1@192.0.2.2;lr>", "<sip:p2@192.0.2.4;lr>"]);
        assert_eq!(request.uri, uri("sip:b@192.0.2.2:5060"));
    }
}
