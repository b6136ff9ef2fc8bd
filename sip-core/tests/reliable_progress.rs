//! Provisional responses that arrive for certain (RFC 3262), and the offers and answers in them (RFC 6337 §2.2).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, Fate, OFFER, Pair, Side, answer, invite_of_bob, label};
use sip_core::agent::{Config, EndedBy, Event, Failure, Invite, Reliability, SessionEvent, SessionId, SessionState};
use sip_core::message::{HeaderName, Method, Request, Response, StatusCode};
use sip_core::{Duration, Transport};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with(reliability: Reliability) -> Config {
    Config { reliability, ..Config::default() }
}

fn pair() -> Pair {
    Pair::with_config(Transport::Udp, with(Reliability::Supported))
}

fn alone(reliability: Reliability) -> Alone {
    Alone::with_config(Transport::Udp, with(reliability))
}

/// Bob's reliable provisional response.
fn reliable(invite: &Request, status: u16, tag: &str, number: u32, sdp: Option<&str>) -> Response {
    let mut response = answer(invite, status, tag, sdp);
    response.headers.push(HeaderName::Require, "100rel");
    response.headers.push(HeaderName::RSeq, number.to_string());
    response
}

/// Bob's PRACK for a response of Alice's.
fn prack(response: &Response, invite: &Request, rack: &str) -> Request {
    let mut prack = request(response, invite, Method::Prack, 2);
    prack.headers.push(HeaderName::RAck, rack);
    prack
}

/// A request of Bob's, who called, in the dialog of a response of Alice's.
fn request(response: &Response, invite: &Request, method: Method, number: u32) -> Request {
    let mut request = Request::new(method, Side::Alice.uri());
    let branch = format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{number}{}", request.method);
    request.headers.push(HeaderName::Via, branch);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        request.headers.push(name.clone(), response.headers.get(&name).unwrap());
    }
    let cseq = format!("{number} {}", request.method);
    request.headers.push(HeaderName::CSeq, cseq);
    request.headers.push(HeaderName::MaxForwards, "70");
    request.headers.push(HeaderName::Contact, invite.headers.get(&HeaderName::Contact).unwrap());
    request
}

fn ringing(pair: &mut Pair, sdp: Option<&str>) -> (SessionId, SessionId) {
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    let status = if sdp.is_some() { StatusCode::SESSION_PROGRESS } else { StatusCode::RINGING };
    pair.bob.agent.ring(bob, status, sdp.map(str::to_owned), Vec::new(), pair.now).unwrap();
    pair.settle();
    (alice, bob)
}

#[test]
fn a_description_in_a_183_is_acknowledged_and_not_repeated_in_the_200() {
    let mut pair = pair();
    let (_, bob) = ringing(&mut pair, Some(ANSWER));
    pair.bob.agent.ring(bob, StatusCode::RINGING, Some(ANSWER.to_owned()), Vec::new(), pair.now).unwrap();
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    assert_eq!(
        pair.story(),
        [
            "alice INVITE",
            "bob 183 INVITE",
            "alice PRACK",
            "bob 200 PRACK",
            "bob 180 INVITE",
            "bob 200 INVITE",
            "alice ACK"
        ]
    );
    assert_eq!(pair.alice.told(), ["183", "180", "accepted"]);
    let progress = pair.response("183 INVITE");
    assert_eq!(progress.headers.require(), ["100rel"]);
    let rack = pair.request("PRACK").headers.rack().unwrap();
    assert_eq!(Some(rack.response), progress.headers.rseq());
    assert_eq!(rack.cseq.to_string(), "1 INVITE");
    assert!(!pair.request("PRACK").headers.has(&HeaderName::Contact), "RFC 3262 §7.2, table 1");
    assert!(pair.response("180 INVITE").body.is_empty() && pair.response("200 INVITE").body.is_empty());
    assert!(!pair.response("180 INVITE").headers.has(&HeaderName::RSeq), "nothing of it can be lost");
}

#[test]
fn who_does_not_know_100rel_gets_ordinary_responses() {
    let mut pair = Pair::udp();
    ringing(&mut pair, Some(ANSWER));

    assert_eq!(pair.story(), ["alice INVITE", "bob 183 INVITE"]);
    assert!(!pair.request("INVITE").headers.supports("100rel"));
}

