//! How long to wait before another attempt (RFC 5626 §4.5).
//!
//! The waiting time doubles with each failure up to a limit, and each wait is drawn between half and all of it, so
//! that the browsers of a server that went away do not come back in one moment.

use sip_core::Duration;

/// The limits of one kind of attempt, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: u64,
    longest: u64,
}

impl Backoff {
    /// For the WebSocket.
    pub(super) const CONNECTION: Self = Self { first: 300, longest: 30_000 };
    /// For a registration that the server could not make now.
    pub(super) const REGISTRATION: Self = Self { first: 5_000, longest: 300_000 };

    /// The wait after `failures` failures in a row; `random` decides where between half and all of it.
    pub(super) const fn wait(self, failures: u32, random: u64) -> Duration {
        let doublings = if failures > 16 { 16 } else { failures.saturating_sub(1) };
        let doubled = self.first << doublings;
        let half = if doubled < self.longest { doubled / 2 } else { self.longest / 2 };
        Duration::from_millis(half + random % (half + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_300_milliseconds_to_half_a_minute() {
        let longest = |failures| Backoff::CONNECTION.wait(failures, 150 + 151 * 15_000).as_millis();

        assert_eq!(Backoff::CONNECTION.wait(1, 150).as_millis(), 300);
        assert_eq!(Backoff::CONNECTION.wait(2, 300).as_millis(), 600);
        assert_eq!(Backoff::CONNECTION.wait(100, 15_000).as_millis(), 30_000);
        assert!((1..200).all(|failures| longest(failures) <= 30_000));
    }

    #[test]
    fn half_of_each_wait_is_drawn() {
        assert_eq!(Backoff::CONNECTION.wait(1, 0).as_millis(), 150);
        assert_eq!(Backoff::CONNECTION.wait(1, 77).as_millis(), 227);
    }
}
