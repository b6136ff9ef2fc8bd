//! Sessions that end unless they are refreshed (RFC 4028), in both roles.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, Fate, OFFER, Pair, Side, answer, invite_of_bob, label};
use sip_core::agent::{Config, EndedBy, Failure, Refresher, SessionId, SessionState, SessionTimers};
use sip_core::message::{HeaderName, Method, Request, StatusCode};
use sip_core::{Duration, Transport};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn timers(expires: u64, refresher: Option<Refresher>) -> Config {
    let timers = SessionTimers { expires: seconds(expires), minimum: seconds(90), refresher };
    Config { session_timers: Some(timers), ..Config::default() }
}

/// Without UPDATE, a refresh is a re-INVITE.
fn without_update(mut config: Config) -> Config {
    config.allow.retain(|method| *method != Method::Update);
    config
}

fn established(config: Config) -> (Pair, SessionId, SessionId) {
    let mut pair = Pair::with_config(Transport::Udp, config);
    let (alice, bob) = pair.established();
    (pair, alice, bob)
}

/// Alice, called by Bob with these headers, in a call that stands.
fn called(config: Config, rows: &[(HeaderName, &str)]) -> (Alone, Request, SessionId) {
    let mut alone = Alone::with_config(Transport::Udp, config);
    let mut invite = invite_of_bob("1");
    invite.headers.extend(rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())));
    alone.receive(invite.clone());
    let id = alone.incoming_call();
    alone.agent.accept(id, ANSWER.to_owned(), Vec::new(), alone.now).unwrap();
    alone.drain();
    let ok = alone.next_response(200);
    for name in [HeaderName::To, HeaderName::SessionExpires, HeaderName::Require] {
        invite.headers.remove(&name);
        if let Some(value) = ok.headers.get(&name) {
            invite.headers.set(name, value);
        }
    }
    alone.receive(in_call(&invite, Method::Ack, 1));
    alone.told();
    (alone, invite, id)
}

/// Bob's request in the call of his INVITE.
fn in_call(invite: &Request, method: Method, number: u32) -> Request {
    let mut request = Request::new(method, Side::Alice.uri());
    let branch = format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{number}{}", request.method);
    request.headers.push(HeaderName::Via, branch);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::Contact] {
        request.headers.push(name.clone(), invite.headers.get(&name).unwrap());
    }
    let cseq = format!("{number} {}", request.method);
    request.headers.push(HeaderName::CSeq, cseq);
    request.headers.push(HeaderName::MaxForwards, "70");
    request
}

#[test]
fn the_refresher_sends_an_update_at_half_the_interval_for_ever() {
    for (refresher, side, role) in [(Refresher::Local, "alice", "uac"), (Refresher::Remote, "bob", "uas")] {
        let (mut pair, alice, bob) = established(timers(600, Some(refresher)));
        pair.pass(seconds(3_600));

        let story = pair.story();
        assert_eq!(pair.sent("UPDATE").len(), 11, "each 300 s and a little: {story:?}");
        assert!(story.iter().filter(|line| line.ends_with(" UPDATE")).step_by(2).all(|line| line.starts_with(side)));
        let update = pair.request("UPDATE");
        assert_eq!(update.headers.get(&HeaderName::SessionExpires), Some("600;refresher=uac"), "who sends it");
        assert!(update.body.is_empty() && update.headers.supports("timer"));
        let granted = pair.response("200 UPDATE").headers.get(&HeaderName::SessionExpires);
        assert_eq!(granted, Some("600;refresher=uac"), "{role}");
        assert!(pair.alice.told().is_empty() && pair.bob.told().is_empty(), "nobody is bothered");
        for (peer, id) in [(&pair.alice, alice), (&pair.bob, bob)] {
            assert_eq!(peer.agent.session(id).unwrap().state, SessionState::Confirmed);
        }
    }
}

