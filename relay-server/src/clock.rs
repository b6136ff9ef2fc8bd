//! The one clock of the process, as the cores count time: microseconds since the start.

use relay_core::admission::UnixTime;
use sip_core::{Duration, Instant};

/// What the system's clock says, as tokens count time.
pub(crate) fn unix_now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

/// Turns the monotonic clock into the core's moments and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { epoch: tokio::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// Comes back at `at`, or never.
    pub(crate) async fn sleep_until(&self, at: Option<Instant>) {
        match at {
            Some(at) => tokio::time::sleep_until(self.epoch + Duration::from_micros(at.as_micros())).await,
            None => std::future::pending().await,
        }
    }
}
