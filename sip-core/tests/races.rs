//! Messages that cross: CANCEL, 200, BYE and ACK in every order (RFC 3261 §9, §13.2.2.4, §15; RFC 5407).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, Fate, Pair, answer, invite_of_bob, label};
use sip_core::agent::{AgentError, EndedBy, Failure, Reason, SessionId, SessionState};
use sip_core::message::{HeaderName, Method, Request, StatusCode};
use sip_core::{Duration, Transport};

#[test]
fn a_cancelled_call_ends_with_487() {
    let mut pair = Pair::udp();
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.alice.told();

    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    assert_eq!(pair.alice.agent.session(alice).unwrap().state, SessionState::Cancelling);
    pair.settle();

    assert_eq!(
        pair.story(),
        ["alice INVITE", "bob 180 INVITE", "alice CANCEL", "bob 200 CANCEL", "bob 487 INVITE", "alice ACK"]
    );
    let (invite, cancel) = (pair.request("INVITE"), pair.request("CANCEL"));
    assert_eq!(cancel.uri, invite.uri);
    assert_eq!(cancel.headers.via(), invite.headers.via());
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(cancel.headers.get(&name), invite.headers.get(&name));
    }
    assert_eq!(cancel.headers.get(&HeaderName::CSeq), Some("1 CANCEL"));
    let tag = |label| pair.response(label).headers.to().unwrap().tag().map(str::to_owned);
    assert_eq!(tag("200 CANCEL"), tag("487 INVITE"));
    let end = pair.alice.end();
    assert_eq!((end.by, end.status), (EndedBy::Local, Some(StatusCode::REQUEST_TERMINATED)));
    let end = pair.bob.end();
    assert_eq!((end.by, end.status), (EndedBy::Remote, Some(StatusCode::REQUEST_TERMINATED)));
}

#[test]
fn a_call_answered_elsewhere_says_so_in_the_cancel() {
    let mut pair = Pair::udp();
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();

    pair.alice.agent.hang_up(alice, Some(Reason::sip(200, "Call completed elsewhere")), pair.now).unwrap();
    pair.settle();

    let end = pair.bob.end();
    assert_eq!((end.status, end.reason.as_str()), (Some(StatusCode::OK), "Call completed elsewhere"));
}

#[test]
fn cancel_waits_for_the_first_provisional_response() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);

    alone.agent.hang_up(id, Some(Reason::q850(16, "Normal call clearing")), alone.now).unwrap();
    alone.drain();
    assert!(alone.sent.is_empty());
    alone.receive(answer(&invite, 100, "", None));
    let cancel = alone.next_request(Method::Cancel);
    assert_eq!(cancel.headers.get(&HeaderName::Reason), Some("Q.850;cause=16;text=\"Normal call clearing\""));
    alone.receive(answer(&cancel, 200, "b", None));
    alone.receive(answer(&invite, 487, "b", None));

    assert_eq!(alone.story(), ["ACK"]);
    assert_eq!(alone.end().by, EndedBy::Local);
}

#[test]
fn hanging_up_twice_is_refused() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();

    alone.agent.hang_up(id, None, alone.now).unwrap();

    let twice = alone.agent.hang_up(id, None, alone.now);
    assert_eq!(twice, Err(AgentError::WrongState { command: "hang_up", state: "cancelling" }));
}

#[test]
fn a_200_that_crosses_the_cancel_is_acked_and_hung_up() {
    let mut pair = Pair::udp();
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.alice.told();
    pair.log.clear();

    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.settle();

    assert_eq!(
        pair.story(),
        ["alice CANCEL", "bob 200 INVITE", "bob 200 CANCEL", "alice ACK", "alice BYE", "bob 200 BYE"]
    );
    let end = pair.alice.end();
    assert_eq!((end.by, end.status), (EndedBy::Local, Some(StatusCode::OK)));
    assert_eq!(pair.bob.told(), ["confirmed", "ended Remote"]);
    assert_eq!((pair.alice.agent.session_count(), pair.bob.agent.session_count()), (0, 0));
}

#[test]
fn a_200_before_the_cancel_could_be_sent_is_acked_and_hung_up() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);

    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));

    assert_eq!(alone.story(), ["ACK", "BYE"]);
    assert_eq!(alone.end().by, EndedBy::Local);
}

