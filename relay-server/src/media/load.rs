//! How busy a media thread is: the share of the time in which it was not waiting.
//!
//! Measured by the clock and not by CPU time: a thread that others keep from running is late as well.

use relay_core::media::Busy;
use sip_core::{Duration, Instant};

/// Between two reports, at least.
const INTERVAL: Duration = Duration::from_secs(1);

/// One thread's time since the last report.
#[derive(Debug, Default)]
pub(super) struct Load {
    since: Instant,
    asleep_since: Instant,
    now: Instant,
    idle: Duration,
}

impl Load {
    /// The thread waits from here on.
    pub(super) fn sleeps(&mut self, now: Instant) {
        self.asleep_since = now;
    }

    /// It has something to do again.
    pub(super) fn wakes(&mut self, now: Instant) {
        self.idle += now.since(self.asleep_since);
        self.now = now;
    }

    /// How busy it was, and in what time; once in an interval.
    pub(super) fn report(&mut self) -> Option<(Busy, Duration)> {
        let time = self.now.since(self.since);
        if time < INTERVAL {
            return None;
        }
        let worked = time.saturating_sub(self.idle);
        (self.since, self.idle) = (self.now, Duration::ZERO);
        Some((Busy((worked.as_secs_f64() / time.as_secs_f64() * 1_000.0) as u16), time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Instant = Instant::from_millis;

    #[test]
    fn what_is_not_waited_is_worked() {
        let mut load = Load::default();
        load.sleeps(AT(100));
        load.wakes(AT(400));
        assert_eq!(load.report(), None);
        load.sleeps(AT(900));
        load.wakes(AT(1_000));
        assert_eq!(load.report(), Some((Busy(600), INTERVAL)));
        load.sleeps(AT(1_000));
        load.wakes(AT(61_000));
        assert_eq!(load.report(), Some((Busy(0), Duration::from_secs(60))));
    }
}
