//! The receiving half of a leg: RTP packets in, sound in order out.
//!
//! In order and without loss a packet is decoded as it comes; nothing waits for a clock. Gaps are bridged when the
//! packet after them is there (FEC, else concealment). Toward the PBX, whose stream must not pause, a gap that lasts
//! is filled by time (DTX, a browser's dead spot); then, and only then, there is a timer.

use super::drops::DropReason;
use super::heard::Heard;
use super::jitter_buffer::{Held, JitterBuffer, Turn};
use super::patience::Patience;
use super::payload::{EventFormat, Format, TICKS};
use super::reception::{Arrival, Reception};
use super::rtp::Packet;
use super::telephone_event::{EventReceiver, Payload, Progress};
use crate::codec::{ComfortNoise, Decoder, NoiseLevel, Rate, Shelf, opus_ticks};
use sip_core::{Duration, Instant};

/// All in ticks of 125 µs. More than a second is not a gap but another stretch of sound.
const MAX_GAP: i32 = 8_000;
const MOST_BEHIND: i32 = -MAX_GAP;
/// The most that is made up at once.
const MAX_CONCEALED: u32 = 960;
/// One step of filling.
const FILL: u32 = 160;
const FILL_TIME: Duration = Duration::from_millis(20);
/// Filling steps that the codec's own concealment is asked for: it knows the noise; later any noise will do.
const CODEC_FILLS: u32 = 25;
/// Steps made up for at once after the host was late; the rest is skipped.
const MAX_FILLS: usize = 6;
/// A packet may be so late before its place is filled when the sender has gone silent by itself (DTX).
const SILENT_PATIENCE: Duration = Duration::from_millis(20);
/// A DTX frame is at most so long (RFC 6716 §3.1: only the table of contents, or nearly).
const DTX_PAYLOAD: usize = 2;
/// What is passed on is not filled: the far end knows what a pause of Opus is (DTX tells of itself every 400 ms). After so
/// long the sender is gone, and noise keeps the stream.
const PASSING_PATIENCE: Duration = Duration::from_secs(1);
/// RFC 3551 §6.
const COMFORT_NOISE: u8 = 13;
/// Packets whose place was filled are dropped; when that goes on so long, the sender's clock has moved.
const MAX_COVERED: Duration = Duration::from_millis(200);

/// The receiving half of one leg.
pub(super) struct Intake {
    pub(super) reception: Reception,
    buffer: JitterBuffer,
    events: EventReceiver,
    format: Option<Format>,
    /// The one before the last change: its packets that are under way, or come until our answer has arrived, are sound
    /// as before (RFC 3264 §8.3.2).
    before: Option<Format>,
    event_format: Option<EventFormat>,
    decoder: Option<Box<dyn Decoder>>,
    /// None while nothing is playing.
    timeline: Option<Timeline>,
    patience: Patience,
    noise: ComfortNoise,
    shelf: Shelf,
    fills: bool,
    /// Payloads go on as they came.
    passes_on: bool,
}

/// Where the sound stands.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    /// The time stamp of the next sample.
    next: u32,
    /// Ticks in the last packet.
    packet: u32,
    /// When the next packet's place is filled.
    due: Option<Instant>,
    /// From the end of the last packet until then.
    waited: Duration,
    fills: u32,
    covered_since: Option<Instant>,
    /// The sender has gone silent by itself.
    is_silent: bool,
    /// An event has replaced the sound since the last packet.
    after_event: bool,
    /// The sender has said how loud its silence is.
    comfort: Option<NoiseLevel>,
}

/// A packet whose turn it is.
#[derive(Clone, Copy)]
struct Item<'a> {
    payload_type: u8,
    timestamp: u32,
    payload: &'a [u8],
    lost: u64,
}

