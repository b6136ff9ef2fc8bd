//! RTCP: the reports that are read and the compound packets that are written (RFC 3550 §6).
//!
//! Sender and receiver reports, CNAME and BYE; what it does not do: feedback (RFC 4585), extended reports.

use sip_core::{Duration, Instant};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const BLOCK: usize = 24;

/// The longest compound packet written here.
pub(super) const MAX_COMPOUND: usize = 128;
/// The longest CNAME written here.
pub(super) const MAX_CNAME: usize = 24;

/// One thing that the far end said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// It sends: the middle 32 bits of its clock, to be given back in our report.
    Sent { ssrc: u32, clock: u32 },
    /// It receives: about `ssrc`.
    Received { ssrc: u32, fraction_lost: u8, last_report: u32, delay: u32 },
    /// It stops sending.
    Bye { ssrc: u32 },
}

/// Walks a compound packet; stops at the first octet that makes no sense.
pub(super) fn read(mut compound: &[u8], mut hear: impl FnMut(Statement)) -> Result<(), Malformed> {
    if compound.is_empty() {
        return Err(Malformed);
    }
    while !compound.is_empty() {
        let ([first, kind, high, low], rest) = compound.split_first_chunk().ok_or(Malformed)?;
        let length = 4 * usize::from(u16::from_be_bytes([*high, *low]));
        let (body, rest) = rest.split_at_checked(length).filter(|_| first >> 6 == 2).ok_or(Malformed)?;
        let count = usize::from(first & 0x1F);
        match *kind {
            SENDER_REPORT => {
                hear(Statement::Sent { ssrc: long(body, 0)?, clock: long(body, 6)? });
                read_blocks(body.get(24..).ok_or(Malformed)?, count, &mut hear)?;
            }
            RECEIVER_REPORT => read_blocks(body.get(4..).ok_or(Malformed)?, count, &mut hear)?,
            BYE => (0..count).try_for_each(|n| long(body, 4 * n).map(|ssrc| hear(Statement::Bye { ssrc })))?,
            _ => {}
        }
        compound = rest;
    }
    Ok(())
}

/// Not RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

fn read_blocks(blocks: &[u8], count: usize, hear: &mut impl FnMut(Statement)) -> Result<(), Malformed> {
    for block in blocks.chunks_exact(BLOCK).take(count) {
        let (ssrc, loss) = (long(block, 0)?, long(block, 4)?);
        let (last_report, delay) = (long(block, 16)?, long(block, 20)?);
        hear(Statement::Received { ssrc, fraction_lost: (loss >> 24) as u8, last_report, delay });
    }
    Ok(())
}

fn long(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Malformed)?;
    Ok(u32::from_be_bytes(*four))
}

/// What we sent, for a sender report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) timestamp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// What we received, for a report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) ssrc: u32,
    pub(super) fraction_lost: u8,
    pub(super) lost: i32,
    pub(super) highest: u32,
    pub(super) jitter: u32,
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

/// A compound packet under construction.
#[derive(Debug)]
pub(super) struct Compound {
    bytes: [u8; MAX_COMPOUND],
    length: usize,
}

impl Compound {
    /// A report, which must come first: a sender report if something was sent.
    pub(super) fn report(ssrc: u32, sent: Option<Sent>, received: Option<Received>, now: Instant) -> Self {
        let mut compound = Self { bytes: [0; MAX_COMPOUND], length: 0 };
        let blocks = u8::from(received.is_some());
        let words = 1 + if sent.is_some() { 5 } else { 0 } + u16::from(blocks) * 6;
        let kind = if sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        compound.header(blocks, kind, words);
        compound.long(ssrc);
        if let Some(sent) = sent {
            let clock = ntp(now);
            let words = [(clock >> 32) as u32, clock as u32, sent.timestamp, sent.packets, sent.octets];
            words.into_iter().for_each(|word| compound.long(word));
        }
        if let Some(block) = received {
            let loss =
                u32::from(block.fraction_lost) << 24 | block.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
            let words = [block.ssrc, loss, block.highest, block.jitter, block.last_report, block.delay];
            words.into_iter().for_each(|word| compound.long(word));
        }
        compound
    }

