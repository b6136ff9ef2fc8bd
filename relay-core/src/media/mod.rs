//! One call's audio between a browser and a PBX, and the workers that many of them share. No I/O.
//!
//! [`MediaSession`] is an endpoint on both sides (what RFC 8079 asks of a B2BUA that terminates media): each leg has
//! its own SSRC, sequence numbers, RTCP and codec. [`Worker`] finds the session of a packet. The host hands in
//! datagrams and the time, and drains what is to be sent, what happened, and the next deadline.
//!
//! ```text
//! browser  STUN ── ice     (valid address)                     PBX
//!          DTLS ── dtls    (keys, fingerprint)
//!          SRTP ── srtp ── rtp ── intake ── outlet ── rtp ──── RTP
//!          SRTP ── srtp ── rtp ── outlet ── intake ── rtp ── latch ── RTP
//! ```
//! Where a PBX has keys, srtp stands before its latch as well.
//!
//! Between intake and outlet goes sound, or, where both sides speak Opus, its payloads as they came.
//!
//! What it does not do: sockets, SDP, signalling, video.

mod client_hello;
mod commands;
mod config;
pub mod control;
mod digits;
mod drops;
mod dtls;
mod early;
mod heard;
mod ice;
mod intake;
mod jitter_buffer;
mod latch;
mod outlet;
mod overload;
mod patience;
mod payload;
mod reception;
mod reports;
mod rtcp;
mod rtp;
mod srtp;
mod stun;
mod telephone_event;
mod transmits;
mod trunk;
mod web;
mod worker;

pub use config::MediaSettings;
pub use control::*;
pub use drops::{DropReason, Drops};
pub use dtls::{Identity, IdentityError};
pub use overload::Busy;
pub use transmits::{Port, Transmit};
pub use worker::Worker;

use crate::codec::Rate;
use core::net::SocketAddr;
use early::EarlyRtp;
use heard::{Act, Heard};
use intake::Intake;
use outlet::Outlet;
use overload::Overload;
use payload::Kind;
use reception::Reception;
use reports::Reporter;
use rtp::{Packet, Protocol};
use sip_core::{Entropy, Instant};
use std::collections::VecDeque;
use stun::Request;
use transmits::Transmits;
use trunk::TrunkTransport;
use web::{News, WebTransport};

/// What all sessions of a worker share while one input is handled.
struct Bench {
    settings: MediaSettings,
    identity: std::sync::Arc<Identity>,
    transmits: Transmits,
    events: VecDeque<MediaEvent>,
    drops: Drops,
    overload: Overload,
    heard: Heard,
    plain: Vec<u8>,
}

/// The media of one call.
pub struct MediaSession {
    id: MediaId,
    web: WebTransport,
    web_leg: Leg,
    trunk: TrunkTransport,
    trunk_leg: Leg,
    /// Of the sound on its way from leg to leg.
    rate: Rate,
    /// Until both sides are there for the first time.
    early: Option<EarlyRtp>,
}

/// What both sides have alike.
struct Leg {
    intake: Intake,
    outlet: Outlet,
    direction: Direction,
    reporter: Reporter,
    rejected: u64,
}

impl MediaSession {
    fn new(id: MediaId, local: IceCredentials, trunk: SocketAddr, bench: &Bench, entropy: &mut Entropy) -> Self {
        let shelf = &bench.settings.codecs;
        let mut leg = |fills| Leg {
            intake: Intake::new(fills, entropy.number() as u32, shelf.clone()),
            outlet: Outlet::new(entropy.number(), shelf.clone()),
            direction: Direction { send: false, receive: false },
            reporter: Reporter::new(entropy.token(16), entropy.number()),
            rejected: 0,
        };
        let (web_leg, trunk_leg) = (leg(true), leg(false));
        let (web, trunk) = (WebTransport::new(local), TrunkTransport::new(id, trunk));
        Self { id, web, web_leg, trunk, trunk_leg, rate: Rate::default(), early: Some(EarlyRtp::default()) }
    }

