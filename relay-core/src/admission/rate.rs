//! So many in a time, for each of many: the generic cell rate algorithm (ITU-T I.371 annex A), one moment for each.

use core::net::{IpAddr, Ipv6Addr};
use sip_core::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// Of whom no more is remembered than this; beyond it who has asked for least is forgotten, so that a crowd shuts nobody out.
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

/// Who counts as one: an IPv4 address, or the /64 that an IPv6 subscriber has all the addresses of (RFC 6177 §2).
#[must_use]
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How far each has come.
#[derive(Debug)]
pub struct Paces<K> {
    /// When each would be at rest again.
    rests: BTreeMap<K, Instant>,
    /// The same, who rests first in front.
    order: BTreeSet<(Instant, K)>,
}

impl<K> Default for Paces<K> {
    fn default() -> Self {
        Self { rests: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Paces<K> {
    /// Whether one more of `key` is within its pace. One that is not does not count.
    pub fn keeps(&mut self, key: K, pace: Pace, now: Instant) -> bool {
        while self.order.first().is_some_and(|(rest, _)| *rest <= now) {
            self.forget_first();
        }
        let next = self.rests.get(&key).copied().unwrap_or(now) + pace.share();
        let keeps = next.since(now) <= pace.per;
        if keeps {
            self.set(key, next);
        }
        keeps
    }

    /// One of `key` that was counted need not have been.
    pub fn give_back(&mut self, key: &K, pace: Pace, now: Instant) {
        if let Some(rest) = self.rests.get(key) {
            let left = rest.since(now).saturating_sub(pace.share());
            self.set(key.clone(), now + left);
        }
    }

    fn set(&mut self, key: K, rest: Instant) {
        if let Some(before) = self.rests.insert(key.clone(), rest) {
            self.order.remove(&(before, key.clone()));
        }
        self.order.insert((rest, key));
        if self.rests.len() > MAX_REMEMBERED {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.rests.remove(&key);
        }
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
    fn what_is_given_back_may_be_had_again() {
        let (mut paces, pace) = (Paces::default(), Pace::per_minute(2));
        let start = Instant::from_millis(5_000);
        assert!(paces.keeps("a", pace, start) && paces.keeps("a", pace, start));
        paces.give_back(&"a", pace, start);
        assert!(paces.keeps("a", pace, start));
        assert!(!paces.keeps("a", pace, start));
        for _ in 0..5 {
            paces.give_back(&"a", pace, start);
        }
        assert_eq!((0..5).filter(|_| paces.keeps("a", pace, start)).count(), 2, "and no more than there was");
    }

    #[test]
    fn memory_is_bounded_and_a_crowd_shuts_nobody_out_and_sets_nobody_free() {
        let (mut paces, pace) = (Paces::default(), Pace::per_minute(2));
        let start = Instant::from_millis(0);
        assert!(paces.keeps(usize::MAX, pace, start) && paces.keeps(usize::MAX, pace, start));
        for key in 0..2 * MAX_REMEMBERED {
            assert!(paces.keeps(key, pace, start));
        }
        assert_eq!((paces.rests.len(), paces.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert!(!paces.keeps(usize::MAX, pace, start), "who asked for more is remembered");
        assert!(paces.keeps(usize::MAX, pace, start + Duration::from_secs(61)));
        assert_eq!(paces.rests.len(), 1, "those at rest are forgotten");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_whatever_its_last_64_bits() {
        let one = |text: &str| subscriber(text.parse().unwrap());
        assert_eq!(one("2001:db8:1:2::7"), one("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(one("2001:db8:1:2::7"), one("2001:db8:1:3::7"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
        assert_ne!(one("192.0.2.2"), one("192.0.2.1"));
    }
}
