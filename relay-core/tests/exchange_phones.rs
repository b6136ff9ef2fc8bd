//! Calls between two phones through the demo exchange, in virtual time.

mod exchange_town;

use exchange_town::{
    ANSWER, OFFER, Town, address, answered, confirmed, has_progress, info, is_ok, offered, ring, talking,
};
use sip_core::Duration;
use sip_core::agent::{EndedBy, Reply};
use sip_core::message::{Method, StatusCode};

#[test]
fn descriptions_pass_untouched_between_phones() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));

    let (call, ringing) = ring(&mut town, alice, bob);
    let (session, offer) = ringing;
    let now = town.now;
    town.agent(bob).accept(session, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("answered", |town| town.answer(alice, call).is_some());

    assert_eq!(offer.as_deref(), Some(OFFER));
    assert_eq!(town.answer(alice, call).as_deref(), Some(ANSWER));
    assert!(has_progress(&town, alice, call, StatusCode::RINGING));
    assert_eq!(town.calls(), 1);
}

#[test]
fn a_hang_up_on_either_side_ends_both() {
    for is_callee_first in [false, true] {
        let mut town = Town::new();
        let ((alice, call), (bob, session)) = talking(&mut town);

        let (who, which) = if is_callee_first { (bob, session) } else { (alice, call) };
        let now = town.now;
        town.agent(who).hang_up(which, None, now).expect("it talks");
        town.until("both ended", |town| town.end(alice, call).is_some() && town.end(bob, session).is_some());

        let (by_alice, by_bob) =
            if is_callee_first { (EndedBy::Remote, EndedBy::Local) } else { (EndedBy::Local, EndedBy::Remote) };
        assert_eq!(town.end(alice, call).map(|end| end.by), Some(by_alice));
        assert_eq!(town.end(bob, session).map(|end| end.by), Some(by_bob));
        town.until("over", |town| town.calls() == 0);
    }
}

#[test]
fn a_refusal_reaches_the_caller_as_it_is() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(&mut town, alice, bob);

    let now = town.now;
    let status = StatusCode::BUSY_HERE;
    town.agent(bob).reject(session, status, Some("In A Meeting".to_owned()), Vec::new(), now).expect("it rings");

    assert_eq!(town.ended_with(alice, call), 486);
    assert_eq!(town.end(alice, call).map(|end| end.reason.as_str()), Some("In A Meeting"));
    assert_eq!(town.calls(), 0);
}

#[test]
fn cancelling_stops_the_ringing() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let (call, (session, _)) = ring(&mut town, alice, bob);

    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it rings");

    assert_eq!(town.ended_with(alice, call), 487);
    town.until("silence", |town| town.end(bob, session).is_some());
    assert_eq!(town.end(bob, session).map(|end| end.by), Some(EndedBy::Remote));
    assert_eq!(town.calls(), 0);
}

#[test]
fn a_reinvite_and_its_answer_cross() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let hold = format!("{OFFER}a=sendonly\r\n");
    let held = format!("{ANSWER}a=recvonly\r\n");

    let now = town.now;
    town.agent(alice).offer(call, hold.clone(), now).expect("it talks");
    town.until("held", |town| offered(town, bob, session).is_some());
    let crossed = offered(&town, bob, session);
    let now = town.now;
    town.agent(bob).answer_offer(session, Ok(held.clone()), now).expect("asked");
    town.until("answered", |town| answered(town, alice, call).is_some());

    assert_eq!(crossed, Some(hold));
    assert_eq!(answered(&town, alice, call), Some(Ok(Some(held))));
}

#[test]
fn a_refused_reinvite_changes_nothing() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);

    let now = town.now;
    town.agent(bob).offer(session, ANSWER.to_owned(), now).expect("it talks");
    town.until("asked", |town| offered(town, alice, call).is_some());
    let now = town.now;
    town.agent(alice).answer_offer(call, Err(StatusCode::NOT_ACCEPTABLE_HERE), now).expect("asked");
    town.until("refused", |town| answered(town, bob, session).is_some());

    assert_eq!(answered(&town, bob, session), Some(Err(StatusCode::NOT_ACCEPTABLE_HERE)));
    assert_eq!(town.calls(), 1);
}

#[test]
fn two_holds_that_meet_are_both_done_within_seconds() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let hold = format!("{OFFER}a=sendonly\r\n");
    let held = format!("{ANSWER}a=recvonly\r\n");
    let now = town.now;
    for (who, which) in [(alice, call), (bob, session)] {
        town.agent(who).offer(which, hold.clone(), now).expect("it talks");
    }

    for (asked, which, asker, their) in [(alice, call, bob, session), (bob, session, alice, call)] {
        town.until("asked", |town| offered(town, asked, which).is_some());
        let now = town.now;
        town.agent(asked).answer_offer(which, Ok(held.clone()), now).expect("asked");
        town.until("answered", |town| answered(town, asker, their) == Some(Ok(Some(held.clone()))));
    }

    // Bob, who did not make the Call-ID, comes first: within 2 s; Alice within 4 (RFC 3261 §14.1).
    assert!(town.now.since(now) < Duration::from_secs(5), "{:?}", town.now.since(now));
}

#[test]
fn an_info_crosses_with_its_body() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let body = || Some(("application/dtmf-relay".to_owned(), b"Signal=5\r\n".to_vec()));

    let now = town.now;
    town.agent(alice).session_request(call, Method::Info, Vec::new(), body(), now).expect("it talks");
    town.until("INFO", |town| info(town, bob).is_some());
    let (id, of, content) = info(&town, bob).expect("an INFO");
    let now = town.now;
    town.agent(bob).respond(id, Reply::new(StatusCode::OK), now).expect("it waits");
    town.until("its answer", |town| town.events(alice).iter().any(is_ok));

    assert_eq!((of, content), (Some(session), b"Signal=5\r\n".to_vec()));
}

#[test]
fn a_phone_that_is_gone_is_forgotten_and_the_next_one_rings() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    town.registered(3, "bob");
    let ghost = town.phone(4);
    town.register(ghost, "bob", "bob-secret", 3_600);
    town.until("three phones", |town| town.bindings() == 4);
    town.forget(ghost);
    town.forget(address("192.0.2.3:5060"));

    let (_, (_, offer)) = ring(&mut town, alice, bob);

    assert_eq!(offer.as_deref(), Some(OFFER));
    assert_eq!(town.bindings(), 2, "both ghosts are forgotten");
}

#[test]
fn a_call_without_an_offer_between_phones_gets_the_callees() {
    let mut town = Town::new();
    let (alice, bob) = (town.registered(1, "alice"), town.registered(2, "bob"));
    let call = town.call(alice, "alice", "bob", None);
    town.until("ringing", |town| town.incoming(bob).is_some());
    let (session, offer) = town.incoming(bob).expect("it rings");

    let now = town.now;
    town.agent(bob).accept(session, OFFER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("offered", |town| town.answer(alice, call).is_some());
    let now = town.now;
    town.agent(alice).answer_offer(call, Ok(ANSWER.to_owned()), now).expect("asked");
    town.until("confirmed", |town| confirmed(town, bob, session).is_some());

    assert_eq!(offer, None);
    assert_eq!(town.answer(alice, call).as_deref(), Some(OFFER));
    assert_eq!(confirmed(&town, bob, session).flatten().as_deref(), Some(ANSWER));
}