#[test]
fn a_refusal_that_crosses_the_cancel_keeps_its_status() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 180, "b", None));

    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    let cancel = alone.next_request(Method::Cancel);
    alone.receive(answer(&invite, 486, "b", None));
    alone.receive(answer(&cancel, 481, "b", None));

    let end = alone.end();
    assert_eq!((end.by, end.status), (EndedBy::Local, Some(StatusCode::BUSY_HERE)));
}

#[test]
fn a_cancel_that_nobody_follows_ends_the_call_after_64_t1() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 180, "b", None));
    alone.told();

    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    let cancel = alone.next_request(Method::Cancel);
    alone.receive(answer(&cancel, 200, "b", None));
    alone.pass(Duration::from_secs(33));

    let end = alone.end();
    assert_eq!((end.by, end.failure), (EndedBy::Local, Some(Failure::Timeout)));
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn a_challenge_that_crosses_the_hang_up_is_not_answered() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.agent.hang_up(id, None, alone.now).unwrap();

    let mut challenge = answer(&invite, 401, "b", None);
    challenge.headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\"");
    alone.receive(challenge);

    assert_eq!(alone.story(), ["ACK"]);
    assert_eq!(alone.end().by, EndedBy::Local);
}

#[test]
fn the_callee_hangs_up_before_the_ack_and_bye_waits_for_it() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.link(|number, message| match label(message).as_str() {
        "200 INVITE" if number < 3 => Fate::IsLost,
        _ => Fate::Arrives,
    });

    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    pair.settle();
    assert!(pair.sent("BYE").is_empty());
    assert!(pair.bob.told().is_empty(), "not over yet");
    pair.pass(Duration::from_secs(4));

    let story = pair.story();
    assert_eq!(story[story.len() - 3..], ["alice ACK", "bob BYE", "alice 200 BYE"]);
    assert_eq!(pair.bob.told(), ["ended Local"]);
    assert_eq!(pair.alice.told(), ["accepted", "ended Remote"]);
}

#[test]
fn a_200_that_is_never_acked_is_hung_up_after_64_t1() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.link(|_, message| if label(message) == "ACK" { Fate::IsLost } else { Fate::Arrives });

    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.pass(Duration::from_millis(31_900));
    let copies = pair.sent("200 INVITE").len();
    assert_eq!(copies, 11, "T1 doubled up to T2, until 64·T1");
    assert_eq!(pair.sent("ACK").len(), copies, "each copy is acknowledged");
    let first = pair.sent("ACK")[0].message.clone();
    assert!(pair.sent("ACK").iter().all(|sent| sent.message == first));
    pair.pass(Duration::from_secs(1));

    assert_eq!((pair.sent("BYE").len(), pair.sent("200 BYE").len()), (1, 1));
    let end = pair.bob.end();
    assert_eq!((end.by, end.failure), (EndedBy::System, Some(Failure::Timeout)));
    assert_eq!(pair.alice.end().by, EndedBy::Remote);
}

#[test]
fn a_bye_of_the_caller_before_the_ack_arrived_ends_the_call() {
    let mut pair = Pair::udp();
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.link(|_, message| if label(message) == "ACK" { Fate::IsLost } else { Fate::Arrives });
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.pass(Duration::from_secs(40));

    assert_eq!(pair.bob.told(), ["ended Remote"]);
    assert_eq!(pair.sent("200 INVITE").len(), 1, "no more copies after the BYE");
}

#[test]
fn a_caller_that_hangs_up_by_bye_while_it_rings_gets_487() {
    let mut pair = Pair::udp();
    pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();
    let invite = pair.request("INVITE").clone();
    let mut bye = invite.clone();
    bye.method = Method::Bye;
    bye.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKbye");
    bye.headers.set(HeaderName::CSeq, "2 BYE");
    bye.headers.set(HeaderName::To, pair.response("180 INVITE").headers.get(&HeaderName::To).unwrap());
    bye.body.clear();
    pair.log.clear();

    let flow = pair.flow(pair::Side::Bob);
    pair.bob.agent.handle_message(flow, &bye.write(), pair.now);
    pair.settle();

    assert_eq!(pair.story(), ["bob 200 BYE", "bob 487 INVITE", "alice ACK"]);
    assert_eq!(pair.bob.end().by, EndedBy::Remote);
}

