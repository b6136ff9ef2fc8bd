//! Events on their way to signalling: never blocks the media, never loses the beginning or the end of a call.
//!
//! What signalling has no room for waits here in order. Digits and silences beyond the bound are dropped and counted;
//! the others are few, for each call has one of each.

use super::MediaCounters;
use relay_core::media::control::MediaEvent;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

/// Waiting events above which the dispensable ones are dropped.
const MAX_WAITING: usize = 4_096;

/// One thread's events.
pub(super) struct EventOutbox {
    events: Sender<MediaEvent>,
    waiting: VecDeque<MediaEvent>,
    counters: Arc<MediaCounters>,
}

impl EventOutbox {
    pub(super) fn new(events: Sender<MediaEvent>, counters: Arc<MediaCounters>) -> Self {
        Self { events, waiting: VecDeque::new(), counters }
    }

    pub(super) fn push(&mut self, event: MediaEvent) {
        let dispensable = matches!(event, MediaEvent::Digit { .. } | MediaEvent::TrunkSilent { .. });
        if dispensable && self.waiting.len() >= MAX_WAITING {
            return MediaCounters::add(&self.counters.events_lost, 1);
        }
        self.waiting.push_back(event);
    }

    /// Hands on what signalling has room for. True when something still waits.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return true;
                }
                // Signalling has ended; nobody wants to know.
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::media::control::{MediaId, MediaReport, Side};
    use sip_core::Duration;

    #[test]
    fn a_full_queue_costs_digits_but_no_call() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(2);
        let counters = Arc::new(MediaCounters::default());
        let mut outbox = EventOutbox::new(sender, Arc::clone(&counters));
        let duration = Duration::from_millis(100);
        for _ in 0..MAX_WAITING + 10 {
            outbox.push(MediaEvent::Digit { id: MediaId(1), from: Side::Web, digit: '1', duration });
        }
        outbox.push(MediaEvent::Closed { id: MediaId(1), report: MediaReport::default() });
        assert_eq!(counters.events_lost.load(std::sync::atomic::Ordering::Relaxed), 10);

        let mut last = None;
        while outbox.flush() || !receiver.is_empty() {
            while let Ok(event) = receiver.try_recv() {
                last = Some(event);
            }
        }
        assert!(matches!(last, Some(MediaEvent::Closed { .. })));
    }
}
