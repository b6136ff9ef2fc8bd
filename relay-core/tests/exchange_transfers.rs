//! Transfers that the demo exchange carries out: who is transferred hears nothing of it but a re-INVITE.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod exchange_town;

use exchange_town::{ANSWER, DOMAIN, OFFER, Town, offered, talk, talking, uri};
use relay_core::exchange::Account;
use sip_core::Duration;
use sip_core::agent::{EndedBy, Event, Refer, SessionId, TransferEvent};
use sip_core::message::{Replaces, StatusCode};
use std::net::SocketAddr;

fn refer(town: &mut Town, at: SocketAddr, call: SessionId, target: &str, replaces: Option<Replaces>) {
    let now = town.now;
    let refer = Refer { replaces, ..Refer::new(uri(&format!("sip:{target}@{DOMAIN}"))) };
    town.agent(at).refer(call, refer, now).unwrap();
}

/// How a transfer of this phone's ended: the status, and whether it succeeded.
fn result(town: &Town, at: SocketAddr) -> Option<(StatusCode, bool)> {
    town.events(at).iter().find_map(|event| match event {
        Event::Transfer { event: TransferEvent::Succeeded { status, .. }, .. } => Some((*status, true)),
        Event::Transfer { event: TransferEvent::Failed { status, .. }, .. }
        | Event::Transfer { event: TransferEvent::Refused { status, .. }, .. } => Some((*status, false)),
        _ => None,
    })
}

fn accept_offer(town: &mut Town, at: SocketAddr, call: SessionId) {
    town.until("a new offer", |town| offered(town, at, call).is_some());
    let now = town.now;
    town.agent(at).answer_offer(call, Ok(ANSWER.to_owned()), now).unwrap();
}

#[test]
fn who_is_transferred_to_a_number_talks_to_its_player() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    refer(&mut town, alice, call, "music", None);
    accept_offer(&mut town, bob, session);
    town.until("told", |town| result(town, alice).is_some());

    assert_eq!(result(&town, alice), Some((StatusCode::OK, true)));
    assert!(offered(&town, bob, session).unwrap().contains("c=IN IP4 192.0.2.9"));
    town.pass(Duration::from_secs(6));
    assert_eq!(town.end(alice, call).unwrap().by, EndedBy::Remote, "who stays is hung up");
    assert!(town.end(bob, session).is_none());
    assert!(!town.rtp.is_empty(), "the music plays");
    let now = town.now;
    town.agent(bob).hang_up(session, None, now).unwrap();
    town.until("over", |town| town.calls() == 0);
}

#[test]
fn who_is_transferred_to_an_account_talks_to_its_phone() {
    let carol = Account { name: "carol".to_owned(), password: "carol-secret".into() };
    let mut town = Town::with(|config| config.accounts.push(carol));
    let ((alice, call), (bob, session)) = talking(&mut town);
    let carol = town.registered(3, "carol");
    refer(&mut town, alice, call, "carol", None);
    town.until("it rings", |town| town.incoming(carol).is_some());
    let (rings, offer) = town.incoming(carol).unwrap();
    assert_eq!(offer, None, "the new side describes itself first");
    let now = town.now;
    town.agent(carol).accept(rings, OFFER.to_owned(), Vec::new(), now).unwrap();
    accept_offer(&mut town, bob, session);
    town.until("told", |town| result(town, alice).is_some());
    town.pass(Duration::from_secs(6));

    assert_eq!(result(&town, alice), Some((StatusCode::OK, true)));
    assert_eq!(offered(&town, bob, session).as_deref(), Some(OFFER));
    assert_eq!(exchange_town::confirmed(&town, carol, rings), Some(Some(ANSWER.to_owned())));
    let now = town.now;
    town.agent(carol).hang_up(rings, None, now).unwrap();
    town.until("over", |town| town.end(bob, session).is_some());
    assert_eq!(town.calls(), 0);
}

#[test]
fn what_the_referrer_talks_to_is_given_away_with_replaces() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    let (consulted, _) = talk(&mut town, alice, "echo", OFFER);
    let replaces = town.agent(alice).replaces(consulted);
    refer(&mut town, alice, call, "echo", replaces);
    accept_offer(&mut town, bob, session);
    town.until("told", |town| result(town, alice).is_some());

    assert_eq!(result(&town, alice), Some((StatusCode::OK, true)));
    town.until("the consultation is over", |town| town.end(alice, consulted).is_some());
    assert!(town.end(bob, session).is_none());
}

#[test]
fn a_transfer_that_cannot_be_leaves_the_call() {
    for (target, status) in [
        ("busy", StatusCode::BUSY_HERE),
        ("nobody", StatusCode::NOT_FOUND),
        ("reject", StatusCode::DECLINE),
        ("noanswer", StatusCode::TEMPORARILY_UNAVAILABLE),
    ] {
        let mut town = Town::new();
        let ((alice, call), (bob, session)) = talking(&mut town);
        refer(&mut town, alice, call, target, None);
        town.until("told", |town| result(town, alice).is_some());

        assert_eq!(result(&town, alice), Some((status, false)), "{target}");
        town.pass(Duration::from_secs(10));
        assert!(town.end(alice, call).is_none() && town.end(bob, session).is_none());
    }
}

#[test]
fn a_dialog_that_nobody_has_is_481() {
    let mut town = Town::new();
    let ((alice, call), _) = talking(&mut town);
    let replaces: Replaces = "x;to-tag=a;from-tag=b".parse().unwrap();
    refer(&mut town, alice, call, "echo", Some(replaces));
    town.until("told", |town| result(town, alice).is_some());

    assert_eq!(result(&town, alice), Some((StatusCode::CALL_DOES_NOT_EXIST, false)));
}

#[test]
fn who_does_not_take_the_new_side_stays_with_the_old() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    refer(&mut town, alice, call, "music", None);
    town.until("a new offer", |town| offered(town, bob, session).is_some());
    let now = town.now;
    town.agent(bob).answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now).unwrap();
    town.until("told", |town| result(town, alice).is_some());

    assert_eq!(result(&town, alice), Some((StatusCode::NOT_ACCEPTABLE_HERE, false)));
    town.pass(Duration::from_secs(10));
    assert!(town.end(alice, call).is_none() && town.end(bob, session).is_none());
}

#[test]
fn a_referrer_that_hangs_up_at_once_does_not_stop_the_transfer() {
    let mut town = Town::new();
    let ((alice, call), (bob, session)) = talking(&mut town);
    refer(&mut town, alice, call, "echo", None);
    town.until("a new offer", |town| offered(town, bob, session).is_some());
    let now = town.now;
    town.agent(alice).hang_up(call, None, now).unwrap();
    town.pass(Duration::from_secs(1));
    accept_offer(&mut town, bob, session);
    town.until("told", |town| result(town, alice).is_some());

    assert_eq!(result(&town, alice), Some((StatusCode::OK, true)));
    assert!(town.end(bob, session).is_none());
    assert_eq!(town.calls(), 1);
}
