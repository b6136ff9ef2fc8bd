//! Pairs of ports for the PBX's side: RTP on the even one, RTCP above it (RFC 3550 §11).
//!
//! The order is shuffled, so that the next call's port cannot be foretold; a freed pair rests, so that packets still
//! on their way to an old call do not reach a new one.

use sip_core::{Duration, Entropy};
use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::time::Instant;

/// How long a freed pair is not used.
const REST: Duration = Duration::from_secs(10);

/// The pairs of one thread.
#[derive(Debug)]
pub(super) struct PortPool {
    free: VecDeque<u16>,
    resting: VecDeque<(Instant, u16)>,
}

impl PortPool {
    /// Every `count`-th pair of `range`, beginning with the `index`-th.
    pub(super) fn new(range: &RangeInclusive<u16>, index: usize, count: usize, seed: [u8; 32]) -> io::Result<Self> {
        let even = range.start().next_multiple_of(2);
        let pairs = (even..*range.end()).step_by(2);
        let mut free: Vec<u16> = pairs.skip(index).step_by(count.max(1)).collect();
        if free.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the port range has no pair of ports for each media thread",
            ));
        }
        let mut entropy = Entropy::new(seed);
        for last in (1..free.len()).rev() {
            free.swap(last, (entropy.number() % (last as u64 + 1)) as usize);
        }
        Ok(Self { free: free.into(), resting: VecDeque::new() })
    }

    /// A pair that has rested.
    pub(super) fn take(&mut self, now: Instant) -> Option<u16> {
        while let Some((since, port)) =
            self.resting.front().copied().filter(|(since, _)| now.duration_since(*since) >= REST)
        {
            let _ = since;
            self.resting.pop_front();
            self.free.push_back(port);
        }
        self.free.pop_front()
    }

    /// A pair is free again, from the end of its rest.
    pub(super) fn give_back(&mut self, port: u16, now: Instant) {
        self.resting.push_back((now, port));
    }

    /// Pairs that were never used or have rested, as far as is known.
    pub(super) fn free(&self) -> usize {
        self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn threads_share_the_range_without_overlap() {
        let take_all = |index| {
            let mut pool = PortPool::new(&(10_001..=10_020), index, 3, [1; 32]).unwrap();
            std::iter::from_fn(move || pool.take(Instant::now())).collect::<Vec<_>>()
        };
        let all: Vec<u16> = (0..3).flat_map(take_all).collect();
        assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), (10_002..10_020).step_by(2).collect());
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn a_freed_pair_rests() {
        let mut pool = PortPool::new(&(10_000..=10_001), 0, 1, [1; 32]).unwrap();
        let now = Instant::now();
        assert_eq!(pool.take(now), Some(10_000));
        pool.give_back(10_000, now);
        assert_eq!(pool.take(now + REST / 2), None);
        assert_eq!(pool.take(now + REST), Some(10_000));
    }

    #[test]
    fn too_small_a_range_is_refused() {
        assert!(PortPool::new(&(10_001..=10_002), 0, 1, [1; 32]).is_err());
        assert!(PortPool::new(&(10_000..=10_003), 2, 3, [1; 32]).is_err());
    }
}
