//! Leaving: what asks for it, and how each task hears of it.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Comes back when the process is asked to leave: SIGTERM from a supervisor, SIGINT from a terminal.
///
/// # Errors
/// The system gives no signal handlers.
pub async fn requested() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: ending calls and leaving"),
        _ = interrupt.recv() => tracing::info!("SIGINT: ending calls and leaving"),
    }
    Ok(())
}

/// Tells every [`Leave`] at once.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<bool>);

/// Hears when it is time to leave.
#[derive(Clone, Debug)]
pub(crate) struct Leave(watch::Receiver<bool>);

pub(crate) fn channel() -> (Trigger, Leave) {
    let (trigger, leave) = watch::channel(false);
    (Trigger(trigger), Leave(leave))
}

impl Trigger {
    pub(crate) fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Leave {
    /// Comes back when the trigger is pulled, or gone.
    pub(crate) async fn told(mut self) {
        let _ = self.0.wait_for(|is_time| *is_time).await;
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }
}
