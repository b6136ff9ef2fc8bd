//! What one leg heard, on its way to the other: sound at the call's rate, or payloads as they came, silence by its length,
//! events.

use super::drops::DropReason;
use super::telephone_event::Progress;

/// The result of one input; kept and emptied by the worker, so that no packet allocates.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) samples: Vec<i16>,
    /// Of `Act::Payload`, one after the other.
    pub(super) payloads: Vec<u8>,
    acts: Vec<Act>,
    /// Something was not used.
    pub(super) dropped: Option<DropReason>,
}

/// One step, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The next so many of the samples.
    Audio(usize),
    /// The next so many octets of the payloads, and the ticks that they stand for.
    Payload(usize, u32),
    /// So many packets were lost, and so many ticks with them: the far end conceals them by itself.
    Lost(u64, u32),
    /// Time without sound, in ticks of 125 µs.
    Skip(u32),
    /// Sound begins after an unknown time.
    Restart,
    /// A telephone-event began, goes on or ended.
    Event(Progress),
}

impl Heard {
    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.payloads.clear();
        self.acts.clear();
        self.dropped = None;
    }

    pub(super) fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// What was appended to the samples since they were `from` long is sound.
    pub(super) fn audio_since(&mut self, from: usize) {
        let count = self.samples.len() - from;
        if count > 0 {
            self.acts.push(Act::Audio(count));
        }
    }

    pub(super) fn payload(&mut self, payload: &[u8], ticks: u32) {
        self.payloads.extend_from_slice(payload);
        self.acts.push(Act::Payload(payload.len(), ticks));
    }

    pub(super) fn lost(&mut self, packets: u64, ticks: u32) {
        self.acts.push(Act::Lost(packets, ticks));
    }

    pub(super) fn skip(&mut self, ticks: u32) {
        if ticks > 0 {
            self.acts.push(Act::Skip(ticks));
        }
    }

    pub(super) fn restart(&mut self) {
        self.acts.push(Act::Restart);
    }

    pub(super) fn event(&mut self, progress: Progress) {
        self.acts.push(Act::Event(progress));
    }
}