impl Intake {
    /// An intake that fills lasting gaps when `fills`.
    pub(super) fn new(fills: bool, seed: u32, shelf: Shelf) -> Self {
        Self {
            reception: Reception::default(),
            buffer: JitterBuffer::default(),
            events: EventReceiver::default(),
            format: None,
            before: None,
            event_format: None,
            decoder: None,
            timeline: None,
            patience: Patience::default(),
            noise: ComfortNoise::new(seed),
            shelf,
            fills,
            passes_on: false,
        }
    }

    /// Whether both sides speak Opus: its payloads go on as they came, and nothing is decoded.
    pub(super) fn pass_on(&mut self, passes_on: bool) {
        if self.passes_on != passes_on {
            (self.passes_on, self.decoder) = (passes_on, None);
        }
    }

    /// Takes what was negotiated; a running stream of the same format goes on.
    pub(super) fn describe(&mut self, format: Format, event_format: Option<EventFormat>) {
        let sound = |format: Format| (format.kind, format.rate);
        if self.format.map(sound) != Some(sound(format)) {
            let before = self.format.filter(|before| before.clock() == format.clock());
            // Between codecs of one clock the sound goes on where it is; what is still under way can be heard if its samples
            // are the call's.
            self.timeline = self.timeline.filter(|_| before.is_some());
            self.before =
                before.filter(|before| before.rate == format.rate && before.payload_type != format.payload_type);
            self.decoder = None;
        }
        (self.format, self.event_format) = (Some(format), event_format);
    }

    /// Speaks at another rate from here on.
    pub(super) fn retune(&mut self, rate: Rate) {
        if let Some(format) = self.format.filter(|format| format.rate != format.at(rate).rate) {
            self.describe(format.at(rate), self.event_format);
        }
    }

    /// Whether packets of this payload type are expected.
    pub(super) fn expects(&self, payload_type: u8) -> bool {
        let audio = |format: &Option<Format>| format.is_some_and(|format| format.payload_type == payload_type);
        audio(&self.format)
            || audio(&self.before)
            || audio(&self.other_law())
            || self.event_format.is_some_and(|format| format.is(payload_type))
            || self.is_comfort(payload_type)
    }

    /// RFC 3389: a static number, beside all that counts at 8000. Some send it without a word in their description.
    fn is_comfort(&self, payload_type: u8) -> bool {
        payload_type == COMFORT_NOISE && self.format.is_some_and(|format| format.clock() == TICKS)
    }

    /// Takes a packet. Sound is only decoded when it is `audible`; events always count.
    pub(super) fn accept(&mut self, packet: &Packet<'_>, audible: bool, now: Instant, heard: &mut Heard) {
        if !self.expects(packet.payload_type) {
            heard.dropped = Some(DropReason::RtpPayloadType);
            return;
        }
        self.follow(packet.payload_type);
        let number = match self.reception.count(packet, self.clock(), now) {
            Arrival::Sequel(number) => number,
            Arrival::First(number) => {
                self.buffer.restart();
                self.timeline = None;
                number
            }
            Arrival::Stray => {
                heard.dropped = Some(DropReason::RtpStray);
                return;
            }
        };
        match self.buffer.insert(number, packet, now) {
            Turn::Now { lost } => self.play(Item::of(packet, lost), audible, now, heard),
            Turn::Late => self.reception.count_late(),
            Turn::Later | Turn::Duplicate => {}
        }
        self.drain(audible, now, heard);
    }

    /// Both of two codecs may come around a change, and both laws of G.711 at any time: whichever does is decoded.
    fn follow(&mut self, payload_type: u8) {
        let is_event = self.event_format.is_some_and(|format| format.is(payload_type)) || self.is_comfort(payload_type);
        let is_known = [self.format, self.before].into_iter().flatten().any(|known| known.payload_type == payload_type);
        if !is_event && !is_known {
            self.before = self.other_law();
        }
        if self.before.is_some_and(|before| before.payload_type == payload_type) {
            core::mem::swap(&mut self.format, &mut self.before);
            self.decoder = None;
        }
    }

