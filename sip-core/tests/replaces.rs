//! INVITE with Replaces (RFC 3891): which dialog it fits, and what becomes of both.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, OFFER, Pair, Side};
use sip_core::agent::{Config, Event, Invite, SessionId};
use sip_core::message::{HeaderName, Replaces, StatusCode};
use sip_core::{Duration, Transport};

fn phone() -> Config {
    Config { replaces: true, supported: vec!["replaces"], ..Config::default() }
}

fn pair() -> Pair {
    Pair::with_config(Transport::Udp, phone())
}

/// A second INVITE of Alice's that wants the place of the first.
fn replace(pair: &mut Pair, replaces: &Replaces) -> SessionId {
    let invite = Invite {
        headers: vec![(HeaderName::Replaces, replaces.to_string()), (HeaderName::Require, "replaces".to_owned())],
        ..pair.invitation()
    };
    pair.log.clear();
    let session = pair.alice.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    session
}

#[test]
fn a_confirmed_dialog_gives_its_place_and_is_hung_up() {
    let mut pair = pair();
    let (alice, bob) = pair.established();
    let replaces = pair.alice.agent.replaces(alice).unwrap();
    let new = replace(&mut pair, &replaces);
    let Some(Event::IncomingCall { session, replaces: Some(old), .. }) = pair.bob.events.pop_front() else { panic!() };
    assert_eq!(old, bob);
    pair.bob.agent.accept(session, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.story(), ["alice INVITE", "bob 200 INVITE", "bob BYE", "alice ACK", "alice 200 BYE"]);
    assert_eq!(pair.request("BYE").headers.call_id().unwrap(), replaces.call_id);
    assert!(pair.alice.agent.session(alice).is_none());
    assert!(pair.alice.agent.session(new).is_some());
    assert_eq!(pair.bob.told(), ["ended Local", "confirmed"]);
}

#[test]
fn a_refused_replacement_leaves_the_call_alone() {
    let mut pair = pair();
    let (alice, bob) = pair.established();
    let replaces = pair.alice.agent.replaces(alice).unwrap();
    replace(&mut pair, &replaces);
    let session = pair.bob.incoming_call();
    pair.bob.agent.reject(session, StatusCode::NOT_ACCEPTABLE_HERE, None, Vec::new(), pair.now).unwrap();
    pair.settle();

    assert_eq!(pair.story(), ["alice INVITE", "bob 488 INVITE", "alice ACK"]);
    assert!(pair.bob.agent.session(bob).is_some());
}

#[test]
fn a_full_phone_has_room_for_who_takes_anothers_place() {
    let mut pair = Pair::with_config(Transport::Udp, Config { max_sessions: 2, ..phone() });
    pair.bob.agent = {
        let mut other = Pair::with_config(Transport::Udp, Config { max_sessions: 1, ..phone() });
        core::mem::replace(&mut other.bob.agent, sip_core::agent::UserAgent::new(phone(), [9; 32]))
    };
    let (alice, _) = pair.established();
    let replaces = pair.alice.agent.replaces(alice).unwrap();
    replace(&mut pair, &replaces);

    assert_eq!(pair.bob.told(), ["call"]);
}

#[test]
fn what_fits_no_dialog_is_481_and_what_cannot_be_read_400() {
    let mut pair = pair();
    let (alice, _) = pair.established();
    let right = pair.alice.agent.replaces(alice).unwrap();
    let wrong = |change: fn(&mut Replaces)| {
        let mut replaces = right.clone();
        change(&mut replaces);
        replaces
    };
    for replaces in [
        wrong(|replaces| replaces.call_id.push('x')),
        wrong(|replaces| replaces.to_tag.push('x')),
        wrong(|replaces| replaces.from_tag.push('x')),
        wrong(|replaces| core::mem::swap(&mut replaces.from_tag, &mut replaces.to_tag)),
    ] {
        replace(&mut pair, &replaces);
        assert_eq!(pair.story(), ["alice INVITE", "bob 481 INVITE", "alice ACK"], "{replaces}");
    }
    for rows in [vec!["nonsense".to_owned()], vec![right.to_string(), right.to_string()]] {
        let headers = rows.into_iter().map(|row| (HeaderName::Replaces, row)).collect();
        pair.log.clear();
        pair.alice.agent.invite(Invite { headers, ..pair.invitation() }, pair.now).unwrap();
        pair.settle();
        assert_eq!(pair.story(), ["alice INVITE", "bob 400 INVITE", "alice ACK"]);
    }
    assert_eq!(pair.bob.told(), Vec::<String>::new());
    assert_eq!(pair.bob.agent.counters().refused, 6);
}