#[test]
fn without_update_the_refresh_is_a_reinvite_that_changes_nothing() {
    for (refresher, sdp) in [(Refresher::Local, OFFER), (Refresher::Remote, ANSWER)] {
        let (mut pair, alice, bob) = established(without_update(timers(600, Some(refresher))));
        for _ in 0..60 {
            pair.pass(seconds(10));
            let now = pair.now;
            for (side, id) in [(Side::Alice, alice), (Side::Bob, bob)] {
                // What is asked is answered as before; the refresher itself hears nothing.
                let told = pair.peer(side).told();
                let is_refresher = (side == Side::Alice) == (refresher == Refresher::Local);
                assert!(told.is_empty() || !is_refresher, "{told:?}");
                let answer = if side == Side::Alice { OFFER } else { ANSWER };
                if !told.is_empty() {
                    pair.peer(side).agent.answer_offer(id, Ok(answer.to_owned()), now).unwrap();
                }
            }
        }

        assert!(!pair.sent("INVITE").is_empty() && pair.sent("BYE").is_empty());
        assert_eq!(pair.request("INVITE").body, sdp.as_bytes(), "the same version of the same description");
    }
}

#[test]
fn a_session_whose_refresher_vanished_ends_before_its_interval() {
    for (expires, end) in [(1_800, 1_768), (90, 60)] {
        let (mut pair, _, _) = established(timers(expires, Some(Refresher::Local)));
        let start = pair.now;
        pair.link(|_, _| Fate::IsLost);
        pair.pass(seconds(expires));

        let bye = pair.sent("BYE").into_iter().find(|sent| sent.from == Side::Bob).unwrap();
        assert!(bye.at.since(start) <= seconds(end) && bye.at.since(start) >= seconds(end - 1), "{:?}", bye.at);
        let bye = pair.request("BYE").headers.reason().unwrap();
        assert_eq!((bye.is_q850(), bye.cause), (true, Some(102)));
        let end = pair.bob.end();
        assert_eq!((end.by, end.q850, end.failure), (EndedBy::System, Some(102), Some(Failure::Timeout)));
        assert_eq!(pair.alice.end().failure, Some(Failure::Timeout), "the refresher got no answer");
    }
}

#[test]
fn an_interval_too_small_is_refused_and_tried_again_with_a_longer_one() {
    let mut pair = Pair::with_config(Transport::Udp, timers(90, None));
    let longer = SessionTimers { expires: seconds(1_800), minimum: seconds(600), refresher: None };
    pair.bob = Pair::with_config(Transport::Udp, Config { session_timers: Some(longer), ..Config::default() }).bob;
    pair.call();
    pair.settle();

    assert_eq!(pair.story(), ["alice INVITE", "bob 422 INVITE", "alice ACK", "alice INVITE"]);
    assert_eq!(pair.response("422 INVITE").headers.get(&HeaderName::MinSe), Some("600"));
    let again = pair.request("INVITE");
    assert_eq!(again.headers.get(&HeaderName::SessionExpires), Some("600"));
    assert_eq!(again.headers.get(&HeaderName::MinSe), Some("600"));
    assert_eq!(again.headers.cseq().unwrap().number, 2);
    pair.bob.incoming_call();
    assert!(pair.alice.told().is_empty());
}

#[test]
fn a_422_that_asks_for_nothing_longer_ends_the_call() {
    let mut alone = Alone::with_config(Transport::Udp, timers(1_800, None));
    alone.call();
    let invite = alone.next_request(Method::Invite);
    alone.receive(answer(&invite, 422, "b", None));
    assert_eq!(alone.end().status, Some(StatusCode::SESSION_INTERVAL_TOO_SMALL));
    alone.next_request(Method::Ack);

    alone.call();
    for _ in 0..5 {
        let invite = alone.next_request(Method::Invite);
        let mut refusal = answer(&invite, 422, "b", None);
        let asked: u32 = invite.headers.parameterized(&HeaderName::SessionExpires).unwrap().number().unwrap();
        refusal.headers.push(HeaderName::MinSe, (asked + 1).to_string());
        alone.receive(refusal);
        alone.next_request(Method::Ack);
    }
    assert_eq!(alone.end().status, Some(StatusCode::SESSION_INTERVAL_TOO_SMALL), "no end of it");
}