#[test]
fn a_lost_183_is_repeated_at_doubling_intervals_until_its_prack() {
    let mut pair = Pair::with_config(Transport::Tcp, with(Reliability::Supported));
    pair.link(|number, message| match label(message).as_str() {
        "183 INVITE" if number < 4 => Fate::IsLost,
        _ => Fate::Arrives,
    });
    let (_, bob) = ringing(&mut pair, Some(ANSWER));
    let first = pair.now;
    pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.pass(seconds(10));

    let sent: Vec<_> = pair.sent("183 INVITE").iter().map(|sent| sent.at.since(first).as_millis()).collect();
    assert_eq!(sent, [0, 500, 1_500, 3_500]);
    assert_eq!(pair.sent("PRACK").len(), 1);
    assert_eq!(pair.alice.told().last().map(String::as_str), Some("accepted"), "the 200 waited for the PRACK");
}

#[test]
fn after_64_t1_without_prack_the_invite_is_refused() {
    let mut alone = alone(Reliability::Supported);
    let mut invite = invite_of_bob("1");
    invite.headers.push(HeaderName::Supported, "100rel");
    alone.receive(invite);
    let id = alone.incoming_call();
    alone.agent.ring(id, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_owned()), Vec::new(), alone.now).unwrap();
    alone.agent.accept(id, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    alone.pass(seconds(31));
    assert_eq!(alone.story(), ["183 INVITE"; 6], "at 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s: doubled without limit");
    alone.pass(seconds(1));

    assert_eq!(alone.story().last().map(String::as_str), Some("504 INVITE"));
    let end = alone.end();
    assert_eq!((end.by, end.failure), (EndedBy::System, Some(Failure::Timeout)));
}

#[test]
fn reliable_responses_go_one_at_a_time_and_in_order() {
    let mut alone = alone(Reliability::Supported);
    let mut invite = invite_of_bob("1");
    invite.headers.push(HeaderName::Require, "100rel");
    alone.receive(invite.clone());
    let id = alone.incoming_call();
    for status in [183, 180, 182] {
        let status = StatusCode::new(status).unwrap();
        alone.agent.ring(id, status, Some(ANSWER.to_owned()), Vec::new(), alone.now).unwrap();
    }
    alone.agent.accept(id, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    let (mut number, mut cseq) = (None, 1);
    for status in [183, 180, 182] {
        let response = alone.next_response(status);
        assert_eq!(response.body.is_empty(), status != 183, "the description is given once");
        let rseq = response.headers.rseq().unwrap();
        assert!(number.is_none_or(|last| rseq == last + 1));
        number = Some(rseq);
        assert!(alone.sent.is_empty(), "the next waits");
        cseq += 1;
        let mut prack = request(&response, &invite, Method::Prack, cseq);
        prack.headers.push(HeaderName::RAck, format!("{rseq} 1 INVITE"));
        alone.receive(prack);
        alone.next_response(200);
    }
    alone.next_response(200);
}

#[test]
fn a_prack_that_matches_nothing_is_answered_481_and_a_broken_one_400() {
    let mut alone = alone(Reliability::Supported);
    let mut invite = invite_of_bob("1");
    invite.headers.push(HeaderName::Supported, "100rel");
    alone.receive(invite.clone());
    let id = alone.incoming_call();
    alone.agent.ring(id, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_owned()), Vec::new(), alone.now).unwrap();
    alone.drain();
    let progress = alone.next_response(183);
    let rseq = progress.headers.rseq().unwrap();

    for (number, rack, status) in [
        (2, format!("{} 1 INVITE", rseq + 1), 481),
        (3, format!("{rseq} 2 INVITE"), 481),
        (4, format!("{rseq} 1 UPDATE"), 481),
        (5, "one two".to_owned(), 400),
        (6, format!("{rseq} 1 INVITE"), 200),
        (7, format!("{rseq} 1 INVITE"), 481),
    ] {
        let mut prack = request(&progress, &invite, Method::Prack, number);
        prack.headers.push(HeaderName::RAck, rack);
        alone.receive(prack);
        alone.next_response(status);
    }
    let mut bare = request(&progress, &invite, Method::Prack, 8);
    bare.headers.remove(&HeaderName::RAck);
    alone.receive(bare);
    alone.next_response(400);
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Ringing);
}

