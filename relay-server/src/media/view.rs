//! What the media threads counted, for `/healthz` and `/metrics`.

use super::MediaCounters;
use relay_core::media::{DropReason, Drops};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A look at all media threads; it outlives them.
#[derive(Clone, Debug)]
pub(crate) struct MediaView(Arc<[Arc<MediaCounters>]>);

impl MediaView {
    pub(super) fn new(counters: impl Iterator<Item = Arc<MediaCounters>>) -> Self {
        Self(counters.collect())
    }

    /// Of the encoders, by thread: what is configured, or less under load.
    pub(crate) fn complexities(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|counters| counters.complexity.load(Ordering::Relaxed))
    }

    /// Calls whose media is open.
    pub(crate) fn calls(&self) -> u64 {
        self.sum(|counters| &counters.calls)
    }

    /// Datagrams and events, by what became of them.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("received", self.sum(|counters| &counters.received)),
            ("sent", self.sum(|counters| &counters.sent)),
            ("unsent", self.sum(|counters| &counters.unsent)),
            ("eventsLost", self.sum(|counters| &counters.events_lost)),
        ]
    }

    /// Packets that were dropped, by reason; a second old at most.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mut all = Drops::default();
        self.0.iter().for_each(|counters| all += &counters.drops());
        DropReason::ALL.into_iter().map(move |reason| (reason.as_str(), all.of(reason)))
    }

    fn sum(&self, of: impl Fn(&MediaCounters) -> &AtomicU64) -> u64 {
        self.0.iter().map(|counters| of(counters).load(Ordering::Relaxed)).sum()
    }
}
