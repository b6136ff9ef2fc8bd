//! Puts packets back in order, and waits for a missing one only as long as this network has been seen to need.
//!
//! On a network that does not reorder the wait is zero: nothing is ever held, a gap is a loss at once. A packet that
//! comes after it was given up raises the wait to what would have caught it; ten quiet seconds halve it.

use super::rtp::Packet;
use sip_core::{Duration, Instant};

/// Packets held at most; more is not reordering.
const MAX_HELD: usize = 12;
/// Waited at most.
const MAX_WAIT: Duration = Duration::from_millis(60);
/// More than was needed last time.
const MARGIN: Duration = Duration::from_millis(4);
/// A shorter wait is none.
const MIN_WAIT: Duration = Duration::from_millis(5);
const QUIET: Duration = Duration::from_secs(10);

/// The order of one stream's packets.
#[derive(Debug, Default)]
pub(super) struct JitterBuffer {
    next: Option<u64>,
    held: Vec<Held>,
    spare: Vec<Vec<u8>>,
    /// Since when the packet `next` is waited for.
    waiting: Option<Instant>,
    wait: Duration,
    /// The last numbers that were given up, and since when each could have been missed.
    given_up: Option<(u64, u64, Instant)>,
    quiet_since: Option<Instant>,
}

/// A packet that waits for an earlier one.
#[derive(Debug)]
pub(super) struct Held {
    number: u64,
    pub(super) payload_type: u8,
    pub(super) timestamp: u32,
    pub(super) payload: Vec<u8>,
}

/// What to do with a packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is its turn; so many before it are lost.
    Now { lost: u64 },
    /// It is kept for [`JitterBuffer::pop`].
    Later,
    /// Its turn is over.
    Late,
    /// It was here before.
    Duplicate,
}

impl JitterBuffer {
    /// Forgets the stream; the wait stays, it belongs to the network.
    pub(super) fn restart(&mut self) {
        (self.next, self.waiting, self.given_up) = (None, None, None);
        while let Some(held) = self.held.pop() {
            self.recycle(held);
        }
    }

    /// Takes a packet. After `Now`, and after `Later`, more may be ready in [`pop`](Self::pop).
    pub(super) fn insert(&mut self, number: u64, packet: &Packet<'_>, now: Instant) -> Turn {
        let next = *self.next.get_or_insert(number);
        if number < next {
            return self.late(number, now);
        }
        if number == next {
            self.advance(number, now);
            return Turn::Now { lost: 0 };
        }
        self.calm(now);
        if self.wait.is_zero() && self.held.is_empty() {
            self.give_up(next, number, now);
            self.advance(number, now);
            return Turn::Now { lost: number - next };
        }
        self.hold(number, packet, now)
    }

    /// The next packet whose turn it is, with the number of lost ones before it. Give it back by [`recycle`](Self::recycle).
    pub(super) fn pop(&mut self, now: Instant) -> Option<(u64, Held)> {
        let next = self.next?;
        let (at, first) =
            self.held.iter().enumerate().min_by_key(|(_, held)| held.number).map(|(at, held)| (at, held.number))?;
        let overdue = self.next_timeout().is_some_and(|due| now >= due);
        if first != next && !overdue && self.held.len() < MAX_HELD {
            return None;
        }
        if first != next {
            self.give_up(next, first, self.waiting.unwrap_or(now));
        }
        self.advance(first, now);
        Some((first - next, self.held.swap_remove(at)))
    }

    pub(super) fn recycle(&mut self, mut held: Held) {
        held.payload.clear();
        self.spare.push(held.payload);
    }

