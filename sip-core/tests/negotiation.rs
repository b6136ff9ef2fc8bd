//! Offers and answers inside a call, and offers that come late (RFC 3261 §13.2.1, §14; RFC 3311; RFC 6337).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, OFFER, Pair, Side, answer, invite_of_bob, uri};
use sip_core::agent::{AgentError, EndedBy, Event, Failure, Invite, SessionEvent, SessionState};
use sip_core::message::{HeaderName, Method, Request, StatusCode};
use sip_core::{Duration, Transport};

#[test]
fn a_delayed_offer_is_answered_in_the_ack() {
    let mut pair = Pair::udp();
    let invite = Invite { offer: None, ..pair.invitation() };
    let alice = pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let bob = pair.bob.incoming_call();

    pair.bob.agent.accept(bob, OFFER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.pass(Duration::from_millis(600));
    assert_eq!(pair.story(), ["alice INVITE", "bob 200 INVITE", "bob 200 INVITE"]);
    assert_eq!(pair.alice.told(), ["accepted"]);
    pair.alice.agent.answer_offer(alice, Ok(ANSWER.to_owned()), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.request("ACK").body, ANSWER.as_bytes());
    let Some(Event::Session { event: SessionEvent::Confirmed { answer }, .. }) = pair.bob.events.pop_front() else {
        panic!()
    };
    assert_eq!(answer.as_deref(), Some(ANSWER));
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    pair.settle();
    assert_eq!(pair.alice.end().by, EndedBy::Remote);
}

#[test]
fn a_delayed_offer_that_is_refused_is_acknowledged_and_hung_up() {
    let mut pair = Pair::udp();
    let invite = Invite { offer: None, ..pair.invitation() };
    let alice = pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.accept(bob, OFFER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    pair.alice.agent.answer_offer(alice, Err(StatusCode::NOT_ACCEPTABLE_HERE), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.story()[2..4], ["alice ACK", "alice BYE"]);
    let end = pair.alice.end();
    assert_eq!((end.by, end.status), (EndedBy::Local, Some(StatusCode::NOT_ACCEPTABLE_HERE)));
    let end = pair.bob.end();
    assert!(matches!(end.failure, Some(Failure::Protocol(_))), "its offer has no answer: {end:?}");
}

#[test]
fn an_ack_without_the_answer_to_our_offer_ends_the_call() {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = invite_of_bob("1");
    invite.set_body("application/sdp", "");
    invite.headers.remove(&HeaderName::ContentType);
    alone.receive(invite.clone());
    let id = alone.incoming_call();
    alone.agent.accept(id, OFFER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    let ok = alone.next_response(200);
    invite.headers.set(HeaderName::From, ok.headers.get(&HeaderName::To).unwrap());
    invite.headers.set(HeaderName::To, ok.headers.get(&HeaderName::From).unwrap());
    alone.receive(request_of_bob(&invite, &Method::Ack, 1));

    alone.next_request(Method::Bye);
    let end = alone.end();
    assert!(matches!((end.by, end.failure), (EndedBy::System, Some(Failure::Protocol(_)))));
}

#[test]
fn a_reinvite_changes_the_session_both_ways() {
    for (side, other) in [(Side::Alice, Side::Bob), (Side::Bob, Side::Alice)] {
        let mut pair = Pair::udp();
        let (alice, bob) = pair.established();
        let (mine, theirs) = if side == Side::Alice { (alice, bob) } else { (bob, alice) };
        let now = pair.now;

        pair.peer(side).agent.offer(mine, OFFER.replace("4000", "4002"), now).unwrap();
        pair.settle();
        let now = pair.now;
        let Some(Event::Session { event: SessionEvent::Offered { offer, request }, .. }) =
            pair.peer(other).events.pop_front()
        else {
            panic!("no offer")
        };
        assert_eq!((offer.as_deref(), request.method), (Some(OFFER.replace("4000", "4002").as_str()), Method::Invite));
        pair.peer(other).agent.answer_offer(theirs, Ok(ANSWER.to_owned()), now).unwrap();
        pair.settle();

        let Some(Event::Session { event: SessionEvent::Answered { result, .. }, .. }) =
            pair.peer(side).events.pop_front()
        else {
            panic!("no answer")
        };
        assert_eq!(result, Ok(Some(ANSWER.to_owned())));
        assert_eq!(
            pair.story().iter().map(|line| line.split_once(' ').unwrap().1).collect::<Vec<_>>(),
            ["INVITE", "200 INVITE", "ACK"]
        );
        assert_eq!(
            pair.request("ACK").headers.cseq().unwrap().number,
            pair.request("INVITE").headers.cseq().unwrap().number
        );
        assert!(pair.request("INVITE").headers.has(&HeaderName::Contact));
        assert!(pair.response("200 INVITE").headers.has(&HeaderName::Contact));
        pair.pass(Duration::from_secs(40));
        assert_eq!(pair.sent("200 INVITE").len(), 1);
    }
}

#[test]
fn a_refused_reinvite_leaves_the_session_as_it_was() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();

    pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    pair.bob.agent.answer_offer(bob, Err(StatusCode::NOT_ACCEPTABLE_HERE), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.alice.told(), ["answered 488"]);
    assert_eq!(pair.alice.agent.session(alice).unwrap().state, SessionState::Confirmed);
    pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now).unwrap();
}

#[test]
fn reinvites_that_cross_are_tried_again_and_both_come_through() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();
    let start = pair.now;

    pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now).unwrap();
    pair.bob.agent.offer(bob, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    assert_eq!((pair.sent("491 INVITE").len(), pair.sent("ACK").len()), (2, 2));
    let mut answers = Vec::new();
    for _ in 0..60 {
        pair.pass(Duration::from_millis(100));
        let now = pair.now;
        for (side, id) in [(Side::Alice, alice), (Side::Bob, bob)] {
            for told in pair.peer(side).told() {
                match told.as_str() {
                    "offered" => pair.peer(side).agent.answer_offer(id, Ok(ANSWER.to_owned()), now).unwrap(),
                    _ => answers.push((side, told)),
                }
            }
        }
    }

    answers.sort();
    assert_eq!(answers, [(Side::Alice, "answered".to_owned()), (Side::Bob, "answered".to_owned())]);
    let again = |side| pair.sent("INVITE").iter().filter(|sent| sent.from == side).nth(1).unwrap().at.since(start);
    assert!(
        (Duration::from_millis(2_100)..=Duration::from_millis(4_100)).contains(&again(Side::Alice)),
        "the owner of the Call-ID waits longer"
    );
    assert!(again(Side::Bob) <= Duration::from_millis(2_100));
}

