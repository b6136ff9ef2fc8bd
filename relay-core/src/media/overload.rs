//! What gives way when a worker has too much to do: first the encoder's complexity, one step each second, then new calls;
//! never a running call.
//!
//! The host tells how busy its thread was. What is decided holds from the next packet on; nobody is woken for it.

use sip_core::Duration;

/// How much of the time since the last report a thread was not waiting, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Busy(pub u16);

/// Above this the encoders are made cheaper.
const HIGH: Busy = Busy(700);
/// Above this, with the cheapest encoders, no call is taken on: what is left belongs to those that are there.
const FULL: Busy = Busy(850);
/// Below this, for long enough, one step is taken back.
const LOW: Busy = Busy(500);
const CALM: Duration = Duration::from_secs(5);

/// What this worker can afford.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overload {
    /// What is configured.
    usual: u8,
    complexity: u8,
    is_full: bool,
    /// How long there was little to do.
    calm: Duration,
}

impl Overload {
    pub(super) const fn new(usual: u8) -> Self {
        Self { usual, complexity: usual, is_full: false, calm: Duration::ZERO }
    }

    /// How busy the thread was in the time since the last report.
    pub(super) fn handle_load(&mut self, busy: Busy, time: Duration) {
        self.calm = if busy < LOW { self.calm + time } else { Duration::ZERO };
        match self.complexity {
            0 if busy >= FULL => self.is_full = true,
            1.. if busy >= HIGH => self.complexity -= 1,
            _ => self.recover(),
        }
    }

    /// Of the encoders, from 0 to what is configured.
    pub(super) const fn complexity(&self) -> u8 {
        self.complexity
    }

    /// No call is taken on.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// New calls come back before better sound does, one step for each time of calm.
    fn recover(&mut self) {
        while self.calm >= CALM && (self.is_full || self.complexity < self.usual) {
            self.calm -= CALM;
            if self.is_full {
                self.is_full = false;
            } else {
                self.complexity += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One report each second.
    fn hear(overload: &mut Overload, reports: &[u16]) {
        reports.iter().for_each(|busy| overload.handle_load(Busy(*busy), Duration::from_secs(1)));
    }

    #[test]
    fn complexity_falls_before_calls_are_refused() {
        let mut overload = Overload::new(2);
        hear(&mut overload, &[950]);
        assert_eq!((overload.complexity(), overload.is_full()), (1, false));
        hear(&mut overload, &[950]);
        assert_eq!((overload.complexity(), overload.is_full()), (0, false));
        hear(&mut overload, &[800]);
        assert!(!overload.is_full());
        hear(&mut overload, &[900]);
        assert!(overload.is_full());
    }

    #[test]
    fn calls_come_back_before_better_sound() {
        let mut overload = Overload::new(1);
        hear(&mut overload, &[950, 950, 400, 400, 400, 400]);
        assert_eq!((overload.complexity(), overload.is_full()), (0, true));
        hear(&mut overload, &[400]);
        assert_eq!((overload.complexity(), overload.is_full()), (0, false));
        hear(&mut overload, &[400; 5]);
        assert_eq!((overload.complexity(), overload.is_full()), (1, false));
    }

    #[test]
    fn a_busy_second_ends_the_calm() {
        let mut overload = Overload::new(1);
        hear(&mut overload, &[750, 400, 400, 400, 400, 600, 400, 400, 400, 400]);
        assert_eq!(overload.complexity(), 0);
        hear(&mut overload, &[400]);
        assert_eq!(overload.complexity(), 1);
    }

    #[test]
    fn a_thread_that_slept_long_has_recovered_when_it_wakes() {
        let mut overload = Overload::new(3);
        hear(&mut overload, &[950; 5]);
        assert!(overload.is_full());
        overload.handle_load(Busy(0), Duration::from_secs(60));
        assert_eq!((overload.complexity(), overload.is_full()), (3, false));
    }
}