    /// When the wait for a missing packet ends.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.waiting.map(|since| since + self.wait)
    }

    fn advance(&mut self, number: u64, now: Instant) {
        self.next = Some(number + 1);
        let gap =
            !self.held.is_empty() && self.held.iter().all(|held| held.number != number + 1 && held.number != number);
        self.waiting = gap.then_some(now);
    }

    fn hold(&mut self, number: u64, packet: &Packet<'_>, now: Instant) -> Turn {
        if self.held.iter().any(|held| held.number == number) {
            return Turn::Duplicate;
        }
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.extend_from_slice(packet.payload);
        let Packet { payload_type, timestamp, .. } = *packet;
        self.held.push(Held { number, payload_type, timestamp, payload });
        self.waiting = self.waiting.or(Some(now));
        Turn::Later
    }

    fn give_up(&mut self, from: u64, to: u64, since: Instant) {
        self.given_up = Some((from, to, since));
    }

    fn late(&mut self, number: u64, now: Instant) -> Turn {
        let Some((_, _, since)) = self.given_up.filter(|(from, to, _)| (*from..*to).contains(&number)) else {
            return Turn::Duplicate;
        };
        self.wait = self.wait.max(now.since(since) + MARGIN).min(MAX_WAIT);
        self.quiet_since = Some(now);
        Turn::Late
    }

    fn calm(&mut self, now: Instant) {
        if self.quiet_since.is_some_and(|since| now.since(since) >= QUIET) {
            self.wait = if self.wait / 2 < MIN_WAIT { Duration::ZERO } else { self.wait / 2 };
            self.quiet_since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64) -> Packet<'static> {
        Packet {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number as u32 * 160,
            ssrc: 1,
            payload: b"x",
        }
    }

    fn insert(buffer: &mut JitterBuffer, number: u64, at: u64) -> Turn {
        buffer.insert(number, &packet(number), Instant::from_millis(at))
    }

    #[test]
    fn on_a_clean_network_a_gap_is_a_loss_at_once() {
        let mut buffer = JitterBuffer::default();
        assert_eq!(insert(&mut buffer, 7, 0), Turn::Now { lost: 0 });
        assert_eq!(insert(&mut buffer, 10, 60), Turn::Now { lost: 2 });
        assert_eq!(insert(&mut buffer, 10, 61), Turn::Duplicate);
        assert_eq!(buffer.next_timeout(), None);
    }

    #[test]
    fn a_late_packet_teaches_it_to_wait_and_the_next_swap_is_put_right() {
        let mut buffer = JitterBuffer::default();
        insert(&mut buffer, 1, 0);
        assert_eq!(insert(&mut buffer, 3, 40), Turn::Now { lost: 1 });
        assert_eq!(insert(&mut buffer, 2, 50), Turn::Late);

        assert_eq!(insert(&mut buffer, 5, 80), Turn::Later);
        assert!(buffer.pop(Instant::from_millis(80)).is_none());
        assert_eq!(insert(&mut buffer, 4, 90), Turn::Now { lost: 0 });
        let (lost, held) = buffer.pop(Instant::from_millis(90)).unwrap();
        assert_eq!((lost, held.timestamp), (0, 5 * 160));
    }

    #[test]
    fn the_wait_for_a_lost_packet_ends() {
        let mut buffer = JitterBuffer::default();
        insert(&mut buffer, 1, 0);
        insert(&mut buffer, 3, 40);
        insert(&mut buffer, 2, 50);
        assert_eq!(insert(&mut buffer, 5, 80), Turn::Later);

        let due = buffer.next_timeout().unwrap();
        assert_eq!(due, Instant::from_millis(94));
        assert!(buffer.pop(Instant::from_millis(93)).is_none());
        assert_eq!(buffer.pop(due).map(|(lost, _)| lost), Some(1));
        assert_eq!(buffer.next_timeout(), None);
    }

    #[test]
    fn it_holds_a_bounded_number() {
        let mut buffer = JitterBuffer { wait: MAX_WAIT, ..JitterBuffer::default() };
        insert(&mut buffer, 1, 0);
        for number in 3..100 {
            insert(&mut buffer, number, 1);
            while buffer.pop(Instant::from_millis(1)).is_some() {}
            assert!(buffer.held.len() < MAX_HELD);
        }
    }
}