#[test]
fn a_peer_without_session_timers_gets_none() {
    let (mut alone, invite, id) = called(timers(1_800, None), &[]);
    assert!(!invite.headers.has(&HeaderName::SessionExpires) && !invite.headers.has(&HeaderName::Require));
    alone.pass(seconds(10_000));
    assert!(alone.sent.is_empty());
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed);

    let mut caller = Alone::with_config(Transport::Udp, timers(1_800, None));
    caller.call();
    let invite = caller.next_request(Method::Invite);
    assert_eq!(invite.headers.get(&HeaderName::SessionExpires), Some("1800"));
    caller.receive(answer(&invite, 200, "b", Some(ANSWER)));
    caller.next_request(Method::Ack);
    caller.pass(seconds(10_000));
    assert!(caller.sent.is_empty());
}

#[test]
fn who_has_no_session_timers_leaves_them_to_the_other_side() {
    let rows = [(HeaderName::Supported, "timer"), (HeaderName::SessionExpires, "60")];
    let (mut alone, invite, _) = called(Config::default(), &rows);

    assert!(!invite.headers.has(&HeaderName::SessionExpires));
    alone.receive(in_call(&invite, Method::Update, 2));
    assert!(!alone.next_response(200).headers.has(&HeaderName::SessionExpires));
    let mut required = invite_of_bob("2");
    required.headers.push(HeaderName::Require, "timer");
    alone.receive(required);
    assert_eq!(alone.next_response(420).headers.get(&HeaderName::Unsupported), Some("timer"));
}

#[test]
fn an_interval_that_a_proxy_asked_for_is_refreshed_by_the_callee() {
    let (mut alone, invite, _) = called(
        timers(1_800, None),
        &[(HeaderName::SessionExpires, "600"), (HeaderName::Allow, "INVITE, ACK, BYE, CANCEL, UPDATE")],
    );

    assert_eq!(invite.headers.get(&HeaderName::SessionExpires), Some("600;refresher=uas"));
    assert!(!invite.headers.has(&HeaderName::Require), "who does not know timers cannot be required to");
    alone.pass(seconds(300));
    alone.next_request(Method::Update);
}

#[test]
fn a_reinvite_and_an_update_with_a_short_interval_are_refused() {
    let rows = [(HeaderName::Supported, "timer"), (HeaderName::SessionExpires, "600;refresher=uac")];
    let (mut alone, invite, id) = called(timers(1_800, None), &rows);
    for (method, number) in [(Method::Invite, 2), (Method::Update, 3)] {
        let mut refresh = in_call(&invite, method.clone(), number);
        refresh.headers.push(HeaderName::Supported, "timer");
        refresh.headers.push(HeaderName::SessionExpires, "30");
        if method == Method::Invite {
            refresh.set_body("application/sdp", OFFER);
        }
        alone.receive(refresh);
        assert_eq!(alone.next_response(422).headers.get(&HeaderName::MinSe), Some("90"));
    }
    let mut broken = in_call(&invite, Method::Update, 4);
    broken.headers.push(HeaderName::SessionExpires, "soon");
    alone.receive(broken);
    alone.next_response(400);
    assert!(alone.told().is_empty());
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed);
}