    /// A datagram on the shared port, from an address that ICE has validated for this call.
    fn handle_web(&mut self, bytes: &[u8], bench: &mut Bench, now: Instant) {
        let handled = match Protocol::of(bytes) {
            Protocol::Dtls => self.web_dtls(bytes, bench, now),
            Protocol::Rtp => self.web_rtp(bytes, bench, now),
            Protocol::Rtcp => self.web_rtcp(bytes, bench, now),
            Protocol::Stun | Protocol::Unknown => Err(DropReason::UnknownProtocol),
        };
        self.web_leg.count_rejected(handled, bench);
    }

    /// SRTP from the browser becomes RTP to the PBX.
    fn web_rtp(&mut self, bytes: &[u8], bench: &mut Bench, now: Instant) -> Result<(), DropReason> {
        let plain = self.web.unprotect_rtp(bytes, &bench.identity)?;
        let packet = Packet::parse(&plain).map_err(|_| DropReason::RtpMalformed)?;
        if !self.web_leg.direction.receive {
            self.web_leg.intake.ignore(&packet, now);
            return Ok(());
        }
        bench.heard.clear();
        let audible = self.is_audible_on_trunk();
        self.web_leg.intake.accept(&packet, audible, now, &mut bench.heard);
        self.play_to_trunk(bench, now);
        bench.heard.dropped.map_or(Ok(()), Err)
    }

    /// Other ports of ours toward the PBX, before it has described anything for them.
    fn move_trunk(&mut self, trunk: SocketAddr) {
        self.trunk = TrunkTransport::new(self.id, trunk);
    }

    /// RTP from the PBX becomes SRTP to the browser.
    fn trunk_rtp(
        &mut self,
        source: SocketAddr,
        bytes: &[u8],
        bench: &mut Bench,
        now: Instant,
    ) -> Result<(), DropReason> {
        let plain = self.trunk.unprotect_rtp(bytes, &bench.identity).transpose()?;
        let packet = Packet::parse(plain.as_deref().unwrap_or(bytes)).map_err(|_| DropReason::RtpMalformed)?;
        if !self.trunk.is_described() {
            let room = self.early.as_mut().is_some_and(|early| early.keep(source, bytes, now));
            return room.then_some(()).ok_or(DropReason::TrunkEarly);
        }
        if !self.trunk_leg.intake.expects(packet.payload_type) {
            return Err(DropReason::RtpPayloadType);
        }
        self.trunk.admit(source, now)?;
        // What was encrypted cannot be kept as it came: it would be a replay when it is played.
        let may_wait = !self.web.is_connected() && !self.trunk.is_encrypted();
        if let Some(early) = self.early.as_mut().filter(|_| may_wait) {
            early.keep(source, bytes, now);
            self.trunk_leg.intake.ignore(&packet, now);
            return Ok(());
        }
        if !self.trunk_leg.direction.receive {
            self.trunk_leg.intake.ignore(&packet, now);
            return Ok(());
        }
        bench.heard.clear();
        let audible = self.is_audible_on_web();
        self.trunk_leg.intake.accept(&packet, audible, now, &mut bench.heard);
        self.play_to_web(bench, now);
        bench.heard.dropped.map_or(Ok(()), Err)
    }

    fn play_to_trunk(&mut self, bench: &mut Bench, now: Instant) {
        let Bench { heard, transmits, drops, events, plain, .. } = bench;
        tell_digits(self.id, Side::Web, heard, events);
        if !self.trunk_leg.direction.send {
            return;
        }
        let trunk = &mut self.trunk;
        self.trunk_leg.outlet.play(heard, now, &mut |packet| {
            if let Err(reason) = trunk.send_rtp(packet, plain, transmits) {
                drops.count(reason);
            }
        });
    }

    fn play_to_web(&mut self, bench: &mut Bench, now: Instant) {
        let Bench { heard, transmits, events, plain, overload, .. } = bench;
        tell_digits(self.id, Side::Trunk, heard, events);
        if !self.is_audible_on_web() {
            return;
        }
        let web = &mut self.web;
        self.web_leg.outlet.limit(overload.complexity());
        self.web_leg.outlet.play(heard, now, &mut |packet| web.send_rtp(packet, plain, transmits));
    }

