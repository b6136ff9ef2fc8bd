//! The sending half of a leg: sound in, RTP packets out, under one SSRC with one unbroken sequence (RFC 3550 §5.1).
//!
//! It packs samples into packets of the negotiated length and sends each as soon as it is full. While a
//! telephone-event is being sent, the sound of that time is left out (RFC 4733 §2.5.1.1).

use super::digits::DigitSender;
use super::heard::{Act, Heard};
use super::payload::{EventFormat, Format, Kind, TICKS};
use super::rtcp::Sent;
use super::rtp::Packet;
use super::telephone_event::{EventWriter, Payload, Progress};
use crate::codec::{Encoder, MAX_PAYLOAD, Rate, Shelf};
use sip_core::{Duration, Instant};

/// The end of an event is told so often (RFC 4733 §2.5.1.4).
const ENDS: usize = 3;

/// The sending half of one leg.
pub(super) struct Outlet {
    stream: Stream,
    format: Option<Format>,
    event_format: Option<EventFormat>,
    encoder: Option<Box<dyn Encoder>>,
    shelf: Shelf,
    expected_loss: u8,
    /// Above this the encoder does not go, where it knows degrees.
    complexity: u8,
    /// Samples in one packet.
    frame: usize,
    pending: Vec<i16>,
    relayed: Option<EventWriter>,
    digits: DigitSender,
    /// Where the last dialled digit ends.
    quiet_until: Option<u32>,
    /// When the sample at the time stamp is due.
    at: Option<Instant>,
}

/// Numbers of the outgoing stream.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    sequence: u16,
    /// Of the first pending sample.
    timestamp: u32,
    marker: bool,
    packets: u64,
    octets: u32,
}

impl Outlet {
    /// An outlet whose numbers begin at unpredictable places (RFC 3550 §5.1).
    pub(super) fn new(random: u64, shelf: Shelf) -> Self {
        let (ssrc, timestamp) = ((random >> 32) as u32, (random as u32).rotate_left(16));
        // Below 2^15, so that a lost first packet cannot be taken for a roll-over (RFC 3711 §3.3.1).
        let sequence = random as u16 >> 1;
        Self {
            stream: Stream { ssrc, sequence, timestamp, marker: true, packets: 0, octets: 0 },
            format: None,
            event_format: None,
            encoder: None,
            complexity: shelf.opus.most_complexity(),
            shelf,
            expected_loss: 0,
            frame: 0,
            pending: Vec::new(),
            relayed: None,
            digits: DigitSender::default(),
            quiet_until: None,
            at: None,
        }
    }

    /// Takes what was negotiated; the stream goes on under its numbers.
    pub(super) fn describe(&mut self, format: Format, event_format: Option<EventFormat>, ptime: Duration) {
        let sound = |format: Format| (format.kind, format.rate);
        if self.format.map(sound) != Some(sound(format)) {
            self.encoder = None;
            self.pending.clear();
        }
        self.frame = format.frame(ptime.as_millis());
        (self.format, self.event_format) = (Some(format), event_format);
    }

    /// Speaks at another rate from here on.
    pub(super) fn retune(&mut self, rate: Rate) {
        if let Some(format) = self.format.filter(|format| format.rate != format.at(rate).rate) {
            let ptime = length(self.ticks(self.frame));
            self.describe(format.at(rate), self.event_format, ptime);
        }
    }

