//! Several phones of one account in the demo exchange, in virtual time: all ring, one has the call.

mod exchange_town;

use core::net::SocketAddr;
use exchange_town::{ANSWER, OFFER, Town};
use sip_core::Duration;
use sip_core::agent::{EndedBy, SessionId};
use sip_core::message::StatusCode;

/// Alice calls Bob, whose two phones ring.
fn both_ring() -> (Town, (SocketAddr, SessionId), [(SocketAddr, SessionId); 2]) {
    let mut town = Town::new();
    let alice = town.registered(1, "alice");
    let phones = [town.registered(2, "bob"), town.registered(3, "bob")];
    let call = town.call(alice, "alice", "bob", Some(OFFER));
    town.until("both ring", |town| phones.iter().all(|phone| town.incoming(*phone).is_some()));
    let ringing = phones.map(|phone| {
        let (session, _) = town.incoming(phone).expect("it rings");
        let now = town.now;
        town.agent(phone).ring(session, StatusCode::RINGING, None, Vec::new(), now).expect("it rings");
        (phone, session)
    });
    (town, (alice, call), ringing)
}

fn reject(town: &mut Town, (phone, session): (SocketAddr, SessionId), status: u16) {
    let now = town.now;
    let status = StatusCode::new(status).expect("a status");
    town.agent(phone).reject(session, status, None, Vec::new(), now).expect("it rings");
    town.pass(Duration::from_millis(500));
}

#[test]
fn the_first_phone_that_answers_has_the_call_and_the_other_is_told() {
    let (mut town, (alice, call), [first, second]) = both_ring();

    let now = town.now;
    town.agent(second.0).accept(second.1, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    town.until("answered", |town| town.answer(alice, call).is_some());
    town.until("silent", |town| town.end(first.0, first.1).is_some());

    let end = town.end(first.0, first.1).expect("it was cancelled");
    assert_eq!((end.by, end.status.map(StatusCode::as_u16)), (EndedBy::Remote, Some(200)));
    assert_eq!(end.reason, "Call completed elsewhere");
    assert_eq!(town.calls(), 1);
    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it talks");
    town.until("over", |town| town.end(second.0, second.1).is_some() && town.calls() == 0);
}

#[test]
fn two_answers_at_once_make_one_call() {
    let (mut town, (alice, call), phones) = both_ring();

    let now = town.now;
    for (phone, session) in phones {
        town.agent(phone).accept(session, ANSWER.to_owned(), Vec::new(), now).expect("it rings");
    }
    town.until("answered", |town| town.answer(alice, call).is_some());
    town.pass(Duration::from_secs(2));

    let ended = phones.iter().filter(|(phone, session)| town.end(*phone, *session).is_some()).count();
    assert_eq!(ended, 1, "the loser is hung up");
    assert_eq!(town.calls(), 1);
}

#[test]
fn a_busy_phone_does_not_silence_the_other() {
    let (mut town, (alice, call), [first, second]) = both_ring();

    reject(&mut town, first, 486);
    assert!(town.end(alice, call).is_none(), "the other rings");
    let now = town.now;
    town.agent(second.0).accept(second.1, ANSWER.to_owned(), Vec::new(), now).expect("it rings");

    town.until("answered", |town| town.answer(alice, call).is_some());
}

#[test]
fn the_caller_hears_what_a_phone_that_is_there_has_said() {
    let (mut town, (alice, call), [first, second]) = both_ring();

    reject(&mut town, first, 486);
    reject(&mut town, second, 480);

    assert_eq!(town.ended_with(alice, call), 486);
    assert_eq!(town.calls(), 0);
}

#[test]
fn one_phone_declines_for_all() {
    let (mut town, (alice, call), [first, second]) = both_ring();

    reject(&mut town, first, 603);

    assert_eq!(town.ended_with(alice, call), 603);
    let end = town.end(second.0, second.1).expect("it was silenced");
    assert_eq!(end.status.map(StatusCode::as_u16), Some(603));
}

#[test]
fn a_caller_who_gives_up_silences_all() {
    let (mut town, (alice, call), phones) = both_ring();

    let now = town.now;
    town.agent(alice).hang_up(call, None, now).expect("it rings");

    town.until("silent", |town| phones.iter().all(|(phone, session)| town.end(*phone, *session).is_some()));
    assert_eq!(town.calls(), 0);
}