    fn other_law(&self) -> Option<Format> {
        self.format.and_then(Format::other_law)
    }

    /// Counts a packet that nobody is to hear.
    pub(super) fn ignore(&mut self, packet: &Packet<'_>, now: Instant) {
        if self.expects(packet.payload_type) {
            self.reception.count(packet, self.clock(), now);
        }
        self.pause();
    }

    /// What is playing ends here; the next packet begins anew.
    pub(super) fn pause(&mut self) {
        self.buffer.restart();
        self.timeline = None;
    }

    pub(super) fn handle_timeout(&mut self, audible: bool, now: Instant, heard: &mut Heard) {
        if let Some(progress) = self.events.handle_timeout(now) {
            self.event_progress(progress, now, heard);
        }
        self.drain(audible, now, heard);
        if !audible {
            self.timeline = None;
        } else if self.is_filling() {
            self.fill(now, heard);
        }
    }

    /// Whether pauses of this leg are made up for by time: always, or while its sender wants noise to be heard.
    fn is_filling(&self) -> bool {
        self.fills || self.timeline.is_some_and(|timeline| timeline.comfort.is_some())
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let due = self.timeline.and_then(|timeline| timeline.due).filter(|_| self.is_filling());
        [self.buffer.next_timeout(), due, self.events.next_timeout()].into_iter().flatten().min()
    }

    /// Of the payload's time stamps.
    pub(super) fn clock(&self) -> u32 {
        self.format.map_or(8_000, Format::clock)
    }

    /// Samples in one tick.
    fn factor(&self) -> usize {
        self.format.map_or(1, |format| format.rate.factor())
    }

    fn ratio(&self) -> u32 {
        self.format.map_or(1, Format::ratio)
    }

    fn drain(&mut self, audible: bool, now: Instant, heard: &mut Heard) {
        while let Some((lost, held)) = self.buffer.pop(now) {
            self.play(Item::held(&held, lost), audible, now, heard);
            self.buffer.recycle(held);
        }
    }

    fn play(&mut self, item: Item<'_>, audible: bool, now: Instant, heard: &mut Heard) {
        if self.event_format.is_some_and(|format| format.is(item.payload_type)) {
            self.event(item, now, heard);
        } else if audible && self.is_comfort(item.payload_type) {
            self.comfort(item, now, heard);
        } else if audible {
            self.audio(item, now, heard);
        } else {
            self.timeline = None;
        }
    }

    /// Ticks from where the sound stands to a packet's.
    fn gap(&self, item: Item<'_>) -> Option<i32> {
        self.timeline.map(|timeline| item.timestamp.wrapping_sub(timeline.next) as i32 / self.ratio() as i32)
    }

    /// The sender goes silent and says how loudly (RFC 3389): it is made up for by time, until the next packet.
    fn comfort(&mut self, item: Item<'_>, now: Instant, heard: &mut Heard) {
        let Some(level) = NoiseLevel::of(item.payload) else {
            heard.dropped = Some(DropReason::RtpPayload);
            return;
        };
        let gap = self.gap(item);
        match gap {
            Some(gap @ 1..=MAX_GAP) => self.bridge(gap as u32, item, heard),
            Some(MOST_BEHIND..=0) => {}
            _ => heard.restart(),
        }
        // What was made up already stays so.
        let made_up = gap.filter(|gap| (MOST_BEHIND..0).contains(gap)).map_or(0, i32::unsigned_abs);
        let from = Item { timestamp: item.timestamp.wrapping_add(made_up * self.ratio()), ..item };
        self.stand_after(from, 0, SILENT_PATIENCE, now);
        if let Some(timeline) = &mut self.timeline {
            (timeline.packet, timeline.comfort) = (FILL, Some(level));
        }
    }

