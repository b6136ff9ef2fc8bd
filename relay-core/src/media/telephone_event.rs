//! Digits as named events in RTP (RFC 4733): read with de-duplication, written with rescaled durations.
//!
//! What it does not do: tones in the audio, flash, and any event beyond the sixteen DTMF ones.

use sip_core::{Duration, Instant};

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// Without a packet for so long the event has ended, and its three end packets were lost.
const ABANDONED: Duration = Duration::from_millis(250);
/// The longest duration that one segment can tell (§2.5.1.3).
const SEGMENT: u32 = 0xFFFF;
/// In the payload type's clock: the most that one event may last, 20 s at 48 kHz.
const LONGEST: u32 = 960_000;

/// The payload (§2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) code: u8,
    pub(super) end: bool,
    pub(super) volume: u8,
    pub(super) duration: u16,
}

impl Payload {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let [code, flags, high, low] = *bytes.first_chunk()?;
        let duration = u16::from_be_bytes([high, low]);
        (code < 16).then_some(Self { code, end: flags & 0x80 != 0, volume: flags & 0x3F, duration })
    }

    pub(super) fn bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | self.volume & 0x3F, high, low]
    }
}

/// The code of a digit.
pub(super) fn code(digit: char) -> Option<u8> {
    let digit = digit.to_ascii_uppercase();
    DIGITS.iter().position(|known| *known == digit).map(|code| code as u8)
}

/// The digit of a code below 16.
pub(super) fn digit(code: u8) -> Option<char> {
    DIGITS.get(usize::from(code)).copied()
}

/// The news in an event packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) code: u8,
    pub(super) volume: u8,
    /// So far, in microseconds of sound.
    pub(super) duration: Duration,
    pub(super) first: bool,
    pub(super) end: bool,
}

/// Follows the events of one stream.
#[derive(Debug, Default)]
pub(super) struct EventReceiver {
    current: Option<Current>,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    code: u8,
    volume: u8,
    /// Of the running segment.
    timestamp: u32,
    /// Of the segments before.
    base: u32,
    duration: u32,
    rate: u32,
    seen: Instant,
    ended: bool,
}

impl Current {
    fn progress(&self, first: bool) -> Progress {
        let total = u64::from((self.base + self.duration).min(LONGEST));
        let duration = Duration::from_micros(total * 1_000_000 / u64::from(self.rate.max(1)));
        Progress { code: self.code, volume: self.volume, duration, first, end: self.ended }
    }

    /// The next segment of the same event begins where this one ended, or, as Chromium has it, with the packet that was
    /// due when it was full.
    fn is_sequel(&self, timestamp: u32, code: u8) -> bool {
        let ahead = timestamp.wrapping_sub(self.timestamp);
        !self.ended
            && self.code == code
            && ahead != 0
            && ahead >= self.duration
            && ahead <= SEGMENT + self.rate / 10
            && self.duration > SEGMENT / 2
    }
}

