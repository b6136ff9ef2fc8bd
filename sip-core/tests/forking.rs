//! One INVITE, several callees behind a proxy (RFC 3261 §13.2.2.4, RFC 5407 §3).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, OFFER, Side, answer, uri};
use sip_core::agent::{Event, Output, SessionEvent, SessionState};
use sip_core::message::{HeaderName, Method, Request};
use sip_core::{Duration, Transport};

/// A request of the callee whose tag is `tag`, in the dialog that it has with Alice.
fn request_of(tag: &str, invite: &Request, method: &Method, number: u32) -> Request {
    let mut request = Request::new(method.clone(), Side::Alice.uri());
    let mut from = invite.headers.to().unwrap();
    from.set_tag(tag);
    request.headers.push(HeaderName::Via, format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{tag}{number}"));
    request.headers.push(HeaderName::From, from.to_string());
    request.headers.push(HeaderName::To, invite.headers.get(&HeaderName::From).unwrap());
    request.headers.push(HeaderName::CallId, invite.headers.call_id().unwrap());
    request.headers.push(HeaderName::CSeq, format!("{number} {}", method.as_str()));
    request
}

#[test]
fn each_fork_that_rings_is_an_early_dialog() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);

    alone.receive(answer(&invite, 180, "desk", None));
    alone.receive(answer(&invite, 183, "mobile", Some(ANSWER)));

    let answers: Vec<_> = alone
        .events
        .drain(..)
        .map(|event| match event {
            Event::Session { event: SessionEvent::Progress { response, answer }, .. } => {
                (response.headers.to().unwrap().tag().unwrap().to_owned(), answer.is_some())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers, [("desk".to_owned(), false), ("mobile".to_owned(), true)]);
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Proceeding);
}

#[test]
fn the_fork_that_answers_first_has_the_call() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 180, "desk", None));
    alone.receive(answer(&invite, 180, "mobile", None));

    alone.receive(answer(&invite, 200, "mobile", Some(ANSWER)));

    let ack = alone.next_request(Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag(), Some("mobile"));
    assert_eq!(ack.uri, uri("sip:mobile@192.0.2.2:5060"));
    assert_eq!(alone.agent.session(id).unwrap().remote_tag, Some("mobile"));
    assert_eq!(alone.told(), ["180", "180", "accepted"]);
}

#[test]
fn another_fork_that_answers_too_is_acked_and_hung_up() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "mobile", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.told();

    alone.receive(answer(&invite, 200, "desk", Some(ANSWER)));

    let ack = alone.next_request(Method::Ack);
    let bye = alone.next_request(Method::Bye);
    for request in [&ack, &bye] {
        assert_eq!(request.headers.to().unwrap().tag(), Some("desk"));
        assert_eq!(request.uri, uri("sip:desk@192.0.2.2:5060"));
    }
    assert_eq!((ack.headers.cseq().unwrap().number, bye.headers.cseq().unwrap().number), (1, 2));
    alone.receive(answer(&bye, 200, "desk", None));
    assert!(alone.told().is_empty(), "the call with the first fork goes on");
    assert_eq!(alone.agent.session(id).unwrap().remote_tag, Some("mobile"));
    assert_eq!(alone.agent.counters().forks_hung_up, 1);
}

#[test]
fn copies_of_each_forks_200_get_that_forks_ack_again() {
    let mut alone = Alone::new(Transport::Udp);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    let (mobile, desk) = (answer(&invite, 200, "mobile", Some(ANSWER)), answer(&invite, 200, "desk", Some(ANSWER)));
    alone.receive(mobile.clone());
    alone.receive(desk.clone());
    let (first, second) = (alone.next_request(Method::Ack), alone.next_request(Method::Ack));
    let bye = alone.next_request(Method::Bye);
    alone.receive(answer(&bye, 200, "desk", None));

    alone.receive(desk);
    alone.receive(mobile);

    assert_eq!(alone.next_request(Method::Ack), second);
    assert_eq!(alone.next_request(Method::Ack), first);
    assert!(alone.sent.is_empty());
}

#[test]
fn a_fork_that_answers_after_the_hang_up_is_acked_and_hung_up() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "mobile", Some(ANSWER)));
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    alone.next_request(Method::Ack);
    let bye = alone.next_request(Method::Bye);
    alone.receive(answer(&bye, 200, "mobile", None));
    assert_eq!(alone.agent.session_count(), 0);

    alone.receive(answer(&invite, 200, "desk", Some(ANSWER)));

    assert_eq!(alone.story(), ["ACK", "BYE"]);
}

#[test]
fn forks_without_number_are_answered_up_to_a_bound() {
    let mut alone = Alone::new(Transport::Udp);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    for number in 0..100 {
        alone.receive(answer(&invite, 180, &format!("t{number}"), None));
    }
    assert_eq!(alone.agent.counters().forks_dropped, 84, "16 early dialogs are kept");

    for number in 0..100 {
        alone.receive(answer(&invite, 200, &format!("t{number}"), Some(ANSWER)));
    }

    let story = alone.story();
    assert_eq!(story.iter().filter(|label| *label == "ACK").count(), 8);
    assert_eq!(story.iter().filter(|label| *label == "BYE").count(), 7);
}

#[test]
fn the_200_brings_the_final_route_set() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    let mut ringing = answer(&invite, 180, "b", None);
    ringing.headers.push(HeaderName::RecordRoute, "<sip:192.0.2.9;lr>");
    alone.receive(ringing);
    let mut ok = answer(&invite, 200, "b", Some(ANSWER));
    ok.headers.push(HeaderName::RecordRoute, "<sip:192.0.2.2;lr>");

    alone.receive(ok);
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();

    for method in [Method::Ack, Method::Bye] {
        assert_eq!(alone.next_request(method).headers.get(&HeaderName::Route), Some("<sip:192.0.2.2;lr>"));
    }
}

#[test]
fn a_request_in_an_early_dialog_belongs_to_the_session() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 180, "b", None));
    alone.told();

    alone.receive(request_of("b", &invite, &Method::Info, 1));
    let Some(Event::Request { session, .. }) = alone.events.pop_front() else { panic!("no request") };
    assert_eq!(session, Some(id));
    let mut update = request_of("b", &invite, &Method::Update, 2);
    update.set_body("application/sdp", OFFER);
    alone.receive(update);
    alone.next_response(491);
    alone.receive(request_of("stranger", &invite, &Method::Info, 1));
    alone.next_response(481);
    assert!(alone.told().is_empty());
}

#[test]
fn requests_in_a_call_go_where_its_contact_says() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    let mut ok = answer(&invite, 200, "b", Some(ANSWER));
    ok.headers.set(HeaderName::Contact, "<sip:b@198.51.100.7:5080>");
    alone.receive(ok);
    alone.next_request(Method::Ack);

    alone.agent.hang_up(id, None, alone.now).unwrap();
    let mut flows = Vec::new();
    while let Output::Transmit { flow, .. } = next_transmit(&mut alone) {
        flows.push(flow.remote.unwrap().to_string());
    }

    assert_eq!(flows, ["198.51.100.7:5080"]);
    alone.pass(Duration::from_secs(1));
}

fn next_transmit(alone: &mut Alone) -> Output {
    loop {
        match alone.agent.poll_output() {
            Output::Event(_) => {}
            output => return output,
        }
    }
}
