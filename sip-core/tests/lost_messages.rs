//! Whole calls over UDP while the link loses, repeats or delays each message in turn, and while it does so at random.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Fate, OFFER, Pair, Side, label};
use sip_core::agent::{Event, SessionEvent, SessionId};
use sip_core::message::{Message, StatusCode};
use sip_core::{Duration, Entropy, Transport};

/// What the two people do, whatever the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Bob answers after a second of ringing; after two seconds this side hangs up.
    Talk(Side),
    /// Bob answers, Alice changes the session, then hangs up.
    Renegotiate,
    /// Bob lets it ring; Alice gives up after two seconds.
    Cancel,
    /// Bob is busy.
    Busy,
}

/// What the two agents told during a call.
#[derive(Default)]
struct Told {
    alice: Vec<String>,
    bob: Vec<String>,
}

impl Told {
    fn has(&self, side: Side, word: &str) -> bool {
        let words = if side == Side::Alice { &self.alice } else { &self.bob };
        words.iter().any(|told| told.starts_with(word))
    }
}

/// Runs a call in steps of 100 ms for 100 s, long enough for every timer.
fn live(plan: Plan, fate: impl FnMut(usize, &Message) -> Fate + 'static) -> (Pair, Told) {
    let mut pair = Pair::udp();
    pair.link(fate);
    let (start, mut told) = (pair.now, Told::default());
    let alice = pair.call();
    let (mut bob, mut answered) = (None, false);
    for _ in 0..1_000 {
        pair.pass(Duration::from_millis(100));
        bob = bob.or_else(|| called(&pair));
        act(plan, &mut pair, (alice, bob), &mut answered, start);
        told.alice.extend(pair.alice.told());
        told.bob.extend(pair.bob.told());
    }
    (pair, told)
}

fn called(pair: &Pair) -> Option<SessionId> {
    pair.bob.events.iter().find_map(|event| match event {
        Event::IncomingCall { session, .. } => Some(*session),
        _ => None,
    })
}

/// What people do when their moment has come; a command that comes too late is refused, and that is all.
fn act(
    plan: Plan,
    pair: &mut Pair,
    (alice, bob): (SessionId, Option<SessionId>),
    answered: &mut bool,
    start: sip_core::Instant,
) {
    let now = pair.now;
    let since = now.since(start).as_millis();
    let offered = |events: &std::collections::VecDeque<Event>| {
        events.iter().any(|event| matches!(event, Event::Session { event: SessionEvent::Offered { .. }, .. }))
    };
    if let Some(bob) = bob {
        let agent = &mut pair.bob.agent;
        let _ = match (plan, *answered) {
            (Plan::Busy, false) => agent.reject(bob, StatusCode::BUSY_HERE, None, Vec::new(), now),
            (Plan::Cancel, false) => agent.ring(bob, StatusCode::RINGING, None, Vec::new(), now),
            (Plan::Talk(_) | Plan::Renegotiate, false) => agent
                .ring(bob, StatusCode::RINGING, None, Vec::new(), now)
                .and_then(|()| agent.accept(bob, ANSWER.to_owned(), Vec::new(), now)),
            _ => Ok(()),
        };
        *answered = true;
        if offered(&pair.bob.events) {
            pair.bob.agent.answer_offer(bob, Ok(ANSWER.to_owned()), now).unwrap();
        }
    }
    let _ = match (plan, since, bob) {
        (Plan::Talk(Side::Alice), 40_000, _) | (Plan::Renegotiate, 55_000, _) | (Plan::Cancel, 2_000, _) => {
            pair.alice.agent.hang_up(alice, None, now)
        }
        (Plan::Talk(Side::Bob), 40_000, Some(bob)) => pair.bob.agent.hang_up(bob, None, now),
        // Where no CANCEL came through, because none of his responses did, Bob stops ringing by himself.
        (Plan::Cancel, 60_000, Some(bob)) => pair.bob.agent.hang_up(bob, None, now),
        (Plan::Renegotiate, 10_000, _) => pair.alice.agent.offer(alice, OFFER.to_owned(), now),
        _ => Ok(()),
    };
}

/// Nothing is left behind, and each side was told the end exactly once.
fn is_clean(pair: &mut Pair, told: &Told, what: &str) {
    for (words, agent) in [(&told.alice, &pair.alice.agent), (&told.bob, &pair.bob.agent)] {
        let ends = words.iter().filter(|word| word.starts_with("ended")).count();
        let calls = words.iter().any(|word| word == "call") || std::ptr::eq(words, &raw const told.alice);
        assert_eq!(ends, usize::from(calls), "{what}: {words:?}");
        assert_eq!(agent.session_count(), 0, "{what}");
    }
    pair.pass(Duration::from_secs(100));
    assert!(pair.is_idle(), "{what}: a timer still runs");
}

