//! What arrives on one side of a call: counted for all calls, kept for a few.

use crate::Fallible;
use crate::options::Codec;
use crate::speech::{self, NARROW_FRAME};
use std::time::Instant;

/// A packet that was kept.
pub(crate) struct Heard {
    pub(crate) at: Instant,
    sequence: u16,
    /// Time stamp units since the first one.
    timestamp: u32,
    payload: Vec<u8>,
}

/// Where in the sound each packet begins, in samples, and when it came.
pub(crate) type Places = Vec<(usize, Instant)>;

/// The receiving end of one direction.
pub(crate) struct Ear {
    codec: Codec,
    pub(crate) packets: u64,
    /// RFC 3550 §6.4.1, in milliseconds.
    pub(crate) jitter: f64,
    last: Option<(Instant, u32)>,
    pub(crate) kept: Option<Vec<Heard>>,
}

impl Ear {
    pub(crate) fn new(codec: Codec, keeps: bool) -> Self {
        Self { codec, packets: 0, jitter: 0.0, last: None, kept: keeps.then(Vec::new) }
    }

    /// Begins to count anew.
    pub(crate) fn mark(&mut self) {
        (self.packets, self.jitter) = (0, 0.0);
    }

    pub(crate) const fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// A packet whose header is readable; the payload only where it is kept.
    pub(crate) fn hear(&mut self, packet: &[u8], at: Instant) {
        let [_, _, s0, s1, t0, t1, t2, t3, _, _, _, _, payload @ ..] = packet else { return };
        let (sequence, timestamp) = (u16::from_be_bytes([*s0, *s1]), u32::from_be_bytes([*t0, *t1, *t2, *t3]));
        self.packets += 1;
        if let Some((before, stamp)) = self.last {
            let apart = at.duration_since(before).as_secs_f64() * 1_000.0;
            let meant =
                f64::from(timestamp.wrapping_sub(stamp).cast_signed()) * 1_000.0 / f64::from(self.codec.clock());
            self.jitter += ((apart - meant).abs() - self.jitter) / 16.0;
        }
        self.last = Some((at, timestamp));
        if let Some(kept) = &mut self.kept {
            kept.push(Heard { at, sequence, timestamp, payload: payload.to_vec() });
        }
    }

    /// The sound that was kept, at 8 kHz.
    pub(crate) fn sound(&self) -> Fallible<(Vec<i16>, Places)> {
        let (mut samples, mut places) = (Vec::new(), Vec::new());
        let mut decoder = speech::decoder(self.codec)?;
        let kept = self.kept.as_deref().unwrap_or_default();
        let Some(first) = kept.first() else { return Ok((samples, places)) };
        let (mut last, mut untold) = (first.sequence.wrapping_sub(1), 0);
        for heard in kept {
            let ticks = heard.timestamp.wrapping_sub(first.timestamp).cast_signed();
            let place = i64::from(ticks) * 8_000 / i64::from(self.codec.clock());
            let Ok(place) = usize::try_from(place) else { continue };
            // rtpengine tells of lost packets in the sequence numbers only; its time stamps go on as if nothing were missing.
            let gone = usize::from(heard.sequence.wrapping_sub(last));
            if !(1..=500).contains(&gone) {
                continue;
            }
            untold += (samples.len() + (gone - 1) * NARROW_FRAME).saturating_sub(place + untold);
            let place = place + untold;
            if place > samples.len() && place - samples.len() < 80_000 {
                // A hole: the receiver conceals it, by the redundancy of this packet if it is the next.
                let next = (gone <= 3).then_some(heard.payload.as_slice());
                decoder.conceal(place - samples.len(), next, &mut samples);
            } else if place < samples.len() {
                continue;
            }
            places.push((samples.len(), heard.at));
            last = heard.sequence;
            // What is not of the codec (comfort noise) stays a hole.
            let _ = decoder.decode(&heard.payload, &mut samples);
        }
        Ok((samples, places))
    }
}