    fn audio(&mut self, item: Item<'_>, now: Instant, heard: &mut Heard) {
        let gap = self.gap(item);
        let overlap = match gap {
            Some(0) => 0,
            Some(gap @ 1..=MAX_GAP) => {
                self.bridge(gap as u32, item, heard);
                0
            }
            Some(gap @ MOST_BEHIND..0) => match self.overlap(gap.unsigned_abs(), now) {
                Some(overlap) => overlap,
                None => return self.reception.count_late(),
            },
            _ => {
                heard.restart();
                0
            }
        };
        if self.passes_on {
            return self.forward(item, now, heard);
        }
        self.decode(item, overlap as usize, now, heard);
    }

    /// How many ticks of a packet whose place was partly filled are to be left out; none when all of it is.
    fn overlap(&mut self, behind: u32, now: Instant) -> Option<u32> {
        let timeline = self.timeline.as_mut()?;
        if timeline.after_event {
            return Some(0);
        }
        if let Some(due) = timeline.due.filter(|_| timeline.fills > 0 && !timeline.is_silent) {
            self.patience.learn(timeline.waited, (now + length(behind)).since(due), now);
        }
        if behind < timeline.packet {
            return Some(behind);
        }
        let since = *timeline.covered_since.get_or_insert(now);
        (now.since(since) >= MAX_COVERED).then_some(0)
    }

    /// Sound for a gap that ends with `item`.
    fn bridge(&mut self, gap: u32, item: Item<'_>, heard: &mut Heard) {
        let after_event = self.timeline.is_some_and(|timeline| timeline.after_event);
        let comfort = self.timeline.and_then(|timeline| timeline.comfort).filter(|_| item.lost == 0);
        if let Some(level) = comfort.filter(|_| gap <= MAX_CONCEALED) {
            let from = heard.samples.len();
            self.noise.fill(level, gap as usize * self.factor(), &mut heard.samples);
            return heard.audio_since(from);
        }
        if after_event || (item.lost == 0 && (!self.fills || self.passes_on)) {
            return heard.skip(gap);
        }
        if self.passes_on {
            return heard.lost(item.lost, gap);
        }
        let concealed = gap.min(MAX_CONCEALED);
        heard.skip(gap - concealed);
        let (from, missing) = (heard.samples.len(), concealed as usize * self.factor());
        let redundancy = (item.lost > 0).then_some(item.payload);
        if let Some(decoder) = self.decoder() {
            decoder.conceal(missing, redundancy, &mut heard.samples);
        }
        heard.audio_since(from);
    }

    fn forward(&mut self, item: Item<'_>, now: Instant, heard: &mut Heard) {
        match opus_ticks(item.payload) {
            Some(ticks) => {
                heard.payload(item.payload, ticks);
                self.stand_after(item, ticks, PASSING_PATIENCE, now);
            }
            None => heard.dropped = Some(DropReason::RtpPayload),
        }
    }

    fn decode(&mut self, item: Item<'_>, overlap: usize, now: Instant, heard: &mut Heard) {
        let (from, factor) = (heard.samples.len(), self.factor());
        let usual = self.timeline.map_or(FILL, |timeline| timeline.packet) as usize * factor;
        let Some(decoder) = self.decoder() else {
            return;
        };
        if decoder.decode(item.payload, &mut heard.samples).is_err() {
            heard.dropped = Some(DropReason::RtpPayload);
            decoder.conceal(usual, None, &mut heard.samples);
        }
        let count = heard.samples.len() - from;
        let ticks = (count / factor) as u32;
        heard.samples.drain(from..from + (overlap * factor).min(count));
        heard.audio_since(from);
        let patience = if item.is_silent() { SILENT_PATIENCE } else { self.patience.wait(now) };
        self.stand_after(item, ticks, patience, now);
    }

    /// The sound stands behind `item`.
    fn stand_after(&mut self, item: Item<'_>, ticks: u32, patience: Duration, now: Instant) {
        self.timeline = Some(Timeline {
            next: item.timestamp.wrapping_add(ticks * self.ratio()),
            packet: ticks,
            due: Some(now + length(ticks) + patience),
            waited: patience,
            fills: 0,
            covered_since: None,
            is_silent: item.is_silent(),
            after_event: false,
            comfort: None,
        });
    }