#[test]
fn who_requires_100rel_of_an_agent_that_has_none_is_told_420() {
    let mut alone = alone(Reliability::None);
    let mut invite = invite_of_bob("1");
    invite.headers.push(HeaderName::Require, "100rel");
    alone.receive(invite);

    assert_eq!(alone.next_response(420).headers.get(&HeaderName::Unsupported), Some("100rel"));
}

#[test]
fn a_caller_without_100rel_is_told_421_where_it_is_required() {
    let mut alone = alone(Reliability::Required);
    alone.receive(invite_of_bob("1"));

    assert_eq!(alone.next_response(421).headers.get(&HeaderName::Require), Some("100rel"));
    assert!(alone.told().is_empty());
    alone.call();
    alone.next_request(Method::Invite).headers.require().iter().for_each(|option| assert_eq!(*option, "100rel"));
}

#[test]
fn a_420_to_an_invite_that_requires_100rel_ends_the_call() {
    let mut alone = alone(Reliability::Required);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    assert_eq!(invite.headers.require(), ["100rel"]);
    let mut refusal = answer(&invite, 420, "b", None);
    refusal.headers.push(HeaderName::Unsupported, "100rel");
    alone.receive(refusal);

    let end = alone.end();
    assert_eq!((end.by, end.status), (EndedBy::Remote, Some(StatusCode::BAD_EXTENSION)));
}

#[test]
fn copies_and_responses_out_of_order_are_not_acknowledged() {
    let mut alone = alone(Reliability::Supported);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(reliable(&invite, 183, "b", 7, Some(ANSWER)));
    let first = alone.next_request(Method::Prack);
    assert_eq!(first.headers.get(&HeaderName::RAck), Some("7 1 INVITE"));
    alone.told();

    alone.receive(reliable(&invite, 183, "b", 7, Some(ANSWER)));
    alone.receive(reliable(&invite, 180, "b", 9, None));
    assert!(alone.sent.is_empty() && alone.told().is_empty());
    alone.receive(reliable(&invite, 182, "b", 8, None));
    assert_eq!(alone.next_request(Method::Prack).headers.get(&HeaderName::RAck), Some("8 1 INVITE"));
    alone.receive(reliable(&invite, 183, "other", 700, Some(ANSWER)));

    let other = alone.next_request(Method::Prack);
    assert_eq!(other.headers.get(&HeaderName::RAck), Some("700 1 INVITE"), "each fork counts by itself");
    assert_eq!(alone.told(), ["182", "183"]);
}