    /// What was negotiated.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.format.map(|format| format.kind)
    }

    /// Sends what the other leg heard.
    pub(super) fn play(&mut self, heard: &Heard, now: Instant, send: &mut dyn FnMut(&Packet<'_>)) {
        let (mut samples, mut payloads) = (heard.samples.as_slice(), heard.payloads.as_slice());
        for act in heard.acts() {
            match *act {
                Act::Audio(count) => {
                    let (audio, rest) = samples.split_at(count.min(samples.len()));
                    samples = rest;
                    self.audio(audio, now, send);
                }
                Act::Payload(octets, ticks) => {
                    let (payload, rest) = payloads.split_at(octets.min(payloads.len()));
                    payloads = rest;
                    self.forward(payload, ticks, now, send);
                }
                Act::Lost(packets, ticks) => self.leave_out(packets, ticks, now),
                Act::Skip(count) => self.skip(count, now),
                Act::Restart => self.restart(now),
                Act::Event(progress) => self.relay(progress, now, send),
            }
        }
    }

    /// Queues digits; false when there are too many, or no payload type to send them with.
    pub(super) fn dial(&mut self, digits: &str, duration: Duration, now: Instant) -> bool {
        self.event_format.is_some() && self.digits.dial(digits, duration, now)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, send: &mut dyn FnMut(&Packet<'_>)) {
        let Some(format) = self.event_format else {
            return;
        };
        if self.relayed.is_some() {
            return self.digits.postpone(now);
        }
        if self.digits.begins(now) {
            self.restart(now);
        }
        let (timestamp, stream) = (self.stream.timestamp, &mut self.stream);
        self.digits.handle_timeout(timestamp, format.rate, now, &mut |timestamp, payload, first| {
            stream.event(format.payload_type, timestamp, payload, first, send);
        });
        self.quiet_until = self.digits.ended().or(self.quiet_until);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.digits.next_timeout()
    }

    /// The far end loses so much of what we send, in per cent.
    pub(super) fn expect_loss(&mut self, percent: u8) {
        self.expected_loss = percent;
        if let Some(encoder) = &mut self.encoder {
            encoder.expect_loss(percent);
        }
    }

    /// Encodes at no more than this complexity from here on.
    pub(super) fn limit(&mut self, complexity: u8) {
        if self.complexity != complexity {
            self.complexity = complexity;
            if let Some(encoder) = &mut self.encoder {
                encoder.limit(complexity);
            }
        }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.stream.ssrc
    }

    pub(super) fn packets(&self) -> u64 {
        self.stream.packets
    }

    /// For a sender report; none before the first packet.
    pub(super) fn sent(&self, now: Instant) -> Option<Sent> {
        let Stream { timestamp, packets, octets, .. } = self.stream;
        let at = self.at.filter(|_| packets > 0)?;
        let (ahead, behind) = (self.clock_units(now.since(at)), self.clock_units(at.since(now)));
        let timestamp = timestamp.wrapping_add(ahead).wrapping_sub(behind);
        Some(Sent { timestamp, packets: packets as u32, octets })
    }

    fn audio(&mut self, samples: &[i16], now: Instant, send: &mut dyn FnMut(&Packet<'_>)) {
        if self.is_replaced_by_event() {
            let ticks = self.ticks(samples.len());
            return self.skip(ticks, now + length(ticks));
        }
        self.pending.extend_from_slice(samples);
        self.at = Some(now + length(self.ticks(samples.len())));
        while self.frame > 0 && self.pending.len() >= self.frame {
            self.send_frame(send);
        }
    }

    fn send_frame(&mut self, send: &mut dyn FnMut(&Packet<'_>)) {
        let Some(format) = self.format else { return };
        if self.encoder.is_none() {
            self.encoder = format.encoder(&self.shelf).ok();
            self.expect_loss(self.expected_loss);
            if let Some(encoder) = &mut self.encoder {
                encoder.limit(self.complexity);
            }
        }
        let mut payload = [0; MAX_PAYLOAD];
        let frame = self.pending.get(..self.frame).unwrap_or_default();
        let encoded = self.encoder.as_mut().and_then(|encoder| encoder.encode(frame, &mut payload).ok());
        if let Some(payload) = encoded.and_then(|length| payload.get(..length)) {
            self.stream.audio(format.payload_type, payload, send);
        }
        self.stream.timestamp = self.stream.timestamp.wrapping_add(self.ticks(self.frame) * format.ratio());
        self.pending.drain(..self.frame);
    }

    /// A payload that the other side wrote, under the numbers of this stream.
    fn forward(&mut self, payload: &[u8], ticks: u32, now: Instant, send: &mut dyn FnMut(&Packet<'_>)) {
        let Some(format) = self.format.filter(|_| !self.is_replaced_by_event()) else {
            return self.skip(ticks, now + length(ticks));
        };
        if !self.pending.is_empty() {
            self.skip(0, now);
        }
        self.stream.audio(format.payload_type, payload, send);
        self.stream.timestamp = self.stream.timestamp.wrapping_add(ticks * format.ratio());
        self.at = Some(now + length(ticks));
    }

    /// What was lost before us is lost after us: a hole in the sequence, so that the far end uses what redundancy it has.
    fn leave_out(&mut self, packets: u64, ticks: u32, now: Instant) {
        let marker = self.stream.marker;
        self.skip(ticks, now);
        self.stream.marker = marker;
        self.stream.sequence = self.stream.sequence.wrapping_add(packets as u16);
    }

    /// Time passes without sound; what does not fill a packet is given up.
    fn skip(&mut self, ticks: u32, now: Instant) {
        let ticks = ticks + self.ticks(self.pending.len());
        self.pending.clear();
        let ratio = self.format.map_or(1, Format::ratio);
        self.stream.timestamp = self.stream.timestamp.wrapping_add(ticks * ratio);
        self.stream.marker = true;
        self.at = Some(now);
    }

    /// Sound begins: the time stamp makes up for the time since the last (RFC 3550 §5.1).
    fn restart(&mut self, now: Instant) {
        let silent = self.at.map_or(Duration::ZERO, |at| now.since(at));
        let passed = self.clock_units(silent);
        let whole = self.ticks(self.frame) * self.format.map_or(1, Format::ratio);
        self.stream.timestamp = self.stream.timestamp.wrapping_add(passed - passed % whole.max(1));
        self.pending.clear();
        self.stream.marker = true;
        self.at = Some(now);
    }

    fn relay(&mut self, progress: Progress, now: Instant, send: &mut dyn FnMut(&Packet<'_>)) {
        let Some(format) = self.event_format.filter(|_| !self.digits.is_sounding()) else {
            return;
        };
        if progress.first {
            self.pending.clear();
            self.at = Some(now);
            self.relayed = Some(EventWriter::new(progress.code, progress.volume, self.stream.timestamp));
        }
        let Some(writer) = &mut self.relayed else {
            return;
        };
        let units = (progress.duration.as_micros() * u128::from(format.rate) / 1_000_000) as u32;
        let mut first = progress.first;
        loop {
            let (timestamp, payload, more) = writer.tell(units, progress.end);
            let times = if payload.end { ENDS } else { 1 };
            (0..times).for_each(|_| {
                self.stream.event(format.payload_type, timestamp, payload, core::mem::take(&mut first), send);
            });
            if !more {
                break;
            }
        }
        if progress.end {
            self.relayed = None;
            self.stream.marker = true;
        }
    }

    /// Whether an event stands in the place of the next sample.
    fn is_replaced_by_event(&mut self) -> bool {
        let ahead = |end: &u32| end.wrapping_sub(self.stream.timestamp).cast_signed() > 0;
        self.quiet_until = self.quiet_until.filter(ahead);
        self.quiet_until.is_some() || self.relayed.is_some() || self.digits.is_sounding()
    }

    /// How long so many samples are.
    fn ticks(&self, samples: usize) -> u32 {
        (samples / self.format.map_or(1, |format| format.rate.factor())) as u32
    }

    fn clock_units(&self, time: Duration) -> u32 {
        let clock = self.format.map_or(TICKS, Format::clock);
        (time.as_micros() * u128::from(clock) / 1_000_000) as u32
    }
}

fn length(ticks: u32) -> Duration {
    Duration::from_micros(u64::from(ticks) * 125)
}

impl Stream {
    fn audio(&mut self, payload_type: u8, payload: &[u8], send: &mut dyn FnMut(&Packet<'_>)) {
        let marker = core::mem::take(&mut self.marker);
        self.send(marker, payload_type, self.timestamp, payload, send);
    }

    fn event(
        &mut self,
        payload_type: u8,
        timestamp: u32,
        event: Payload,
        first: bool,
        send: &mut dyn FnMut(&Packet<'_>),
    ) {
        self.send(first, payload_type, timestamp, &event.bytes(), send);
    }

    fn send(
        &mut self,
        marker: bool,
        payload_type: u8,
        timestamp: u32,
        payload: &[u8],
        send: &mut dyn FnMut(&Packet<'_>),
    ) {
        let Self { ssrc, sequence, .. } = *self;
        send(&Packet { marker, payload_type, sequence, timestamp, ssrc, payload });
        self.sequence = sequence.wrapping_add(1);
        self.packets += 1;
        self.octets = self.octets.wrapping_add(payload.len() as u32);
    }
}
