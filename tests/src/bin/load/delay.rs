//! How long sound took, found in the sound itself: codecs' look-ahead and buffers count, not only packets.

use crate::speech::NARROW_FRAME;
use std::time::Instant;

/// Searched, in samples at 8 kHz: from 100 ms before what the packets suggest to 400 ms after.
const EARLIEST: isize = -800;
const LATEST: isize = 3_200;
/// Compared: four seconds, after the first half second.
const SKIPPED: usize = 4_000;
const COMPARED: usize = 32_000;

/// One direction of one call.
pub(crate) struct Path<'a> {
    /// The speech that is said over and over, at 8 kHz.
    pub(crate) speech: &'a [i16],
    /// The packet of it that was said first.
    pub(crate) first: usize,
    /// When each packet left.
    pub(crate) sent: &'a [Instant],
    pub(crate) heard: &'a [i16],
    /// Where in it each packet begins, and when that came.
    pub(crate) places: &'a [(usize, Instant)],
}

impl Path<'_> {
    /// The delay of each packet that came, in milliseconds; nothing where the speech is not found in what was heard.
    pub(crate) fn delays(&self) -> Option<Vec<f64>> {
        let lag = self.lag()?;
        let delay = |(place, came): &(usize, Instant)| {
            let said = usize::try_from(*place as isize + lag).ok()?;
            let left = *self.sent.get(said / NARROW_FRAME)?;
            let since = came.checked_duration_since(left)?.as_secs_f64() * 1_000.0;
            Some(since - (said % NARROW_FRAME) as f64 / 8.0)
        };
        Some(self.places.iter().filter_map(delay).collect())
    }

    /// The speech beside what was heard of it, for a comparison by PESQ.
    pub(crate) fn pair(&self) -> Option<(Vec<i16>, Vec<i16>)> {
        let lag = self.lag()?;
        let from = usize::try_from(-lag).unwrap_or(0);
        let heard = self.heard.get(from..)?;
        let said = (from..self.heard.len()).map(|at| self.said(at as isize + lag));
        Some((said.collect(), heard.to_vec()))
    }

    /// Sample n of what was heard is sample n + lag of what was said since the call began.
    fn lag(&self) -> Option<isize> {
        let (_, came) = *self.places.first()?;
        let sent = self.sent.partition_point(|left| *left <= came).checked_sub(1)?;
        let earliest = (sent * NARROW_FRAME) as isize - LATEST;
        let heard = self.heard.get(SKIPPED..)?;
        let heard = &heard[..heard.len().min(COMPARED)];
        let from = SKIPPED as isize + earliest;
        let until = from + (heard.len() as isize) + LATEST - EARLIEST;
        let said: Vec<i16> = (from..until).map(|at| self.said(at)).collect();
        let scores = said.windows(heard.len()).map(|said| likeness(said, heard));
        let (offset, best) = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        // Below this it is not the same speech.
        (best > 0.5).then_some(earliest + offset as isize)
    }

    fn said(&self, since: isize) -> i16 {
        let at = (self.first * NARROW_FRAME) as isize + since;
        let at = at.rem_euclid(self.speech.len() as isize);
        self.speech.get(at as usize).copied().unwrap_or(0)
    }
}

/// From 0 (nothing in common) to 1.
fn likeness(said: &[i16], heard: &[i16]) -> f64 {
    let (mut product, mut one, mut other) = (0_i64, 1_i64, 1_i64);
    for (said, heard) in said.iter().zip(heard) {
        let (said, heard) = (i64::from(*said), i64::from(*heard));
        product += said * heard;
        one += said * said;
        other += heard * heard;
    }
    product as f64 / ((one as f64) * (other as f64)).sqrt()
}