#[test]
fn a_second_offer_before_the_first_is_answered_waits() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();
    pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();

    let refused = pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now);
    let crossing = pair.bob.agent.offer(bob, OFFER.to_owned(), pair.now);

    assert!(matches!(refused, Err(AgentError::WrongState { command: "offer", .. })));
    assert!(matches!(crossing, Err(AgentError::WrongState { command: "offer", .. })));
}

#[test]
fn a_reinvite_without_offer_is_given_one_and_answered_in_the_ack() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    let ack = alone.next_request(Method::Ack);
    alone.told();

    let mut reinvite = request_of_bob(&ack, &Method::Invite, 7);
    reinvite.headers.push(HeaderName::Contact, "<sip:moved@192.0.2.2:5060>");
    alone.receive(reinvite.clone());
    assert_eq!(alone.told(), ["offered"]);
    alone.agent.answer_offer(id, Ok(OFFER.to_owned()), alone.now).unwrap();
    alone.drain();
    let ok = alone.next_response(200);
    assert_eq!(ok.body, OFFER.as_bytes());
    let mut ack = request_of_bob(&ack, &Method::Ack, 7);
    ack.set_body("application/sdp", ANSWER);
    alone.receive(ack);

    let Some(Event::Session { event: SessionEvent::Answered { result, .. }, .. }) = alone.events.pop_front() else {
        panic!()
    };
    assert_eq!(result, Ok(Some(ANSWER.to_owned())));
    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    assert_eq!(
        alone.next_request(Method::Bye).uri,
        uri("sip:moved@192.0.2.2:5060"),
        "the re-INVITE refreshed the target"
    );
}

#[test]
fn our_2xx_to_a_reinvite_without_ack_ends_the_call() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();
    pair.bob.agent.offer(bob, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    pair.link(|_, message| if pair::label(message) == "ACK" { pair::Fate::IsLost } else { pair::Fate::Arrives });

    pair.alice.agent.answer_offer(alice, Ok(ANSWER.to_owned()), pair.now).unwrap();
    pair.pass(Duration::from_secs(33));

    let end = pair.alice.end();
    assert_eq!((end.by, end.failure), (EndedBy::System, Some(Failure::Timeout)));
    assert_eq!(pair.bob.end().by, EndedBy::Remote);
    assert_eq!(pair.sent("BYE").len(), 1);
}

#[test]
fn a_reinvite_to_a_forgotten_dialog_ends_the_session() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);

    alone.agent.offer(id, OFFER.to_owned(), alone.now).unwrap();
    alone.drain();
    let reinvite = alone.next_request(Method::Invite);
    alone.receive(answer(&reinvite, 481, "", None));

    assert_eq!(alone.story(), ["ACK", "BYE"]);
    assert_eq!(alone.end().status, Some(StatusCode::CALL_DOES_NOT_EXIST));
}

#[test]
fn an_update_is_an_offer_too() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();

    pair.alice.agent.update(alice, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    assert_eq!(pair.bob.told(), ["offered"]);
    pair.bob.agent.answer_offer(bob, Ok(ANSWER.to_owned()), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.story(), ["alice UPDATE", "bob 200 UPDATE"]);
    let Some(Event::Session { event: SessionEvent::Answered { result, .. }, .. }) = pair.alice.events.pop_front()
    else {
        panic!("no answer")
    };
    assert_eq!(result, Ok(Some(ANSWER.to_owned())));
    assert!(pair.response("200 UPDATE").headers.has(&HeaderName::Contact));
}

#[test]
fn an_update_without_offer_is_answered_by_the_agent() {
    let mut alone = Alone::new(Transport::Udp);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    let ack = alone.next_request(Method::Ack);
    alone.told();

    alone.receive(request_of_bob(&ack, &Method::Update, 7));

    alone.next_response(200);
    assert!(alone.told().is_empty());
}

/// A request of Bob's in the dialog in which Alice sent `ours`.
fn request_of_bob(ours: &Request, method: &Method, number: u32) -> Request {
    let mut request = Request::new(method.clone(), Side::Alice.uri());
    request
        .headers
        .push(HeaderName::Via, format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{number}{}", method.as_str()));
    request.headers.push(HeaderName::From, ours.headers.get(&HeaderName::To).unwrap());
    request.headers.push(HeaderName::To, ours.headers.get(&HeaderName::From).unwrap());
    request.headers.push(HeaderName::CallId, ours.headers.call_id().unwrap());
    request.headers.push(HeaderName::CSeq, format!("{number} {}", method.as_str()));
    request.headers.push(HeaderName::MaxForwards, "70");
    request
}
