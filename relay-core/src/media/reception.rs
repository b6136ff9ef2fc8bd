//! What arrived on one leg: extended sequence numbers, loss and jitter (RFC 3550 §6.4.1, §A.1, §A.3, §A.8).

use super::rtcp::Received;
use super::rtp::Packet;
use sip_core::{Duration, Instant};

/// A jump ahead beyond this is another stream, once it has been confirmed by a second packet (§A.1).
const MAX_DROPOUT: u16 = 3_000;
/// As far back a packet is merely late.
const MAX_MISORDER: u16 = 100;

/// The statistics of the stream that one leg receives.
#[derive(Debug, Default)]
pub(super) struct Reception {
    source: Option<Source>,
    /// From earlier sources of this leg.
    lost_before: u64,
    received: u64,
    late: u64,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    base: u64,
    highest: u64,
    received: u64,
    /// The packet that would confirm a jump.
    suspected: Option<u16>,
    transit: Option<i64>,
    /// Sixteen times the jitter, in clock units.
    jitter: i64,
    reported: (u64, u64),
    last_report: Option<(u32, Instant)>,
}

/// How a packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Number `.0` of the running stream; may be older than others that came.
    Sequel(u64),
    /// The first of a new stream.
    First(u64),
    /// Too far from the running stream to belong to it, and alone so far.
    Stray,
}

impl Reception {
    /// Counts a packet whose clock runs at `rate`.
    pub(super) fn count(&mut self, packet: &Packet<'_>, rate: u32, now: Instant) -> Arrival {
        let arrival = self.place(packet);
        if arrival != Arrival::Stray {
            self.received += 1;
            if let Some(source) = &mut self.source {
                source.received += 1;
                source.measure(packet.timestamp, rate, now);
            }
        }
        arrival
    }

    /// A sender report came from the source.
    pub(super) fn reported(&mut self, ssrc: u32, clock: u32, now: Instant) {
        if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc) {
            source.last_report = Some((clock, now));
        }
    }

    pub(super) fn count_late(&mut self) {
        self.late += 1;
    }

    /// The block about this source, and the beginning of the next interval.
    pub(super) fn block(&mut self, now: Instant) -> Option<Received> {
        let source = self.source.as_mut()?;
        let (expected, received) = (source.expected(), source.received);
        let interval = (expected - source.reported.0, received.saturating_sub(source.reported.1));
        source.reported = (expected, received);
        let lost = interval.0.saturating_sub(interval.1);
        let delay = |at: Instant| (now.since(at).as_micros() as u64 * 65_536 / 1_000_000) as u32;
        Some(Received {
            ssrc: source.ssrc,
            fraction_lost: (lost * 256).checked_div(interval.0).unwrap_or(0).min(255) as u8,
            lost: (expected as i64 - received as i64).clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            highest: source.highest as u32,
            jitter: (source.jitter >> 4) as u32,
            last_report: source.last_report.map_or(0, |(clock, _)| clock),
            delay: source.last_report.map_or(0, |(_, at)| delay(at)),
        })
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn late(&self) -> u64 {
        self.late
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost_before + self.source.as_ref().map_or(0, Source::lost)
    }

    pub(super) fn jitter(&self, rate: u32) -> Duration {
        let units = self.source.as_ref().map_or(0, |source| source.jitter >> 4) as u64;
        Duration::from_micros((units * 1_000_000).checked_div(u64::from(rate)).unwrap_or(0))
    }

    fn place(&mut self, packet: &Packet<'_>) -> Arrival {
        match &mut self.source {
            Some(source) if source.ssrc == packet.ssrc => match source.extend(packet.sequence) {
                Some(number) => Arrival::Sequel(number),
                None if source.suspected == Some(packet.sequence) => self.restart(packet),
                None => {
                    source.suspected = Some(packet.sequence.wrapping_add(1));
                    Arrival::Stray
                }
            },
            _ => self.restart(packet),
        }
    }

    fn restart(&mut self, packet: &Packet<'_>) -> Arrival {
        self.lost_before = self.lost();
        // One cycle ahead, so that packets from before the first one have numbers too.
        let first = 0x1_0000 + u64::from(packet.sequence);
        self.source = Some(Source {
            ssrc: packet.ssrc,
            base: first,
            highest: first,
            received: 0,
            suspected: None,
            transit: None,
            jitter: 0,
            reported: (0, 0),
            last_report: None,
        });
        Arrival::First(first)
    }
}