impl EventReceiver {
    /// Takes a packet. The first value is the end of an earlier event whose own end was lost, the second this packet's news.
    pub(super) fn accept(
        &mut self,
        timestamp: u32,
        payload: Payload,
        rate: u32,
        now: Instant,
    ) -> [Option<Progress>; 2] {
        let Payload { code, end, volume, duration } = payload;
        let duration = u32::from(duration);
        match &mut self.current {
            Some(current) if current.timestamp == timestamp => {
                if current.ended {
                    return [None, None];
                }
                (current.duration, current.seen) = (current.duration.max(duration), now);
                current.ended = end;
                [None, Some(current.progress(false))]
            }
            Some(current) if current.is_sequel(timestamp, code) => {
                current.base = (current.base + timestamp.wrapping_sub(current.timestamp)).min(LONGEST);
                (current.timestamp, current.duration, current.seen, current.ended) = (timestamp, duration, now, end);
                [None, Some(current.progress(false))]
            }
            // An older event's packet that was overtaken.
            Some(current)
                if (timestamp.wrapping_sub(current.timestamp) as i32) < 0 && now.since(current.seen) < ABANDONED =>
            {
                [None, None]
            }
            _ => {
                let unfinished = self.abandon();
                let current = Current { code, volume, timestamp, base: 0, duration, rate, seen: now, ended: end };
                self.current = Some(current);
                [unfinished, Some(current.progress(true))]
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Progress> {
        if self.next_timeout()? > now { None } else { self.abandon() }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.current.filter(|current| !current.ended).map(|current| current.seen + ABANDONED)
    }

    fn abandon(&mut self) -> Option<Progress> {
        let current = self.current.as_mut().filter(|current| !current.ended)?;
        current.ended = true;
        Some(current.progress(false))
    }
}

/// One event on its way out: where its time stamp stands and what it has told so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventWriter {
    code: u8,
    volume: u8,
    /// Of the event's beginning.
    timestamp: u32,
    segment: u32,
    told: u32,
}

impl EventWriter {
    pub(super) fn new(code: u8, volume: u8, timestamp: u32) -> Self {
        Self { code, volume, timestamp, segment: 0, told: 0 }
    }

    /// The time stamp and payload that tell of `units` of the clock; called again while it returns `true` as the third.
    pub(super) fn tell(&mut self, units: u32, end: bool) -> (u32, Payload, bool) {
        self.told = self.told.max(units);
        let inside = self.told - self.segment * SEGMENT;
        let timestamp = self.timestamp.wrapping_add(self.segment * SEGMENT);
        let more = inside > SEGMENT;
        if more {
            self.segment += 1;
        }
        let payload =
            Payload { code: self.code, end: end && !more, volume: self.volume, duration: inside.min(SEGMENT) as u16 };
        (timestamp, payload, more)
    }

    /// Where the event ends.
    pub(super) fn end_timestamp(&self) -> u32 {
        self.timestamp.wrapping_add(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(duration: u16, end: bool) -> Payload {
        Payload { code: 5, end, volume: 10, duration }
    }

    #[test]
    fn three_end_packets_are_one_digit() {
        let mut receiver = EventReceiver::default();
        let mut accept = |duration, end| receiver.accept(1_000, event(duration, end), 8_000, Instant::ZERO)[1];

        assert!(accept(160, false).unwrap().first);
        assert!(!accept(320, false).unwrap().end);
        let end = accept(800, true).unwrap();
        assert_eq!((end.end, end.duration, digit(end.code)), (true, Duration::from_millis(100), Some('5')));
        assert_eq!((accept(800, true), accept(800, true)), (None, None));
    }

    #[test]
    fn a_lost_end_is_made_good_by_time_or_by_the_next_event() {
        let mut receiver = EventReceiver::default();
        receiver.accept(1_000, event(320, false), 8_000, Instant::ZERO);
        let [earlier, news] = receiver.accept(5_000, event(160, false), 8_000, Instant::from_millis(100));
        assert_eq!(earlier.map(|event| (event.end, event.duration)), Some((true, Duration::from_millis(40))));
        assert!(news.unwrap().first);

        let due = receiver.next_timeout().unwrap();
        assert!(receiver.handle_timeout(due).unwrap().end);
        assert_eq!(receiver.next_timeout(), None);
    }

    #[test]
    fn a_long_event_in_segments_is_one_event() {
        let mut receiver = EventReceiver::default();
        receiver.accept(0, event(0xFFFF, false), 48_000, Instant::ZERO);
        let [earlier, news] = receiver.accept(0xFFFF, event(48_000, true), 48_000, Instant::from_millis(20));
        assert_eq!(earlier, None);
        let news = news.unwrap();
        assert!(news.end && !news.first);
        assert_eq!(news.duration.as_millis(), 2_365);
    }

    /// libwebrtc's `RTPSenderAudio`: the full segment once more, then one whose time stamp is that of the next packet.
    #[test]
    fn a_key_that_is_held_in_chromium_is_one_event() {
        let mut receiver = EventReceiver::default();
        let mut firsts = 0;
        let mut accept = |timestamp, duration, end, at| {
            let news = receiver.accept(timestamp, event(duration, end), 48_000, Instant::from_millis(at));
            assert_eq!(news[0], None, "nothing ended before");
            firsts += usize::from(news[1].unwrap().first);
            news[1].unwrap()
        };
        accept(0, 960, false, 20);
        accept(0, 64_800, false, 1_350);
        accept(0, 0xFFFF, false, 1_370);
        accept(65_760, 225, false, 1_370);
        accept(65_760, 64_000, false, 2_700);
        accept(65_760, 0xFFFF, false, 2_740);
        accept(131_520, 225, false, 2_740);
        let last = accept(131_520, 12_480, true, 3_000);
        assert_eq!((last.end, last.duration.as_millis(), firsts), (true, 3_000, 1));
    }

    #[test]
    fn what_does_not_fit_a_segment_goes_into_the_next() {
        let mut writer = EventWriter::new(1, 10, 100);
        assert_eq!(
            writer.tell(60_000, false),
            (100, Payload { code: 1, end: false, volume: 10, duration: 60_000 }, false)
        );
        assert_eq!(
            writer.tell(70_000, true),
            (100, Payload { code: 1, end: false, volume: 10, duration: 0xFFFF }, true)
        );
        let rest = 70_000 - 0xFFFF;
        assert_eq!(
            writer.tell(70_000, true),
            (100 + 0xFFFF, Payload { code: 1, end: true, volume: 10, duration: rest as u16 }, false)
        );
        assert_eq!(writer.end_timestamp(), 70_100);
    }

    #[test]
    fn digits_and_codes_match() {
        for (position, digit_) in DIGITS.iter().enumerate() {
            assert_eq!((code(*digit_), digit(position as u8)), (Some(position as u8), Some(*digit_)));
        }
        assert_eq!((code('a'), code('x'), digit(16)), (Some(12), None, None));
    }
}
