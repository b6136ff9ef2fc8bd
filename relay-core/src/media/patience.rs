//! How late a packet may be before its place is filled: what this network has been seen to need, and no more.
//!
//! A packet that comes after its place was filled raises it to what would have waited for that packet; ten quiet seconds
//! bring it half of the way back. So a network that stalls now and then costs one filled gap and not one each time.

use sip_core::{Duration, Instant};

/// Before anything was late.
const USUAL: Duration = Duration::from_millis(60);
/// A longer stall is a hole that the far end should hear filled.
const MOST: Duration = Duration::from_millis(400);
/// More than was needed last time.
const MARGIN: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_secs(10);

/// The patience with one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    wait: Duration,
    quiet_since: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { wait: USUAL, quiet_since: None }
    }
}

impl Patience {
    /// From the end of the last packet to the filling.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        if self.quiet_since.is_some_and(|since| now.since(since) >= QUIET) {
            self.wait = USUAL + (self.wait - USUAL) / 2;
            self.quiet_since = (self.wait > USUAL + MARGIN).then_some(now);
        }
        self.wait
    }

    /// A packet has come so long after its place was filled, which had been waited for so long.
    pub(super) fn learn(&mut self, waited: Duration, late: Duration, now: Instant) {
        self.wait = self.wait.max((waited + late + MARGIN).min(MOST));
        self.quiet_since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_late_packet_raises_it_to_what_would_have_sufficed_up_to_a_bound() {
        let (mut patience, now) = (Patience::default(), Instant::from_millis(0));
        assert_eq!(patience.wait(now), USUAL);
        patience.learn(USUAL, MS(50), now);
        assert_eq!(patience.wait(now), MS(130));
        patience.learn(USUAL, MS(30), now);
        assert_eq!(patience.wait(now), MS(130), "the next packet of the same stall");
        patience.learn(MS(130), MS(10), now);
        assert_eq!(patience.wait(now), MS(160), "a longer stall");
        patience.learn(MS(160), MS(5_000), now);
        assert_eq!(patience.wait(now), MOST);
    }

    #[test]
    fn quiet_brings_it_back() {
        let mut patience = Patience::default();
        patience.learn(USUAL, MS(100), Instant::from_millis(0));
        assert_eq!(patience.wait(Instant::from_millis(9_999)), MS(180));
        assert_eq!(patience.wait(Instant::from_millis(10_000)), MS(120));
        assert_eq!(patience.wait(Instant::from_millis(20_000)), MS(90));
        assert_eq!(patience.wait(Instant::from_millis(30_000)), MS(75));
        assert_eq!(patience.wait(Instant::from_millis(60_000)), MS(75));
    }
}