#[test]
fn a_200_cannot_change_what_a_reliable_183_has_settled() {
    let mut alone = alone(Reliability::Supported);
    alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(reliable(&invite, 183, "b", 1, Some(ANSWER)));
    alone.receive(answer(&invite, 200, "b", Some(OFFER)));

    let answers: Vec<Option<String>> = alone
        .events
        .drain(..)
        .filter_map(|event| match event {
            Event::Session { event: SessionEvent::Progress { answer, .. }, .. } => Some(answer),
            Event::Session { event: SessionEvent::Accepted { answer, .. }, .. } => Some(answer),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [Some(ANSWER.to_owned()), Some(ANSWER.to_owned())]);
}

#[test]
fn an_invite_without_offer_gets_one_reliably_and_answers_in_the_prack() {
    let mut pair = pair();
    let invite = Invite { offer: None, ..pair.invitation() };
    let alice = pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::SESSION_PROGRESS, Some(OFFER.to_owned()), Vec::new(), pair.now).unwrap();
    pair.settle();
    let Some(Event::Session { event: SessionEvent::Progress { answer: offer, .. }, .. }) =
        pair.alice.events.pop_front()
    else {
        panic!("no offer")
    };
    assert_eq!(offer.as_deref(), Some(OFFER));
    assert!(pair.sent("PRACK").is_empty(), "the PRACK waits for the answer");

    pair.alice.agent.answer_offer(alice, Ok(ANSWER.to_owned()), pair.now).unwrap();
    pair.settle();
    let Some(Event::Session { event: SessionEvent::Answered { result, .. }, .. }) = pair.bob.events.pop_front() else {
        panic!("no answer")
    };
    assert_eq!(result, Ok(Some(ANSWER.to_owned())));
    pair.bob.agent.accept(bob, OFFER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    assert!(pair.response("200 INVITE").body.is_empty() && pair.request("ACK").body.is_empty());
    assert_eq!((pair.alice.told(), pair.bob.told()), (vec!["accepted".to_owned()], vec!["confirmed".to_owned()]));
}

#[test]
fn an_offer_that_cannot_be_sent_reliably_waits_for_the_200() {
    let mut pair = Pair::udp();
    let invite = Invite { offer: None, ..pair.invitation() };
    pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::SESSION_PROGRESS, Some(OFFER.to_owned()), Vec::new(), pair.now).unwrap();
    pair.bob.agent.accept(bob, OFFER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    assert!(pair.response("183 INVITE").body.is_empty());
    assert_eq!(pair.response("200 INVITE").body, OFFER.as_bytes());
}

#[test]
fn an_offer_refused_in_a_183_ends_the_call() {
    let mut alone = alone(Reliability::Supported);
    let invite = Invite {
        offer: None,
        ..Invite::new(Side::Bob.uri(), sip_core::message::NameAddr::new(Side::Alice.uri()), alone.flow)
    };
    let id = alone.invite(invite);
    let invite = alone.next_request(Method::Invite);
    alone.receive(reliable(&invite, 183, "b", 1, Some(OFFER)));
    alone.agent.answer_offer(id, Err(StatusCode::NOT_ACCEPTABLE_HERE), alone.now).unwrap();
    alone.drain();

    assert!(alone.next_request(Method::Prack).body.is_empty());
    alone.next_request(Method::Cancel);
}

#[test]
fn an_offer_in_a_prack_is_answered_in_its_200() {
    let mut alone = alone(Reliability::Supported);
    let mut invite = invite_of_bob("1");
    invite.headers.push(HeaderName::Supported, "100rel");
    alone.receive(invite.clone());
    let id = alone.incoming_call();
    alone.agent.ring(id, StatusCode::SESSION_PROGRESS, Some(ANSWER.to_owned()), Vec::new(), alone.now).unwrap();
    alone.drain();
    let progress = alone.next_response(183);
    let mut prack = prack(&progress, &invite, &format!("{} 1 INVITE", progress.headers.rseq().unwrap()));
    prack.set_body("application/sdp", OFFER.replace("4000", "4002"));

    alone.receive(prack);
    alone.agent.accept(id, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    assert!(alone.sent.is_empty(), "the 200 waits for the answer");
    assert_eq!(alone.told(), ["offered"]);
    alone.agent.answer_offer(id, Ok(ANSWER.to_owned()), alone.now).unwrap();
    alone.drain();

    let ok = alone.next_response(200);
    assert_eq!((ok.headers.cseq().unwrap().method, ok.body.as_slice()), (Method::Prack, ANSWER.as_bytes()));
    assert_eq!(alone.next_response(200).headers.cseq().unwrap().method, Method::Invite);
}

#[test]
fn an_update_changes_an_early_session_from_either_side() {
    for side in [Side::Alice, Side::Bob] {
        let mut pair = pair();
        let (alice, bob) = ringing(&mut pair, Some(ANSWER));
        pair.log.clear();
        let (mine, theirs, other) =
            if side == Side::Alice { (alice, bob, Side::Bob) } else { (bob, alice, Side::Alice) };
        let now = pair.now;
        pair.peer(other).told();
        pair.peer(side).told();

        pair.peer(side).agent.offer(mine, OFFER.replace("4000", "4002"), now).unwrap();
        pair.settle();
        assert_eq!(pair.peer(other).told(), ["offered"]);
        let now = pair.now;
        pair.peer(other).agent.answer_offer(theirs, Ok(ANSWER.to_owned()), now).unwrap();
        pair.settle();

        assert_eq!(pair.peer(side).told(), ["answered"]);
        assert_eq!((pair.sent("UPDATE").len(), pair.sent("200 UPDATE").len()), (1, 1));
        let now = pair.now;
        pair.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), now).unwrap();
        pair.settle();
        assert_eq!(pair.alice.told(), ["accepted"]);
    }
}