    fn web_dtls(&mut self, bytes: &[u8], bench: &mut Bench, now: Instant) -> Result<(), DropReason> {
        let news = self.web.handle_dtls(bytes, &bench.identity, &mut bench.transmits, now)?;
        self.tell(news, bench, now);
        Ok(())
    }

    fn web_rtcp(&mut self, bytes: &[u8], bench: &mut Bench, now: Instant) -> Result<(), DropReason> {
        let plain = self.web.unprotect_rtcp(bytes, &bench.identity)?;
        self.web_leg.hear_reports(&plain, now)
    }

    /// A datagram on the call's RTP port.
    fn handle_trunk_rtp(&mut self, source: SocketAddr, bytes: &[u8], bench: &mut Bench, now: Instant) {
        let handled = self.trunk_rtp(source, bytes, bench, now);
        self.trunk_leg.count_rejected(handled, bench);
    }

    /// The PBX is described and the browser is there: what came before is heard now.
    fn play_early(&mut self, bench: &mut Bench, now: Instant) {
        let Some(source) = self.trunk.signalled().filter(|_| self.web.is_connected()) else {
            return;
        };
        let Some(early) = self.early.take() else {
            return;
        };
        let (packets, lost) = early.claim(source, now);
        if !packets.is_empty() {
            // They were counted as they came, and are counted again now.
            self.trunk_leg.intake.reception = Reception::default();
        }
        for bytes in packets {
            let handled = self.trunk_rtp(source, &bytes, bench, now);
            self.trunk_leg.count_rejected(handled, bench);
        }
        (0..lost).for_each(|_| self.trunk_leg.count_rejected(Err(DropReason::TrunkEarly), bench));
    }

    /// A datagram on the call's RTCP port.
    fn handle_trunk_rtcp(&mut self, source: SocketAddr, bytes: &[u8], bench: &mut Bench, now: Instant) {
        let handled = self.trunk_rtcp(source, bytes, bench, now);
        self.trunk_leg.count_rejected(handled, bench);
    }

    fn trunk_rtcp(&mut self, source: SocketAddr, bytes: &[u8], bench: &Bench, now: Instant) -> Result<(), DropReason> {
        let plain = self.trunk.unprotect_rtcp(bytes, &bench.identity).transpose()?;
        self.trunk.admit_rtcp(source, now)?;
        self.trunk_leg.hear_reports(plain.as_deref().unwrap_or(bytes), now)
    }

    /// A check that names our ufrag; its address may become valid.
    fn handle_check(
        &mut self,
        request: &Request<'_>,
        source: SocketAddr,
        bench: &mut Bench,
        now: Instant,
    ) -> Option<ice::Checked> {
        match self.web.handle_check(request, source, now) {
            Ok(checked) => {
                bench.transmits.push(Port::Web, source, &[checked.answer.as_bytes()]);
                self.web.start_dtls(&bench.settings, &bench.identity, &mut bench.transmits, now);
                Some(checked)
            }
            Err(reason) => {
                self.web_leg.count_rejected(Err(reason), bench);
                None
            }
        }
    }

    fn handle_timeout(&mut self, bench: &mut Bench, now: Instant) {
        let news = self.web.handle_timeout(&bench.settings, &bench.identity, &mut bench.transmits, now);
        self.tell(news, bench, now);
        self.handle_stream_timeouts(bench, now);
        self.handle_outlet_timeouts(bench, now);
        self.handle_report_timeouts(bench, now);
        self.handle_silence(bench, now);
    }

    fn handle_stream_timeouts(&mut self, bench: &mut Bench, now: Instant) {
        bench.heard.clear();
        let audible = self.is_audible_on_trunk();
        self.web_leg.intake.handle_timeout(audible, now, &mut bench.heard);
        self.play_to_trunk(bench, now);
        bench.heard.clear();
        let audible = self.is_audible_on_web();
        self.trunk_leg.intake.handle_timeout(audible, now, &mut bench.heard);
        self.play_to_web(bench, now);
    }

