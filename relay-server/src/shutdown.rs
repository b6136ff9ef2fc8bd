//! Leaving: what asks for it, and how each task hears of it.

use crate::drain::Haste;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Comes back when the process is asked to leave: SIGTERM from a supervisor, SIGINT from a terminal.
///
/// # Errors
/// The system gives no signal handlers.
pub async fn requested() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: leaving"),
        _ = interrupt.recv() => tracing::info!("SIGINT: leaving"),
    }
    Ok(())
}

/// SIGINT, and a second SIGTERM, do not wait for calls.
pub async fn hurry(haste: Haste) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    let second = async {
        terminate.recv().await;
        terminate.recv().await;
    };
    tokio::select! {
        () = second => {}
        _ = interrupt.recv() => {}
    }
    haste.hurry().await;
}

/// How far the relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It takes calls.
    Working,
    /// It carries those that it has.
    Draining,
    /// It hangs up.
    Leaving,
}

impl Stage {
    /// For `/healthz` and `/readyz`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "ok",
            Self::Draining => "draining",
            Self::Leaving => "leaving",
        }
    }
}

/// Tells every [`Leave`] at once.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<Stage>);

/// Hears when it is time to leave.
#[derive(Clone, Debug)]
pub(crate) struct Leave(watch::Receiver<Stage>);

pub(crate) fn channel() -> (Trigger, Leave) {
    let (trigger, leave) = watch::channel(Stage::Working);
    (Trigger(trigger), Leave(leave))
}

impl Trigger {
    /// The next stage begins.
    pub(crate) fn pull(&self, stage: Stage) {
        self.0.send_replace(stage);
    }
}

impl Leave {
    /// Comes back when the relay leaves for good, or the trigger is gone.
    pub(crate) async fn told(mut self) {
        let _ = self.0.wait_for(|stage| *stage == Stage::Leaving).await;
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.0.borrow()
    }
}