#[test]
fn updates_that_cross_get_491_and_both_come_through() {
    let mut pair = pair();
    let (alice, bob) = ringing(&mut pair, Some(ANSWER));
    pair.alice.told();
    pair.bob.told();
    pair.alice.agent.offer(alice, OFFER.to_owned(), pair.now).unwrap();
    pair.bob.agent.offer(bob, OFFER.to_owned(), pair.now).unwrap();
    let mut answers = Vec::new();
    for _ in 0..70 {
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

    assert_eq!(pair.sent("491 UPDATE").len(), 2);
    answers.sort();
    assert_eq!(answers, [(Side::Alice, "answered".to_owned()), (Side::Bob, "answered".to_owned())]);
}

#[test]
fn an_update_before_the_first_answer_is_refused_on_either_side() {
    let mut caller = alone(Reliability::Supported);
    caller.call();
    let invite = caller.next_request(Method::Invite);
    caller.receive(answer(&invite, 180, "b", None));
    let mut update = Request::new(Method::Update, Side::Alice.uri());
    update.headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKup");
    update.headers.push(HeaderName::From, format!("{};tag=b", invite.headers.get(&HeaderName::To).unwrap()));
    update.headers.push(HeaderName::To, invite.headers.get(&HeaderName::From).unwrap());
    update.headers.push(HeaderName::CallId, invite.headers.call_id().unwrap());
    update.headers.push(HeaderName::CSeq, "5 UPDATE");
    update.set_body("application/sdp", OFFER);
    caller.receive(update);
    caller.next_response(491);

    let mut callee = alone(Reliability::Supported);
    let invite = invite_of_bob("1");
    callee.receive(invite.clone());
    let id = callee.incoming_call();
    callee.agent.ring(id, StatusCode::RINGING, None, Vec::new(), callee.now).unwrap();
    callee.drain();
    let ringing = callee.next_response(180);
    let mut update = request(&ringing, &invite, Method::Update, 2);
    update.set_body("application/sdp", OFFER);
    callee.receive(update);
    assert!(callee.next_response(500).headers.retry_after().is_some_and(|seconds| seconds <= 10));
    assert!(callee.told().is_empty());
}

#[test]
fn a_reliable_183_to_a_reinvite_is_its_answer() {
    let mut alone = alone(Reliability::Supported);
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 200, "b", Some(ANSWER)));
    alone.next_request(Method::Ack);
    alone.told();
    alone.agent.offer(id, OFFER.to_owned(), alone.now).unwrap();
    alone.drain();
    let reinvite = alone.next_request(Method::Invite);

    alone.receive(reliable(&reinvite, 183, "", 4, Some(ANSWER)));
    assert_eq!(alone.next_request(Method::Prack).headers.get(&HeaderName::RAck), Some("4 2 INVITE"));
    alone.receive(answer(&reinvite, 200, "", None));

    alone.next_request(Method::Ack);
    assert_eq!(alone.told(), ["answered"]);
}

#[test]
fn hanging_up_answers_an_update_that_waits() {
    let mut pair = pair();
    let (alice, bob) = ringing(&mut pair, Some(ANSWER));
    pair.bob.agent.offer(bob, OFFER.to_owned(), pair.now).unwrap();
    pair.settle();
    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.settle();

    assert_eq!((pair.sent("487 UPDATE").len(), pair.sent("487 INVITE").len()), (1, 1));
    assert!(pair.alice.agent.session(alice).is_none() && pair.bob.agent.session(bob).is_none());
}

#[test]
fn a_prack_is_sent_again_with_credentials() {
    let mut alone = alone(Reliability::Supported);
    let credentials = Some(sip_core::digest::Credentials::new("alice", "secret"));
    let invite = Invite {
        offer: Some(OFFER.to_owned()),
        credentials,
        ..Invite::new(Side::Bob.uri(), sip_core::message::NameAddr::new(Side::Alice.uri()), alone.flow)
    };
    alone.invite(invite);
    let invite = alone.next_request(Method::Invite);
    alone.receive(reliable(&invite, 183, "b", 1, Some(ANSWER)));
    let prack = alone.next_request(Method::Prack);
    let mut challenge = answer(&prack, 407, "", None);
    challenge.headers.push(HeaderName::ProxyAuthenticate, "Digest realm=\"b\", nonce=\"n\", qop=\"auth\"");
    alone.receive(challenge);

    let again = alone.next_request(Method::Prack);
    assert!(again.headers.has(&HeaderName::ProxyAuthorization));
    assert_eq!(again.headers.cseq().unwrap().number, prack.headers.cseq().unwrap().number + 1);
    assert_eq!(again.headers.get(&HeaderName::RAck), Some("1 1 INVITE"));
}