const PLANS: [Plan; 5] = [Plan::Talk(Side::Alice), Plan::Talk(Side::Bob), Plan::Renegotiate, Plan::Cancel, Plan::Busy];

/// Each message of each plan meets this fate once.
fn every_message(fate: Fate) {
    for plan in PLANS {
        let (quiet, _) = live(plan, |_, _| Fate::Arrives);
        for unlucky in 0..quiet.log.len() + 2 {
            let (mut pair, told) = live(plan, move |number, _| if number == unlucky { fate } else { Fate::Arrives });
            let what = format!("{plan:?}, message {unlucky}, {fate:?}");

            match plan {
                Plan::Busy => assert!(told.has(Side::Alice, "ended Remote"), "{what}: {:?}", told.alice),
                Plan::Cancel => assert!(told.has(Side::Alice, "ended Local"), "{what}: {:?}", told.alice),
                _ => {
                    assert!(told.has(Side::Alice, "accepted"), "{what}: {:?}", told.alice);
                    assert!(told.has(Side::Bob, "confirmed"), "{what}: {:?}", told.bob);
                }
            }
            if plan == Plan::Renegotiate {
                assert!(told.has(Side::Alice, "answered"), "{what}: {:?}", told.alice);
            }
            is_clean(&mut pair, &told, &what);
        }
    }
}

#[test]
fn without_trouble_a_call_takes_the_messages_of_rfc_3665() {
    let (mut pair, told) = live(Plan::Talk(Side::Alice), |_, _| Fate::Arrives);

    assert_eq!(
        pair.story(),
        ["alice INVITE", "bob 180 INVITE", "bob 200 INVITE", "alice ACK", "alice BYE", "bob 200 BYE"]
    );
    assert_eq!(told.alice, ["180", "accepted", "ended Local"]);
    assert_eq!(told.bob, ["call", "confirmed", "ended Remote"]);
    is_clean(&mut pair, &told, "no trouble");
}

#[test]
fn any_one_message_may_be_lost() {
    every_message(Fate::IsLost);
}

#[test]
fn any_one_message_may_come_twice() {
    every_message(Fate::ArrivesTwice);
}

#[test]
fn any_one_message_may_be_overtaken() {
    every_message(Fate::IsLate(Duration::from_millis(130)));
    every_message(Fate::IsLate(Duration::from_millis(1_700)));
}

#[test]
fn all_messages_may_come_twice() {
    for plan in PLANS {
        let (mut pair, told) = live(plan, |_, _| Fate::ArrivesTwice);

        is_clean(&mut pair, &told, &format!("{plan:?}"));
    }
}

#[test]
fn the_first_copy_of_every_message_may_be_lost() {
    for plan in PLANS {
        let mut seen = std::collections::BTreeSet::new();
        let (mut pair, told) = live(plan, move |_, message| {
            let is_first = seen.insert((
                label(message),
                message.headers().get(&sip_core::message::HeaderName::CSeq).map(str::to_owned),
            ));
            if is_first { Fate::IsLost } else { Fate::Arrives }
        });

        if let Plan::Talk(_) = plan {
            assert!(
                told.has(Side::Alice, "accepted") && told.has(Side::Bob, "confirmed"),
                "{plan:?}: {:?} {:?}",
                told.alice,
                told.bob
            );
        }
        is_clean(&mut pair, &told, &format!("{plan:?}"));
    }
}

/// A third of the messages lost, some twice, some late: a call may fail, but it ends, once, and nothing is left.
#[test]
fn on_a_terrible_link_every_call_still_ends_once() {
    let mut established = 0;
    for seed in 0..20 {
        for plan in PLANS {
            let mut entropy = Entropy::new([seed; 32]);
            let (mut pair, told) = live(plan, move |_, _| match entropy.number() % 10 {
                0..=2 => Fate::IsLost,
                3 => Fate::ArrivesTwice,
                4 | 5 => Fate::IsLate(Duration::from_millis(entropy.number() % 3_000)),
                _ => Fate::Arrives,
            });

            established += usize::from(told.has(Side::Bob, "confirmed"));
            is_clean(&mut pair, &told, &format!("{plan:?}, seed {seed}"));
        }
    }
    assert!(established > 50, "most of 60 calls come about: {established}");
}

#[test]
fn on_a_reliable_transport_a_call_takes_no_retransmission() {
    let mut pair = Pair::new(Transport::Wss);
    let (alice, _) = pair.established();

    pair.pass(Duration::from_secs(60));
    pair.alice.agent.hang_up(alice, None, pair.now).unwrap();
    pair.pass(Duration::from_secs(60));

    assert_eq!(pair.story(), ["alice BYE", "bob 200 BYE"]);
    assert!(pair.is_idle());
}