    fn fill(&mut self, now: Instant, heard: &mut Heard) {
        for _ in 0..MAX_FILLS {
            let Some(due) = self.timeline.and_then(|timeline| timeline.due).filter(|due| *due <= now) else {
                return;
            };
            let from = heard.samples.len();
            self.fill_once(&mut heard.samples);
            heard.audio_since(from);
            self.advance(FILL, Some(due + FILL_TIME));
        }
        if let Some(due) = self.timeline.and_then(|timeline| timeline.due).filter(|due| *due <= now) {
            let missed = (now.since(due).as_millis() / FILL_TIME.as_millis()) as u32 + 1;
            heard.skip(missed * FILL);
            self.advance(missed * FILL, Some(due + FILL_TIME * missed));
        }
    }

    fn fill_once(&mut self, samples: &mut Vec<i16>) {
        let (fills, comfort) = self.timeline.map_or((0, None), |timeline| (timeline.fills, timeline.comfort));
        let count = FILL as usize * self.factor();
        match (&mut self.decoder, comfort) {
            (_, Some(level)) => self.noise.fill(level, count, samples),
            (Some(decoder), None) if fills < CODEC_FILLS => decoder.conceal(count, None, samples),
            _ => self.noise.fill(NoiseLevel::SOFT, count, samples),
        }
    }

    fn advance(&mut self, ticks: u32, due: Option<Instant>) {
        let ratio = self.ratio();
        if let Some(timeline) = &mut self.timeline {
            timeline.next = timeline.next.wrapping_add(ticks * ratio);
            timeline.fills = timeline.fills.saturating_add(1);
            timeline.due = due;
        }
    }

    fn event(&mut self, item: Item<'_>, now: Instant, heard: &mut Heard) {
        let (Some(payload), Some(format)) = (Payload::parse(item.payload), self.event_format) else {
            heard.dropped = Some(DropReason::RtpPayload);
            return;
        };
        let news = self.events.accept(item.timestamp, payload, format.rate, now);
        news.into_iter().flatten().for_each(|progress| self.event_progress(progress, now, heard));
    }

    /// While an event lasts it stands for the sound, unless the sender goes on with both.
    fn event_progress(&mut self, progress: Progress, now: Instant, heard: &mut Heard) {
        heard.event(progress);
        let Some(timeline) = &mut self.timeline else {
            return;
        };
        if !progress.end {
            (timeline.after_event, timeline.due) = (timeline.after_event || progress.first, None);
            return;
        }
        let ticks = (progress.duration.as_micros() * u128::from(TICKS) / 1_000_000) as u32;
        if timeline.after_event || progress.first {
            timeline.after_event = true;
            heard.skip(ticks);
            let due = now + self.patience.wait(now);
            self.advance(ticks, Some(due));
        }
    }

    fn decoder(&mut self) -> Option<&mut Box<dyn Decoder>> {
        if self.decoder.is_none() {
            self.decoder = self.format.and_then(|format| format.decoder(&self.shelf).ok());
        }
        self.decoder.as_mut()
    }
}

/// How long so many ticks are.
const fn length(ticks: u32) -> Duration {
    Duration::from_micros(ticks as u64 * 125)
}

impl<'a> Item<'a> {
    const fn is_silent(&self) -> bool {
        self.payload.len() <= DTX_PAYLOAD
    }

    fn of(packet: &Packet<'a>, lost: u64) -> Self {
        let Packet { payload_type, timestamp, payload, .. } = *packet;
        Self { payload_type, timestamp, payload, lost }
    }

    fn held(held: &'a Held, lost: u64) -> Self {
        let Held { payload_type, timestamp, payload, .. } = held;
        Self { payload_type: *payload_type, timestamp: *timestamp, payload, lost }
    }
}