    fn handle_outlet_timeouts(&mut self, bench: &mut Bench, now: Instant) {
        let Bench { transmits, drops, plain, .. } = bench;
        let web = &mut self.web;
        self.web_leg.outlet.handle_timeout(now, &mut |packet| web.send_rtp(packet, plain, transmits));
        let trunk = &mut self.trunk;
        self.trunk_leg.outlet.handle_timeout(now, &mut |packet| {
            if let Err(reason) = trunk.send_rtp(packet, plain, transmits) {
                drops.count(reason);
            }
        });
    }

    fn handle_silence(&mut self, bench: &mut Bench, now: Instant) {
        if !self.trunk_leg.direction.receive {
            self.trunk.excuse_silence(now);
        } else if self.trunk.falls_silent(bench.settings.trunk_silence, now) {
            bench.events.push_back(MediaEvent::TrunkSilent { id: self.id });
        }
    }

    fn next_timeout(&self, bench: &Bench) -> Option<Instant> {
        let silence = self.trunk.silent_at(bench.settings.trunk_silence).filter(|_| self.trunk_leg.direction.receive);
        let deadlines = [
            self.web.next_timeout(&bench.settings, &bench.identity),
            self.web_leg.intake.next_timeout(),
            self.trunk_leg.intake.next_timeout(),
            self.trunk_leg.outlet.next_timeout(),
            self.web_leg.outlet.next_timeout(),
            self.web_leg.reporter.next_timeout(),
            self.trunk_leg.reporter.next_timeout(),
            silence,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// The call's rate is the PBX's codec's, unless the browser speaks G.711 without transcoding. What both speak alike, and
    /// each at the rate it likes, is passed on as it is.
    fn tune(&mut self, web: Option<Kind>, trunk: Option<Kind>) {
        let rate = trunk.map_or(Rate::Narrow, Kind::rate);
        // Who speaks one rate only decides.
        self.rate = web.and_then(Kind::only_rate).unwrap_or(rate);
        let passes = web == Some(Kind::Opus) && trunk == Some(Kind::Opus);
        for leg in [&mut self.web_leg, &mut self.trunk_leg] {
            leg.intake.pass_on(passes);
            leg.intake.retune(self.rate);
            leg.outlet.retune(self.rate);
        }
    }

    fn tell(&mut self, news: Option<News>, bench: &mut Bench, now: Instant) {
        let id = self.id;
        match news {
            None => {}
            Some(News::Connected) => {
                self.web_leg.reporter.start(bench.settings.rtcp_interval, now);
                bench.events.push_back(MediaEvent::WebConnected { id });
                self.play_early(bench, now);
            }
            Some(News::Failed(failure)) => {
                self.web_leg.reporter.stop();
                bench.events.push_back(MediaEvent::WebFailed { id, failure });
            }
        }
    }

    /// What the browser says can be heard by the PBX. While it is away, or another takes its place, that is noise: the
    /// PBX's stream goes on until signalling ends the call.
    fn is_audible_on_trunk(&self) -> bool {
        self.web_leg.direction.receive && self.trunk_leg.direction.send && self.trunk.is_described()
    }

    /// What the PBX says can be heard by the browser.
    fn is_audible_on_web(&self) -> bool {
        self.web.is_connected() && self.web_leg.direction.send && self.trunk_leg.direction.receive
    }
}

fn tell_digits(id: MediaId, from: Side, heard: &Heard, events: &mut VecDeque<MediaEvent>) {
    for act in heard.acts() {
        let Act::Event(progress) = act else { continue };
        if let Some(digit) = telephone_event::digit(progress.code).filter(|_| progress.end) {
            events.push_back(MediaEvent::Digit { id, from, digit, duration: progress.duration });
        }
    }
}

impl Leg {
    fn count_rejected(&mut self, handled: Result<(), DropReason>, bench: &mut Bench) {
        if let Err(reason) = handled {
            self.rejected += 1;
            bench.drops.count(reason);
        }
    }
}