#[test]
fn a_refresh_of_the_other_side_starts_its_interval_anew() {
    let rows = [(HeaderName::Supported, "timer"), (HeaderName::SessionExpires, "90;refresher=uac")];
    let (mut alone, invite, id) = called(timers(1_800, None), &rows);
    for number in 2..10 {
        alone.pass(seconds(45));
        let mut refresh = in_call(&invite, Method::Update, number);
        refresh.headers.push(HeaderName::Supported, "timer");
        refresh.headers.push(HeaderName::SessionExpires, "90;refresher=uac");
        alone.receive(refresh);
        assert_eq!(alone.next_response(200).headers.get(&HeaderName::SessionExpires), Some("90;refresher=uac"));
    }
    assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed);
    alone.pass(seconds(60));

    alone.next_request(Method::Bye);
    assert_eq!(alone.end().q850, Some(102));
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_and_the_session_goes_on() {
    let mut alone = Alone::with_config(Transport::Tcp, timers(600, Some(Refresher::Local)));
    let id = alone.call();
    let invite = alone.next_request(Method::Invite);
    let mut ok = answer(&invite, 200, "b", Some(ANSWER));
    ok.headers.push(HeaderName::SessionExpires, "600;refresher=uac");
    ok.headers.push(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE");
    alone.receive(ok);
    alone.next_request(Method::Ack);
    for status in [504, 500, 488, 481] {
        let waited = (0..400).find(|_| {
            alone.pass(seconds(1));
            !alone.sent.is_empty()
        });
        assert!(waited.is_some(), "another attempt");
        assert_eq!(alone.agent.session(id).unwrap().state, SessionState::Confirmed);
        let update = alone.next_request(Method::Update);
        alone.receive(answer(&update, status, "", None));
    }
    alone.next_request(Method::Bye);
    assert_eq!(alone.end().status, Some(StatusCode::CALL_DOES_NOT_EXIST));
}

#[test]
fn an_update_that_is_not_allowed_after_all_becomes_a_reinvite() {
    let mut alone = Alone::with_config(Transport::Udp, timers(600, Some(Refresher::Local)));
    alone.call();
    let invite = alone.next_request(Method::Invite);
    let mut ok = answer(&invite, 200, "b", Some(ANSWER));
    ok.headers.push(HeaderName::SessionExpires, "600;refresher=uac");
    ok.headers.push(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE");
    alone.receive(ok);
    alone.next_request(Method::Ack);
    alone.pass(seconds(300));
    let update = alone.next_request(Method::Update);
    alone.receive(answer(&update, 405, "", None));
    alone.pass(seconds(1));

    assert_eq!(alone.next_request(Method::Invite).body, OFFER.as_bytes());
}

#[test]
fn a_refresh_that_meets_a_reinvite_waits_its_turn() {
    let (mut pair, alice, bob) = established(without_update(timers(600, Some(Refresher::Local))));
    pair.pass(seconds(299));
    pair.bob.agent.offer(bob, OFFER.replace("4000", "4002"), pair.now).unwrap();
    pair.pass(seconds(2));
    assert_eq!(pair.alice.told(), ["offered"], "which the application has not answered when the refresh is due");
    assert_eq!(pair.sent("INVITE").len(), 1);

    pair.alice.agent.answer_offer(alice, Ok(ANSWER.to_owned()), pair.now).unwrap();
    pair.pass(seconds(200));

    assert_eq!((pair.sent("INVITE").len(), pair.sent("491 INVITE").len()), (1, 0), "that was a refresh, too");
    assert_eq!(pair.response("200 INVITE").headers.get(&HeaderName::SessionExpires), Some("600;refresher=uas"));
}

#[test]
fn a_lost_refresh_is_repeated_by_its_transaction() {
    let (mut pair, alice, _) = established(timers(90, Some(Refresher::Local)));
    let mut lost = 0;
    pair.link(move |_, message| {
        lost += 1;
        if label(message) == "UPDATE" && lost % 3 != 0 { Fate::IsLost } else { Fate::Arrives }
    });
    pair.pass(seconds(900));

    assert!(pair.sent("BYE").is_empty());
    assert_eq!(pair.alice.agent.session(alice).unwrap().state, SessionState::Confirmed);
}
