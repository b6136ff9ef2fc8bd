//! A connection is lost under a call, and another takes its place: the call goes on (RFC 5626 §4.5).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Alone, OFFER, answer, request_of_bob};
use sip_core::agent::{LocalSocket, Output, SessionId, SessionState};
use sip_core::message::{HeaderName, Message, Method, Request, StatusCode};
use sip_core::{Duration, Flow, SocketId, Transport};

const PATIENCE: Duration = Duration::from_secs(30);
const NEW: Flow = Flow::connection(SocketId(7));

/// In a call that we made, on a WebSocket.
fn in_call() -> (Alone, SessionId, Request) {
    let mut alone = Alone::new(Transport::Ws);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "bob", Some(OFFER)));
    alone.next_request(Method::Ack);
    alone.told();
    (alone, id, invite)
}

fn lose(alone: &mut Alone) {
    alone.agent.handle_socket_lost(alone.flow.socket, PATIENCE, alone.now);
    alone.drain();
}

/// Another WebSocket opens.
fn open(alone: &mut Alone) {
    let contact = pair::uri("sip:alice@df7jal23ls0d.invalid;transport=ws");
    let local = LocalSocket { transport: Transport::Ws, sent_by: "df7jal23ls0d.invalid".to_owned(), contact };
    alone.agent.open_socket(NEW.socket, local);
}

/// The call moves to it. Returns what is sent there at once.
fn come_back(alone: &mut Alone) -> Vec<Message> {
    open(alone);
    let old = core::mem::replace(&mut alone.flow, NEW);
    alone.agent.resume(old.socket, NEW, alone.now);
    let mut sent = Vec::new();
    loop {
        match alone.agent.poll_output() {
            Output::Transmit { flow, bytes } => {
                assert_eq!(flow, NEW, "nothing goes to the old flow");
                sent.push(Message::parse(&bytes).unwrap());
            }
            Output::Event(event) => alone.events.push_back(event),
            Output::Timeout(_) => break,
        }
    }
    alone.drain();
    sent
}

fn methods(sent: &[Message]) -> Vec<String> {
    let method = |message: &Message| match message {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.to_string(),
    };
    sent.iter().map(method).collect()
}

/// Bob's request inside the dialog of our INVITE.
fn of_bob(invite: &Request, method: &Method, branch: &str) -> Request {
    let mut request = request_of_bob(method, branch);
    let local = invite.headers.from().unwrap();
    request.headers.set(HeaderName::Via, format!("SIP/2.0/WS bob.invalid;branch=z9hG4bK{branch}"));
    request.headers.set(HeaderName::From, format!("{};tag=bob", invite.headers.get(&HeaderName::To).unwrap()));
    request.headers.set(HeaderName::To, local.to_string());
    request.headers.set(HeaderName::CallId, invite.headers.call_id().unwrap());
    request
}

#[test]
fn a_call_waits_for_its_connection_and_goes_on_with_another() {
    let (mut alone, id, invite) = in_call();

    lose(&mut alone);
    alone.pass(Duration::from_secs(20));
    assert!(alone.told().is_empty());
    assert!(come_back(&mut alone).is_empty());
    alone.receive(of_bob(&invite, &Method::Bye, "1"));

    assert_eq!(alone.next_response(200).headers.cseq().unwrap().method, Method::Bye);
    assert_eq!(alone.end().failure, None);
    assert!(alone.agent.session(id).is_none());
}

#[test]
fn a_call_whose_connection_stays_away_ends_after_its_patience() {
    let (mut alone, ..) = in_call();

    lose(&mut alone);
    alone.pass(Duration::from_secs(29));
    assert!(alone.told().is_empty());
    alone.pass(Duration::from_secs(1));

    assert_eq!(alone.end().failure, Some(sip_core::agent::Failure::TransportFailed));
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn requests_made_in_the_gap_leave_when_it_is_over() {
    let (mut alone, id, _) = in_call();
    lose(&mut alone);

    let body = Some(("application/dtmf-relay".to_owned(), b"Signal=5".to_vec()));
    alone.agent.session_request(id, Method::Info, Vec::new(), body, alone.now).unwrap();
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    assert!(alone.sent.is_empty(), "nothing is sent into the void");
    alone.pass(Duration::from_secs(5));
    let sent = come_back(&mut alone);

    assert_eq!(methods(&sent), ["INFO", "BYE"]);
    let Message::Request(bye) = &sent[1] else { panic!() };
    alone.receive(answer(bye, 200, "bob", None));
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn a_request_that_went_down_with_the_connection_is_sent_again_as_it_was() {
    let (mut alone, id, _) = in_call();
    alone.agent.session_request(id, Method::Info, Vec::new(), None, alone.now).unwrap();
    alone.drain();
    let before = alone.next_request(Method::Info);

    lose(&mut alone);
    let sent = come_back(&mut alone);

    let [Message::Request(after)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(after.headers.get(&HeaderName::Via), before.headers.get(&HeaderName::Via), "one transaction");
    assert_eq!(after.headers.cseq(), before.headers.cseq());
    alone.receive(answer(after, 200, "bob", None));
    assert_eq!(alone.told(), ["response 200"]);
}

#[test]
fn calls_that_ring_end_with_their_connection() {
    let mut alone = Alone::new(Transport::Ws);
    alone.call();
    alone.next_request(Method::Invite);

    lose(&mut alone);

    assert_eq!(alone.end().failure, Some(sip_core::agent::Failure::TransportFailed));
}

#[test]
fn who_speaks_in_the_dialog_on_a_new_connection_is_followed_there() {
    let (mut alone, id, invite) = in_call();
    lose(&mut alone);
    open(&mut alone);

    alone.flow = NEW;
    alone.receive(of_bob(&invite, &Method::Options, "1"));
    assert_eq!(alone.next_response(200).headers.cseq().unwrap().method, Method::Options);

    assert_eq!(alone.agent.session(id).unwrap().flow, NEW);
    alone.pass(Duration::from_secs(60));
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed, "nobody waits any more");
}

#[test]
fn who_does_not_know_the_dialog_is_not_followed() {
    let (mut alone, id, invite) = in_call();
    let old = alone.flow;
    lose(&mut alone);
    open(&mut alone);
    alone.flow = NEW;

    let mut guess = of_bob(&invite, &Method::Options, "1");
    guess.headers.set(HeaderName::From, "<sip:bob@192.0.2.2>;tag=guess");
    alone.receive(guess);

    alone.next_response(StatusCode::CALL_DOES_NOT_EXIST.as_u16());
    assert_eq!(alone.agent.session(id).unwrap().flow, old);
    assert!(alone.agent.is_lost(old.socket));
}

#[test]
fn a_connection_without_calls_is_not_waited_for() {
    let mut alone = Alone::new(Transport::Ws);

    lose(&mut alone);

    assert!(!alone.agent.is_lost(alone.flow.socket));
}
