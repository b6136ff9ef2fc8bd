//! Leaving without hanging up on anybody: running calls go on until they end, or until a deadline.

use crate::signaling::Signaling;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// How often the log says how far it is.
const REPORT: Duration = Duration::from_secs(10);
/// Wishes that may wait; they come from people.
const MAX_WISHES: usize = 8;

/// What a person may want of a relay that works, or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Leave when the calls are over, or after so long.
    Drain(Duration),
    /// Do not wait for them any longer.
    Hurry,
}

/// The way for such wishes.
#[derive(Clone, Debug)]
pub struct Haste(mpsc::Sender<Wish>);

pub(crate) fn channel() -> (Haste, mpsc::Receiver<Wish>) {
    let (sender, wishes) = mpsc::channel(MAX_WISHES);
    (Haste(sender), wishes)
}

impl Haste {
    /// Calls are not waited for any longer, if the relay is leaving.
    pub async fn hurry(&self) {
        self.wish(Wish::Hurry).await;
    }

    pub(crate) async fn wish(&self, wish: Wish) {
        if self.0.send(wish).await.is_err() {
            tracing::debug!(?wish, "the relay has gone already");
        }
    }
}

/// Takes nothing new, and comes back when every call is over, when the time is, or when somebody is in a hurry. Another
/// wish to drain sets another deadline.
pub(crate) async fn drain(signaling: &Signaling, wishes: &mut mpsc::Receiver<Wish>, limit: Duration) {
    let mut deadline = Instant::now() + limit;
    signaling.drain().await;
    let mut report = tokio::time::interval(REPORT);
    report.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = signaling.drained() => return tracing::info!("drained: every call is over"),
            () = tokio::time::sleep_until(deadline) => {
                let calls = signaling.occupancy().calls;
                return tracing::warn!(calls, "draining took too long: hanging up");
            }
            Some(wish) = wishes.recv() => match wish {
                Wish::Drain(limit) => deadline = Instant::now() + limit,
                Wish::Hurry => return tracing::info!(calls = signaling.occupancy().calls, "in a hurry: hanging up"),
            },
            _ = report.tick() => {
                let left = deadline.saturating_duration_since(Instant::now());
                tracing::info!(calls = signaling.occupancy().calls, left_s = left.as_secs(), "draining");
            }
        }
    }
}
