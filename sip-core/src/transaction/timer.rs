//! The timers of RFC 3261 §17 (table 4) and RFC 6026 by their letters, and when each of them fires.

use super::{ClientId, ServerId};
use crate::ordered::{Map, Set};
use crate::time::{Duration, Instant};

/// A timer of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// INVITE client, unreliable: sends the request again. T1, doubled each time.
    A,
    /// INVITE client: no response at all. 64·T1.
    B,
    /// INVITE client, unreliable: acknowledges repeated final responses. 64·T1, 32 s by default.
    D,
    /// Non-INVITE client, unreliable: sends the request again. T1, doubled up to T2.
    E,
    /// Non-INVITE client: no final response. 64·T1.
    F,
    /// INVITE server, unreliable: sends the final response again. T1, doubled up to T2.
    G,
    /// INVITE server: no ACK for the final response. 64·T1.
    H,
    /// INVITE server, unreliable: absorbs repeated ACKs. T4.
    I,
    /// Non-INVITE server, unreliable: answers repeated requests. 64·T1.
    J,
    /// Non-INVITE client, unreliable: absorbs repeated responses. T4.
    K,
    /// INVITE server: absorbs repeated INVITEs after a 2xx (RFC 6026). 64·T1.
    L,
    /// INVITE client: passes up 2xx of all forks (RFC 6026). 64·T1.
    M,
    /// INVITE server: a 100 unless the user answers sooner. 200 ms (RFC 3261 §17.2.1, which gives it no letter).
    Trying,
    /// INVITE client: no final response after a CANCEL. 64·T1 (RFC 3261 §9.1, which gives it no letter).
    Cancel,
}

/// The times that the others are made of (RFC 3261 §17.1.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// An estimate of the round trip.
    pub t1: Duration,
    /// The longest pause between two copies of a non-INVITE request or of a response to an INVITE.
    pub t2: Duration,
    /// How long a message stays in the network.
    pub t4: Duration,
}

impl Timers {
    /// How long an INVITE may stay unanswered before a 100 is sent.
    pub const TRYING: Duration = Duration::from_millis(200);

    /// 64·T1: how long an answer is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }

    /// The pause after `interval`: twice as long, T2 at most.
    pub(super) fn back_off(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.t2)
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

/// Whose timer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Owner {
    Client(ClientId),
    Server(ServerId),
}

/// All running timers. Starting, stopping and finding the next one are logarithmic in their number.
#[derive(Debug, Default)]
pub(super) struct TimerTable {
    order: Set<(Instant, Owner, Timer)>,
    deadlines: Map<(Owner, Timer), Instant>,
}

impl TimerTable {
    /// Starts a timer, anew if it runs already.
    pub(super) fn start(&mut self, owner: Owner, timer: Timer, deadline: Instant) {
        self.stop(owner, timer);
        self.deadlines.insert((owner, timer), deadline);
        self.order.insert((deadline, owner, timer));
    }

    pub(super) fn stop(&mut self, owner: Owner, timer: Timer) {
        if let Some(deadline) = self.deadlines.remove(&(owner, timer)) {
            self.order.remove(&(deadline, owner, timer));
        }
    }

    pub(super) fn stop_all(&mut self, owner: Owner) {
        for (timer, _) in self.running(owner) {
            self.stop(owner, timer);
        }
    }

    /// Takes the earliest timer that has run out.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Owner, Timer)> {
        let (deadline, owner, timer) = self.order.first().copied()?;
        if deadline > now {
            return None;
        }
        self.stop(owner, timer);
        Some((owner, timer))
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.order.first().map(|(deadline, ..)| *deadline)
    }

    /// The timers of one transaction, in the order of their letters.
    pub(super) fn running(&self, owner: Owner) -> Vec<(Timer, Instant)> {
        let all = (owner, Timer::A)..=(owner, Timer::Cancel);
        let timers = self.deadlines.range(all);
        timers.map(|((_, timer), deadline)| (*timer, *deadline)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Owner = Owner::Client(ClientId(1));
    const BOB: Owner = Owner::Server(ServerId(1));

    #[test]
    fn timers_fire_once_in_the_order_of_their_deadlines() {
        let mut table = TimerTable::default();
        table.start(ALICE, Timer::B, Instant::from_millis(30));
        table.start(BOB, Timer::G, Instant::from_millis(20));
        table.start(ALICE, Timer::A, Instant::from_millis(10));
        table.start(ALICE, Timer::A, Instant::from_millis(25));
        assert_eq!(table.next_timeout(), Some(Instant::from_millis(20)));

        let fired: Vec<_> = core::iter::from_fn(|| table.pop_due(Instant::from_millis(25))).collect();

        assert_eq!(fired, [(BOB, Timer::G), (ALICE, Timer::A)]);
        assert_eq!(table.next_timeout(), Some(Instant::from_millis(30)));
    }

    #[test]
    fn stopping_all_leaves_other_owners_alone() {
        let mut table = TimerTable::default();
        table.start(ALICE, Timer::A, Instant::from_millis(1));
        table.start(ALICE, Timer::Cancel, Instant::from_millis(2));
        table.start(BOB, Timer::H, Instant::from_millis(3));

        table.stop_all(ALICE);

        assert_eq!(table.running(ALICE), []);
        assert_eq!(table.running(BOB), [(Timer::H, Instant::from_millis(3))]);
        assert_eq!(table.next_timeout(), Some(Instant::from_millis(3)));
    }
}
