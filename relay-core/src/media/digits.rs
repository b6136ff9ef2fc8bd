//! Digits that signalling asks for, sent as telephone-events in their own time (RFC 4733 §2.5.1).

use super::telephone_event::{self, EventWriter, Payload};
use sip_core::{Duration, Instant};
use std::collections::VecDeque;

/// Digits waiting at most; a number and its extension have fewer.
const MAX_QUEUED: usize = 64;
/// Between packets of one event.
const STEP: Duration = Duration::from_millis(20);
/// Between digits (Q.24 asks for 40 ms and more).
const PAUSE: Duration = Duration::from_millis(70);
/// A tone shorter is missed by some receivers (Q.24), and longer than 8 s does not fit one segment at 8 kHz.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(8);
/// -10 dBm0, as browsers send.
const VOLUME: u8 = 10;
const ENDS: u8 = 3;

/// The queue of digits and the one that sounds.
#[derive(Debug, Default)]
pub(super) struct DigitSender {
    queue: VecDeque<(u8, Duration)>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Idle,
    /// The next digit may begin then.
    Waiting {
        until: Instant,
    },
    Sounding {
        writer: EventWriter,
        since: Instant,
        duration: Duration,
        next: Instant,
    },
    /// The end is repeated; sound may go on meanwhile.
    Ending {
        writer: EventWriter,
        units: u32,
        left: u8,
        next: Instant,
    },
}

impl DigitSender {
    pub(super) fn dial(&mut self, digits: &str, duration: Duration, now: Instant) -> bool {
        let duration = duration.clamp(SHORTEST, LONGEST);
        let codes = digits.chars().filter_map(telephone_event::code);
        let room = MAX_QUEUED - self.queue.len();
        self.queue.extend(codes.take(room).map(|code| (code, duration)));
        if matches!(self.state, State::Idle) && !self.queue.is_empty() {
            self.state = State::Waiting { until: now };
        }
        digits.chars().count() <= room && digits.chars().all(|digit| telephone_event::code(digit).is_some())
    }

    /// Whether sound must be left out.
    pub(super) fn is_sounding(&self) -> bool {
        matches!(self.state, State::Sounding { .. })
    }

    /// Whether the next call of `handle_timeout` begins a digit.
    pub(super) fn begins(&self, now: Instant) -> bool {
        matches!(self.state, State::Waiting { until } if until <= now)
    }

    /// Another event is being sent: the next digit waits for it.
    pub(super) fn postpone(&mut self, now: Instant) {
        if self.begins(now) {
            self.state = State::Waiting { until: now + PAUSE };
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Waiting { until } => Some(until),
            State::Sounding { next, .. } | State::Ending { next, .. } => Some(next),
        }
    }

    /// Sends what is due: time stamp, payload, and whether it is the event's first packet.
    pub(super) fn handle_timeout(
        &mut self,
        timestamp: u32,
        rate: u32,
        now: Instant,
        send: &mut dyn FnMut(u32, Payload, bool),
    ) {
        if self.next_timeout().is_none_or(|due| due > now) {
            return;
        }
        match self.state {
            State::Idle => {}
            State::Waiting { .. } => self.begin(timestamp, rate, now, send),
            State::Sounding { mut writer, since, duration, .. } => {
                let end = now.since(since) + STEP >= duration;
                let told = if end { duration } else { now.since(since) + STEP };
                let units = units(told, rate);
                let (timestamp, payload, _) = writer.tell(units, end);
                send(timestamp, payload, false);
                let next = now + STEP;
                self.state = match end {
                    true => State::Ending { writer, units, left: ENDS - 1, next },
                    false => State::Sounding { writer, since, duration, next },
                };
            }
            State::Ending { mut writer, units, left, .. } => {
                let (timestamp, payload, _) = writer.tell(units, true);
                send(timestamp, payload, false);
                self.state = match left - 1 {
                    0 => self.after(now),
                    left => State::Ending { writer, units, left, next: now + STEP },
                };
            }
        }
    }

    /// The time stamp at which an event just ended: told once, at its first end packet.
    pub(super) fn ended(&self) -> Option<u32> {
        match &self.state {
            State::Ending { writer, left, .. } if *left == ENDS - 1 => Some(writer.end_timestamp()),
            _ => None,
        }
    }

    fn begin(&mut self, timestamp: u32, rate: u32, now: Instant, send: &mut dyn FnMut(u32, Payload, bool)) {
        let Some((code, duration)) = self.queue.pop_front() else {
            self.state = State::Idle;
            return;
        };
        let mut writer = EventWriter::new(code, VOLUME, timestamp);
        let (timestamp, payload, _) = writer.tell(units(STEP, rate), false);
        send(timestamp, payload, true);
        self.state = State::Sounding { writer, since: now, duration, next: now + STEP };
    }

    fn after(&self, now: Instant) -> State {
        if self.queue.is_empty() { State::Idle } else { State::Waiting { until: now + PAUSE } }
    }
}

fn units(time: Duration, rate: u32) -> u32 {
    (time.as_micros() * u128::from(rate) / 1_000_000) as u32
}