    /// The sender's name: the same on every report of one session (RFC 7022).
    pub(super) fn cname(mut self, ssrc: u32, name: &str) -> Self {
        let name = name.as_bytes().get(..name.len().min(MAX_CNAME)).unwrap_or_default();
        // One chunk: SSRC, item, and at least one zero octet up to the next word.
        let size = (4 + 2 + name.len() + 1).next_multiple_of(4);
        let end = self.length + 4 + size;
        self.header(1, DESCRIPTION, (size / 4) as u16);
        self.long(ssrc);
        self.push(&[1, name.len() as u8]);
        self.push(name);
        self.push([0; 4].get(..end.saturating_sub(self.length)).unwrap_or_default());
        self
    }

    /// The end of our stream.
    pub(super) fn bye(mut self, ssrc: u32) -> Self {
        self.header(1, BYE, 1);
        self.long(ssrc);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn header(&mut self, count: u8, kind: u8, words: u16) {
        self.push(&[0x80 | count, kind]);
        self.push(&words.to_be_bytes());
    }

    fn long(&mut self, word: u32) {
        self.push(&word.to_be_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }
}

/// The host's clock in NTP's format; its epoch is the host's, as RFC 3550 §4 allows where no wall clock is at hand.
pub(super) fn ntp(now: Instant) -> u64 {
    let micros = now.as_micros();
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    (micros / 1_000_000) << 32 | fraction
}

/// The middle 32 bits: 1/65,536 s.
pub(super) fn short_ntp(now: Instant) -> u32 {
    (ntp(now) >> 16) as u32
}

/// The round trip that a report block tells about (RFC 3550 §6.4.1); none for a block without a report to refer to.
pub(super) fn round_trip(last_report: u32, delay: u32, now: Instant) -> Option<Duration> {
    let elapsed = short_ntp(now).wrapping_sub(last_report).checked_sub(delay).filter(|_| last_report != 0)?;
    // Half a minute and more is a stale or forged report.
    (elapsed < 30 << 16).then(|| Duration::from_micros((u64::from(elapsed) * 1_000_000) >> 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_compound_packet_reads_back_with_another_implementation() {
        let sent = Sent { timestamp: 1, packets: 2, octets: 3 };
        let received =
            Received { ssrc: 9, fraction_lost: 25, lost: 4, highest: 5, jitter: 6, last_report: 7, delay: 8 };
        let now = Instant::from_millis(1_500);

        for name in ["a", "ab", "abc", "abcdefghijklmnop"] {
            let compound = Compound::report(42, Some(sent), Some(received), now).cname(42, name).bye(42);
            let packets = rtc_rtcp::packet::unmarshal(&mut compound.as_bytes()).unwrap();
            assert_eq!(packets.len(), 3, "{name}");
            let report = packets[0].as_any().downcast_ref::<rtc_rtcp::sender_report::SenderReport>().unwrap();
            assert_eq!((report.ssrc, report.ntp_time, report.packet_count), (42, 0x1_8000_0000, 2));
            assert_eq!((report.reports[0].fraction_lost, report.reports[0].total_lost), (25, 4));
        }
    }

    #[test]
    fn our_own_reports_are_understood() {
        let received =
            Received { ssrc: 9, fraction_lost: 25, lost: -4, highest: 5, jitter: 6, last_report: 7, delay: 8 };
        let compound = Compound::report(42, None, Some(received), Instant::ZERO).bye(42);

        let mut heard = Vec::new();
        read(compound.as_bytes(), |statement| heard.push(statement)).unwrap();

        let block = Statement::Received { ssrc: 9, fraction_lost: 25, last_report: 7, delay: 8 };
        assert_eq!(heard, [block, Statement::Bye { ssrc: 42 }]);
    }

    #[test]
    fn the_round_trip_is_what_the_clock_says_minus_the_delay() {
        let (then, now) = (Instant::from_millis(10_000), Instant::from_millis(10_250));
        let trip = round_trip(short_ntp(then), 65_536 / 5, now).unwrap();
        assert!(trip.abs_diff(Duration::from_millis(50)) < Duration::from_millis(1), "{trip:?}");
        assert_eq!(round_trip(0, 5, now), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes, |_| {});
        }
    }
}