#[test]
fn early_only_does_not_fit_a_call_that_stands() {
    let mut pair = pair();
    let (alice, _) = pair.established();
    let replaces = Replaces { early_only: true, ..pair.alice.agent.replaces(alice).unwrap() };
    replace(&mut pair, &replaces);

    assert_eq!(pair.story(), ["alice INVITE", "bob 486 INVITE", "alice ACK"]);
}

#[test]
fn a_call_that_is_being_hung_up_declines() {
    let mut pair = pair();
    let (alice, bob) = pair.established();
    let replaces = pair.alice.agent.replaces(alice).unwrap();
    pair.link(|_, message| match pair::label(message).as_str() {
        "BYE" => pair::Fate::IsLost,
        _ => pair::Fate::Arrives,
    });
    pair.bob.agent.hang_up(bob, None, pair.now).unwrap();
    replace(&mut pair, &replaces);

    assert!(pair.story().contains(&"bob 603 INVITE".to_owned()), "{:?}", pair.story());
}

/// Alice calls Bob, who rings. To Bob's side the early dialog is the caller's.
fn ringing() -> (Pair, SessionId, SessionId) {
    let mut pair = pair();
    let alice = pair.call();
    pair.settle();
    let bob = pair.bob.incoming_call();
    pair.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), pair.now).unwrap();
    pair.settle();
    pair.alice.told();
    (pair, alice, bob)
}

#[test]
fn a_call_that_rings_here_is_nobodys_to_replace() {
    let (mut pair, _, bob) = ringing();
    let mine = pair.bob.agent.replaces(bob).unwrap();
    let theirs = Replaces { to_tag: mine.from_tag, from_tag: mine.to_tag, ..mine };
    replace(&mut pair, &theirs);

    assert_eq!(pair.story(), ["alice INVITE", "bob 481 INVITE", "alice ACK"]);
}

#[test]
fn a_call_of_ours_that_rings_is_picked_up_by_another_phone_and_cancelled() {
    let (mut pair, alice, bob) = ringing();
    let replaces = Replaces { early_only: true, ..pair.bob.agent.replaces(bob).unwrap() };
    let flow = pair.flow(Side::Bob);
    let from = sip_core::message::NameAddr::new(Side::Bob.uri());
    let invite = Invite {
        headers: vec![(HeaderName::Replaces, replaces.to_string())],
        offer: Some(OFFER.to_owned()),
        ..Invite::new(Side::Alice.uri(), from, flow)
    };
    pair.log.clear();
    pair.bob.agent.invite(invite, pair.now).unwrap();
    pair.settle();
    let Some(Event::IncomingCall { session, replaces: Some(old), .. }) = pair.alice.events.pop_front() else {
        panic!()
    };
    assert_eq!(old, alice);
    pair.alice.agent.accept(session, ANSWER.to_owned(), Vec::new(), pair.now).unwrap();
    pair.pass(Duration::from_secs(1));

    assert_eq!(pair.sent("CANCEL").len(), 1);
    assert_eq!(pair.sent("487 INVITE").len(), 1);
    assert!(pair.alice.agent.session(session).is_some());
    assert!(pair.alice.agent.session(alice).is_none());
}

#[test]
fn who_does_not_know_replaces_says_so_where_it_is_required() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.established();
    let replaces = pair.alice.agent.replaces(alice).unwrap();
    replace(&mut pair, &replaces);

    assert_eq!(pair.story(), ["alice INVITE", "bob 420 INVITE", "alice ACK"]);
}
