//! Both sides offer when they like, over a link that loses, repeats and delays: whatever happens on the way, both end
//! with the same pair of descriptions (RFC 3261 §14, RFC 3311, RFC 6337 §4).

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{Fate, Pair, Side};
use sip_core::agent::{Config, Event, SessionEvent, SessionId, SessionState};
use sip_core::message::StatusCode;
use sip_core::{Duration, Transport};

/// xorshift64: a sequence that a seed repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// What one side holds: its own description and the other's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct View {
    mine: String,
    theirs: String,
    /// The offer that is under way, or waits for its turn.
    offered: Option<String>,
    /// The offer in our 2xx, whose answer comes with the ACK.
    asked: Option<String>,
}

struct World {
    pair: Pair,
    ids: [SessionId; 2],
    views: [View; 2],
    dice: Dice,
    count: u32,
    exchanges: u32,
}

const SIDES: [Side; 2] = [Side::Alice, Side::Bob];

fn sdp(what: &str, number: u32) -> String {
    format!("v=0\r\no=- {number} 1 IN IP4 192.0.2.1\r\ns={what}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
}

impl World {
    fn new(seed: u64, loss: u64, transport: Transport) -> Self {
        let mut pair = Pair::with_config(transport, Config::default());
        let (alice, bob) = pair.established();
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut link = Dice(dice.roll(u64::MAX) | 1);
        pair.link(move |_, _| match link.roll(100) {
            roll if roll < loss => Fate::IsLost,
            roll if roll < loss + 5 => Fate::ArrivesTwice,
            roll if roll < loss + 15 => Fate::IsLate(Duration::from_millis(20 + link.roll(400))),
            _ => Fate::Arrives,
        });
        Self { pair, ids: [alice, bob], views: Default::default(), dice, count: 0, exchanges: 0 }
    }

    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        sdp(what, self.count)
    }

    /// One side offers by one of the three means, if it may.
    fn offer(&mut self, me: usize) {
        self.hear(me);
        let (id, now) = (self.ids[me], self.pair.now);
        let offer = self.fresh("offer");
        let means = self.dice.roll(4);
        let agent = &mut self.pair.peer(SIDES[me]).agent;
        let done = match means {
            0 => agent.update(id, offer.clone(), now),
            1 => agent.ask_offer(id, now),
            _ => agent.offer(id, offer.clone(), now),
        };
        if done.is_ok() {
            self.views[me].offered = (means != 1).then_some(offer);
        }
    }

    fn hear(&mut self, me: usize) {
        let now = self.pair.now;
        while let Some(event) = self.pair.peer(SIDES[me]).events.pop_front() {
            let Event::Session { id, event } = event else { panic!("{event:?}") };
            match event {
                SessionEvent::Offered { offer: Some(theirs), .. } => {
                    if self.dice.roll(5) == 0 && theirs.contains("s=offer") {
                        let refusal = Err(StatusCode::NOT_ACCEPTABLE_HERE);
                        self.pair.peer(SIDES[me]).agent.answer_offer(id, refusal, now).unwrap();
                        continue;
                    }
                    let mine = self.fresh("answer");
                    self.pair.peer(SIDES[me]).agent.answer_offer(id, Ok(mine.clone()), now).unwrap();
                    let offered = self.views[me].offered.take();
                    self.views[me] = View { mine, theirs, offered, asked: None };
                }
                SessionEvent::Offered { offer: None, .. } => {
                    let mine = self.fresh("asked");
                    self.pair.peer(SIDES[me]).agent.answer_offer(id, Ok(mine.clone()), now).unwrap();
                    self.views[me].asked = Some(mine);
                }
                SessionEvent::Answered { result: Ok(Some(theirs)), .. } => {
                    let view = &mut self.views[me];
                    let mine = view.asked.take().or_else(|| view.offered.take());
                    view.mine = mine.expect("an answer has an offer");
                    view.theirs = theirs;
                    self.exchanges += 1;
                }
                SessionEvent::Answered { result: Ok(None), .. } => panic!("an answer is a description"),
                SessionEvent::Answered { result: Err(_), .. } => self.views[me].offered = None,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets time pass, both applications answering after a while.
    fn pass(&mut self, steps: u32) {
        for _ in 0..steps {
            let step = self.dice.roll(90) + 10;
            self.pair.pass(Duration::from_millis(step));
            for me in [0, 1] {
                if self.dice.roll(3) > 0 {
                    self.hear(me);
                }
            }
        }
    }
}

fn play(seed: u64, loss: u64, transport: Transport) -> u32 {
    let mut world = World::new(seed, loss, transport);
    for _ in 0..30 {
        if world.dice.roll(2) == 0 {
            world.offer(0);
        }
        if world.dice.roll(2) == 0 {
            world.offer(1);
        }
        let steps = u32::try_from(world.dice.roll(40)).unwrap();
        world.pass(steps);
    }
    world.pass(2_000);

    let [alice, bob] = &world.views;
    for (side, id) in SIDES.into_iter().zip(world.ids) {
        let state = world.pair.peer(side).agent.session(id).map(|session| session.state);
        assert_eq!(state, Some(SessionState::Confirmed), "seed {seed}: {:?} is still there", side);
    }
    let [alice, bob] = [alice.clone(), bob.clone()];
    assert_eq!((&alice.mine, &alice.theirs), (&bob.theirs, &bob.mine), "seed {seed}, loss {loss}");
    assert_eq!(
        (alice.offered, bob.offered, alice.asked, bob.asked),
        (None, None, None, None),
        "seed {seed}: nothing is left open"
    );
    assert!(world.pair.is_idle(), "seed {seed}: no timer runs");
    world.exchanges
}

#[test]
fn both_agree_in_the_end_on_a_good_link() {
    let exchanges: u32 = (1..=30).map(|seed| play(seed, 0, Transport::Udp)).sum();

    assert!(exchanges > 150, "they did negotiate: {exchanges}");
}

#[test]
fn both_agree_in_the_end_on_a_lossy_link() {
    let exchanges: u32 = (100..=140).map(|seed| play(seed, 10, Transport::Udp)).sum();

    assert!(exchanges > 200, "they did negotiate: {exchanges}");
}

#[test]
fn both_agree_in_the_end_on_a_stream() {
    let exchanges: u32 = (200..=220).map(play_in_order).sum();

    assert!(exchanges > 200, "they did negotiate: {exchanges}");
}

/// A stream loses nothing and keeps the order.
fn play_in_order(seed: u64) -> u32 {
    let mut world = World::new(seed, 0, Transport::Tcp);
    world.pair.link(|_, _| Fate::Arrives);
    for _ in 0..30 {
        for me in [0, 1] {
            if world.dice.roll(2) == 0 {
                world.offer(me);
            }
        }
        let steps = u32::try_from(world.dice.roll(40)).unwrap();
        world.pass(steps);
    }
    world.pass(1_000);
    let [alice, bob] = &world.views;
    assert_eq!((&alice.mine, &alice.theirs), (&bob.theirs, &bob.mine), "seed {seed}");
    world.exchanges
}