#[test]
fn a_cancel_after_the_200_changes_nothing() {
    let mut alone = Alone::new(Transport::Udp);
    let (session, invite) = incoming(&mut alone);
    alone.agent.accept(session, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    alone.next_response(200);

    let mut cancel = invite.clone();
    cancel.method = Method::Cancel;
    cancel.headers.set(HeaderName::CSeq, "1 CANCEL");
    cancel.body.clear();
    alone.receive(cancel);

    assert_eq!(alone.next_response(200).headers.cseq().unwrap().method, Method::Cancel);
    assert!(alone.told().is_empty());
    assert_eq!(alone.agent.session(session).unwrap().state, SessionState::Accepted);
}

#[test]
fn a_cancel_without_an_invite_is_answered_481() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, mut cancel) = incoming(&mut alone);
    cancel.method = Method::Cancel;
    cancel.headers.set(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKother");
    cancel.headers.set(HeaderName::CSeq, "1 CANCEL");

    alone.receive(cancel);

    alone.next_response(481);
    assert!(alone.told().is_empty());
}

#[test]
fn an_invite_that_expires_is_terminated() {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = invite_of_bob("bob");
    invite.headers.push(HeaderName::Expires, "20");
    alone.receive(invite);
    alone.told();

    alone.pass(Duration::from_secs(21));

    assert_eq!(alone.story()[..2], ["100 INVITE", "487 INVITE"]);
    assert_eq!(alone.end().by, EndedBy::System);
}

#[test]
fn a_callee_that_hangs_up_a_ringing_call_declines_it() {
    for (reason, status) in [(None, 603), (Some(Reason::sip(486, "Busy")), 486), (Some(Reason::q850(17, "Busy")), 603)]
    {
        let mut alone = Alone::new(Transport::Udp);
        let (session, _) = incoming(&mut alone);

        alone.agent.hang_up(session, reason.clone(), alone.now).unwrap();
        alone.drain();

        let refusal = alone.next_response(status);
        assert_eq!(refusal.headers.reason(), reason);
        assert_eq!(alone.end().by, EndedBy::Local);
    }
}

#[test]
fn a_reinvite_under_way_is_acked_after_the_hang_up() {
    let mut alone = Alone::new(Transport::Udp);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.agent.offer(id, pair::OFFER.to_owned(), alone.now).unwrap();
    alone.drain();
    let reinvite = alone.next_request(Method::Invite);

    alone.agent.hang_up(id, None, alone.now).unwrap();
    alone.drain();
    let bye = alone.next_request(Method::Bye);
    alone.receive(answer(&reinvite, 200, "b", Some(ANSWER)));
    let ack = alone.next_request(Method::Ack);
    alone.receive(answer(&bye, 200, "b", None));

    assert_eq!(ack.headers.cseq().unwrap().number, reinvite.headers.cseq().unwrap().number);
    assert!(alone.sent.is_empty());
    assert_eq!(alone.end().by, EndedBy::Local);
    assert_eq!(alone.agent.session_count(), 0);
}

#[test]
fn a_cancelled_reinvite_gets_487_and_the_call_goes_on() {
    let mut pair = Pair::udp();
    let (_, bob) = pair.established();
    pair.bob.agent.offer(bob, pair::OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    let mut cancel = pair.request("INVITE").clone();
    cancel.method = Method::Cancel;
    cancel.headers.set(HeaderName::CSeq, format!("{} CANCEL", cancel.headers.cseq().unwrap().number));
    cancel.body.clear();
    pair.log.clear();

    let flow = pair.flow(pair::Side::Alice);
    pair.alice.agent.handle_message(flow, &cancel.write(), pair.now);
    pair.settle();

    assert_eq!(pair.story(), ["alice 200 CANCEL", "alice 487 INVITE", "bob ACK"]);
    assert_eq!(pair.bob.told(), ["answered 487"]);
    assert_eq!(pair.alice.told(), ["offered"]);
}

#[test]
fn a_call_hung_up_with_an_offer_open_answers_it_first() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.established();
    pair.bob.agent.offer(bob, pair::OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    pair.log.clear();

    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.sent("487 INVITE").len(), 1);
    assert_eq!(pair.sent("200 BYE").len(), 1);
    assert_eq!((pair.alice.end().by, pair.bob.end().by), (EndedBy::Local, EndedBy::Remote));
}

/// Bob calls; returns Alice's session and his INVITE.
fn incoming(alone: &mut Alone) -> (SessionId, Request) {
    let invite = invite_of_bob("bob");
    alone.receive(invite.clone());
    (alone.incoming_call(), invite)
}
