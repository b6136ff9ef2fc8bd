//! So many in a time, for each of many: the generic cell rate algorithm (ITU-T I.371 annex A), one moment for each.

use sip_core::{Duration, Instant};
use std::collections::BTreeMap;

/// Of whom no more is remembered than this; beyond it those who are at rest are forgotten first.
const MAX_REMEMBERED: usize = 65_536;

/// So many in a time. They may come all at once; then the next comes when its share of the time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}

impl Pace {
    /// So many in a minute.
    #[must_use]
    pub const fn per_minute(count: u32) -> Self {
        Self { count, per: Duration::from_secs(60) }
    }

    /// The time of each.
    #[must_use]
    pub fn share(self) -> Duration {
        self.per / self.count.max(1)
    }
}

/// How far each has come.
#[derive(Debug)]
pub struct Paces<K> {
    /// When each would be at rest again.
    rests: BTreeMap<K, Instant>,
}

impl<K> Default for Paces<K> {
    fn default() -> Self {
        Self { rests: BTreeMap::new() }
    }
}

impl<K: Ord> Paces<K> {
    /// Whether one more of `key` would be within its pace.
    #[must_use]
    pub fn would_keep(&self, key: &K, pace: Pace, now: Instant) -> bool {
        let rest = self.rests.get(key).copied().unwrap_or(now).max(now);
        (rest + pace.share()).since(now) <= pace.per
    }

    /// Whether one more of `key` is within its pace. One that is not does not count.
    pub fn keeps(&mut self, key: K, pace: Pace, now: Instant) -> bool {
        if self.rests.len() >= MAX_REMEMBERED {
            self.rests.retain(|_, rest| *rest > now);
        }
        if self.rests.len() >= MAX_REMEMBERED && !self.rests.contains_key(&key) {
            return false;
        }
        let rest = self.rests.entry(key).or_insert(now);
        let next = (*rest).max(now) + pace.share();
        let keeps = next.since(now) <= pace.per;
        if keeps {
            *rest = next;
        }
        keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_one_for_each_share_of_the_time() {
        let (mut paces, pace) = (Paces::default(), Pace::per_minute(6));
        let start = Instant::from_millis(5_000);
        let kept = (0..10).filter(|_| paces.keeps("a", pace, start)).count();
        assert_eq!(kept, 6);
        assert!(paces.keeps("b", pace, start), "each has a pace of its own");
        assert!(!paces.keeps("a", pace, start + Duration::from_secs(9)));
        assert!(paces.keeps("a", pace, start + Duration::from_secs(10)));
        assert!(!paces.keeps("a", pace, start + Duration::from_secs(10)));
        let rested = start + Duration::from_secs(300);
        assert_eq!((0..10).filter(|_| paces.keeps("a", pace, rested)).count(), 6);
    }

    #[test]
    fn memory_is_bounded_and_those_at_rest_make_room() {
        let (mut paces, pace) = (Paces::default(), Pace::per_minute(1));
        let start = Instant::from_millis(0);
        for key in 0..MAX_REMEMBERED {
            assert!(paces.keeps(key, pace, start));
        }
        assert!(!paces.keeps(usize::MAX, pace, start), "nobody can be forgotten yet");
        assert!(paces.keeps(usize::MAX, pace, start + Duration::from_secs(61)));
        assert!(paces.rests.len() < 10);
    }
}