impl Source {
    fn extend(&mut self, sequence: u16) -> Option<u64> {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead < MAX_DROPOUT {
            self.highest += u64::from(ahead);
            self.suspected = None;
            return Some(self.highest);
        }
        let behind = ahead.wrapping_neg();
        (behind <= MAX_MISORDER).then(|| self.highest - u64::from(behind))
    }

    fn expected(&self) -> u64 {
        self.highest - self.base + 1
    }

    fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// §A.8; transit times are compared modulo 2^32, as time stamps are.
    fn measure(&mut self, timestamp: u32, rate: u32, now: Instant) {
        let arrival = (u128::from(now.as_micros()) * u128::from(rate) / 1_000_000) as u32;
        let transit = i64::from(arrival.wrapping_sub(timestamp));
        if let Some(before) = self.transit.replace(transit) {
            let distance = i64::from((transit - before) as i32).abs();
            // More than a second is a gap in the talk, not jitter.
            if distance < i64::from(rate) {
                self.jitter += distance - ((self.jitter + 8) >> 4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, sequence: u16) -> Packet<'static> {
        let timestamp = u32::from(sequence) * 160;
        Packet { marker: false, payload_type: 0, sequence, timestamp, ssrc, payload: &[] }
    }

    #[test]
    fn sequence_numbers_wrap_and_losses_are_counted() {
        let mut reception = Reception::default();
        assert_eq!(reception.count(&packet(1, 65_534), 8_000, Instant::ZERO), Arrival::First(0x1_FFFE));
        assert_eq!(reception.count(&packet(1, 1), 8_000, Instant::ZERO), Arrival::Sequel(0x2_0001));
        assert_eq!(reception.count(&packet(1, 65_535), 8_000, Instant::ZERO), Arrival::Sequel(0x1_FFFF));

        assert_eq!((reception.received(), reception.lost()), (3, 1));
        let block = reception.block(Instant::ZERO).unwrap();
        assert_eq!((block.fraction_lost, block.lost, block.highest), (64, 1, 0x2_0001));
        assert_eq!(reception.block(Instant::ZERO).unwrap().fraction_lost, 0);
    }

    #[test]
    fn a_stray_packet_does_not_move_the_stream_but_two_in_a_row_do() {
        let mut reception = Reception::default();
        reception.count(&packet(1, 10), 8_000, Instant::ZERO);

        assert_eq!(reception.count(&packet(1, 30_000), 8_000, Instant::ZERO), Arrival::Stray);
        assert_eq!(reception.count(&packet(1, 11), 8_000, Instant::ZERO), Arrival::Sequel(0x1_000B));
        assert_eq!(reception.count(&packet(1, 40_000), 8_000, Instant::ZERO), Arrival::Stray);
        assert_eq!(reception.count(&packet(1, 40_001), 8_000, Instant::ZERO), Arrival::First(0x1_9C41));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn jitter_is_that_of_the_arrivals() {
        let mut reception = Reception::default();
        for number in 0..200_u16 {
            let late = u64::from(number % 2) * 10;
            reception.count(&packet(1, number), 8_000, Instant::from_millis(u64::from(number) * 20 + late));
        }
        let jitter = reception.jitter(8_000);
        assert!(jitter.abs_diff(Duration::from_millis(10)) < Duration::from_millis(1), "{jitter:?}");
    }
}
