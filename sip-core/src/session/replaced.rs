//! Whether a dialog may be given up for another (RFC 3891 §3), and what transfers need to know of one.

use super::{Session, State};
use crate::dialog::{Dialog, DialogId};
use crate::message::{Replaces, StatusCode};

impl Session {
    /// Whether the dialog that is named may give its place to a new one; otherwise the status for who asked.
    pub(crate) fn may_be_replaced(&self, replaces: &Replaces) -> Result<(), StatusCode> {
        let (is_it, allowed) = match &self.state {
            State::Outgoing(outgoing) => (outgoing.has_early_dialog(&replaces.from_tag), Ok(())),
            // Whom it rings at has no say in who calls.
            State::Incoming(incoming) if incoming.usage.dialog.is_early() => (false, Ok(())),
            State::Incoming(incoming) => (is(&incoming.usage.dialog, replaces), busy(replaces)),
            State::Confirmed(confirmed) => (is(&confirmed.dialog, replaces), busy(replaces)),
            State::Leaving(leaving) => (is(&leaving.dialog, replaces), Err(StatusCode::DECLINE)),
            State::Over => (false, Ok(())),
        };
        if is_it { allowed } else { Err(StatusCode::CALL_DOES_NOT_EXIST) }
    }

    /// The dialog of a session that has one.
    pub(crate) fn clone_dialog(&self) -> Option<Dialog> {
        self.dialog().cloned()
    }

    pub(crate) fn dialog_id(&self) -> Option<DialogId> {
        self.dialog().map(|dialog| dialog.id().clone())
    }

    /// This dialog as the other side would be asked to give it up.
    pub(crate) fn as_replaces(&self) -> Option<Replaces> {
        let DialogId { call_id, local_tag, remote_tag } = self.dialog_id()?;
        Some(Replaces { call_id, to_tag: remote_tag, from_tag: local_tag, early_only: false })
    }
}

const fn busy(replaces: &Replaces) -> Result<(), StatusCode> {
    if replaces.early_only { Err(StatusCode::BUSY_HERE) } else { Ok(()) }
}

/// `0` stands for no tag at all.
fn is(dialog: &Dialog, replaces: &Replaces) -> bool {
    let tag = dialog.remote_tag();
    tag == replaces.from_tag || (tag.is_empty() && replaces.from_tag == "0")
}
