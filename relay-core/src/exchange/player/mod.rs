//! What a number plays: one call's RTP as a value, without jitter buffer (the relay beside it sends in order).
//!
//! `echo` gives each packet back at once; everything else is made in frames of 20 ms. Drive it like every machine here:
//! after each call of a method, [`Player::poll_output`] until it returns [`PlayerOutput::Timeout`].

mod digits;
mod ivr;
mod music;
mod tone;

use crate::codec::{Encoder, G711Encoder};
use crate::media::control::G711Law;
use bytes::Bytes;
use core::net::SocketAddr;
use digits::DigitReader;
use ivr::Ivr;
use music::Music;
use rtc_rtp::header::Header;
use rtc_rtp::packet::Packet;
use rtc_shared::marshal::{Marshal, Unmarshal};
use sip_core::{Duration, Instant};
use std::collections::VecDeque;
use tone::Ringback;

/// Samples of one frame: 20 ms at 8 kHz.
pub const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);
/// A host that slept longer than this goes on from now instead of catching up.
const PATIENCE: Duration = Duration::from_millis(200);
/// Packets that may wait for the host.
const MAX_OUTPUTS: usize = 32;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// Each packet comes back.
    Echo,
    /// Chords and arpeggios, made up as they are played.
    Music,
    /// Digits come back as tones.
    Ivr,
    /// The ringing tone of an exchange.
    Ringback,
}

/// The other side, as its description shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it wants RTP; it must come from the same address.
    pub rtp: SocketAddr,
    /// Payload type 0 or 8 (RFC 3551).
    pub law: G711Law,
    /// The payload type of telephone-event/8000.
    pub telephone_event: Option<u8>,
    /// Whether it wants to hear anything now.
    pub receives: bool,
}

/// What the world is asked to do.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum PlayerOutput {
    /// Send one RTP packet.
    Transmit {
        /// To whom.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Nothing more now; come back at this moment.
    Timeout(Option<Instant>),
}

/// See the module.
#[derive(Debug)]
pub struct Player {
    source: Source,
    remote: Option<Remote>,
    digits: DigitReader,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    is_first: bool,
    next_frame: Option<Instant>,
    outputs: VecDeque<(SocketAddr, Vec<u8>)>,
    seed: u64,
}

#[derive(Debug)]
enum Source {
    Echo,
    Music(Box<Music>),
    Ivr(Box<Ivr>),
    Ringback(Ringback),
}

impl Source {
    fn new(application: Application, seed: u64) -> Self {
        match application {
            Application::Echo => Self::Echo,
            Application::Music => Self::Music(Box::new(Music::new(seed))),
            Application::Ivr => Self::Ivr(Box::default()),
            Application::Ringback => Self::Ringback(Ringback::default()),
        }
    }

    /// One frame; none where it has nothing to say by itself.
    fn frame(&mut self) -> Option<[i16; FRAME]> {
        match self {
            Self::Echo => None,
            Self::Music(music) => Some(core::array::from_fn(|_| music.sample())),
            Self::Ivr(ivr) => Some(core::array::from_fn(|_| ivr.sample())),
            Self::Ringback(ringback) => Some(core::array::from_fn(|_| ringback.sample())),
        }
    }
}

impl Player {
    /// A player that waits for its other side.
    #[must_use]
    pub fn new(application: Application, seed: u64) -> Self {
        let [a, b, c, d, e, f, ..] = seed.to_be_bytes();
        Self {
            source: Source::new(application, seed),
            remote: None,
            digits: DigitReader::default(),
            ssrc: u32::from_be_bytes([a, b, c, d]),
            sequence: u16::from_be_bytes([e, f]),
            timestamp: u32::from_be_bytes([c, d, e, f]),
            is_first: true,
            next_frame: None,
            outputs: VecDeque::new(),
            seed,
        }
    }

    /// Speaks to `remote` from now on.
    pub fn retarget(&mut self, remote: Remote, now: Instant) {
        self.remote = Some(remote);
        let next = self.next_frame.unwrap_or(now);
        self.next_frame = (!matches!(self.source, Source::Echo)).then_some(next);
    }

    /// Plays something else from now on.
    pub fn play(&mut self, application: Application, now: Instant) {
        self.source = Source::new(application, self.seed);
        if let Some(remote) = self.remote {
            self.retarget(remote, now);
        }
    }

    /// An RTP packet came. What is not RTP, or comes from elsewhere, is dropped.
    pub fn handle_datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        let Some(remote) = self.remote.filter(|remote| remote.rtp.ip() == from.ip()) else { return };
        let Ok(packet) = Packet::unmarshal(&mut Bytes::copy_from_slice(bytes)) else { return };
        let kind = packet.header.payload_type;
        let is_event = remote.telephone_event == Some(kind);
        if !is_event && kind != payload_type(remote.law) {
            return;
        }
        match &mut self.source {
            Source::Echo => self.echo(packet, remote),
            Source::Ivr(ivr) if is_event => {
                if let Some(digit) = self.digits.read(packet.header.timestamp, &packet.payload) {
                    ivr.digit(digit);
                }
            }
            Source::Ivr(_) | Source::Music(_) | Source::Ringback(_) => {}
        }
    }

    /// The moment of [`PlayerOutput::Timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.next_frame.filter(|due| *due <= now) {
            self.play_frame();
            let next = due + FRAME_TIME;
            self.next_frame = Some(if now.since(next) > PATIENCE { now } else { next });
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> PlayerOutput {
        match self.outputs.pop_front() {
            Some((to, bytes)) => PlayerOutput::Transmit { to, bytes },
            None => PlayerOutput::Timeout(self.next_frame),
        }
    }

    /// What [`PlayerOutput::Timeout`] would say.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Instant> {
        self.next_frame
    }

    /// The same packet, as one of our own stream.
    fn echo(&mut self, packet: Packet, remote: Remote) {
        let Packet { header, payload } = packet;
        let Header { marker, payload_type, timestamp, .. } = header;
        self.send(Header { marker, payload_type, timestamp, ..Header::default() }, payload, remote);
    }

    fn play_frame(&mut self) {
        let Some(samples) = self.source.frame() else { return };
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(FRAME as u32);
        let Some(remote) = self.remote else { return };
        let mut payload = vec![0; FRAME];
        if G711Encoder::new(remote.law).encode(&samples, &mut payload).is_ok() {
            let marker = core::mem::take(&mut self.is_first);
            let header = Header { marker, payload_type: payload_type(remote.law), timestamp, ..Header::default() };
            self.send(header, payload.into(), remote);
        }
    }

    fn send(&mut self, header: Header, payload: Bytes, remote: Remote) {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header { version: 2, sequence_number: self.sequence, ssrc: self.ssrc, ..header };
        let is_wanted = remote.receives && self.outputs.len() < MAX_OUTPUTS;
        if let Some(bytes) = (Packet { header, payload }).marshal().ok().filter(|_| is_wanted) {
            self.outputs.push_back((remote.rtp, bytes.to_vec()));
        }
    }
}

const fn payload_type(law: G711Law) -> u8 {
    match law {
        G711Law::Mu => 0,
        G711Law::A => 8,
    }
}
