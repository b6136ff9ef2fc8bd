//! One call: a browser and a phone that both talk without a pause, and what each hears.

use crate::Fallible;
use crate::browser::{Browser, Identity};
use crate::delay::Path;
use crate::ear::Ear;
use crate::options::{Codec, Loss, Options};
use crate::sdp;
use crate::server::Exchange;
use crate::speech::{Shape, Speech};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::Instant;

/// Calls whose sound is kept: enough for a median, few enough to cost nothing.
const KEPT: usize = 4;
/// Packets between the beginnings of two calls in the same speech.
const STAGGER: usize = 37;

type Payloads = Rc<Vec<Vec<u8>>>;

/// Speech that was encoded once for all calls.
#[derive(Default)]
pub(crate) struct Shelf(HashMap<(&'static str, Option<u32>, u32), Payloads>);

/// A running call.
pub(crate) struct Call {
    pub(crate) browser: Browser,
    pub(crate) phone: UdpSocket,
    target: SocketAddr,
    from_web: Mouth,
    from_trunk: Mouth,
    pub(crate) at_web: Ear,
    pub(crate) at_trunk: Ear,
}

/// The sending end of one direction.
pub(crate) struct Mouth {
    payloads: Payloads,
    first: usize,
    pub(crate) said: usize,
    pub(crate) sent: u64,
    /// When each packet left, or would have left.
    left: Option<Vec<Instant>>,
    payload_type: u8,
    step: u32,
    ssrc: u32,
    drops: Drops,
}

/// Packets that get lost on the way: two states, as bursts have (Gilbert 1960), the same for each server.
struct Drops {
    begins: f64,
    ends: f64,
    is_losing: bool,
    random: u64,
}

impl Call {
    pub(crate) fn set_up(
        index: usize,
        exchange: &mut Exchange,
        identity: &Identity,
        speech: &Speech,
        shelf: &mut Shelf,
        options: &Options,
    ) -> Fallible<Self> {
        let mut browser = Browser::new(index, identity)?;
        let phone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let offer = sdp::web_offer(browser.address, options.web, &browser.ice.local, &identity.fingerprint());
        let placed = exchange.place(&offer, &phone, options)?;
        browser.connect(&placed.answer, identity)?;
        phone.set_nonblocking(true)?;
        let asked = sdp::max_playback_rate(&placed.answer).filter(|_| !options.full_band);
        let first = index * STAGGER % speech.frames();
        let (web, trunk, keeps) = (options.web, options.trunk, index < KEPT || options.record.is_some());
        let loss = options.losses[index % options.losses.len()];
        let from_web = Shape { max_rate: asked, loss: loss.percent };
        let from_trunk = Shape { max_rate: None, loss: loss.percent };
        let mouth = |payloads, payload_type, codec: Codec, seed: u64| Mouth {
            payloads,
            first,
            said: 0,
            sent: 0,
            left: keeps.then(Vec::new),
            payload_type,
            step: codec.step(),
            ssrc: 0x10AD_0000 + (2 * index) as u32 + (seed as u32 & 1),
            drops: Drops::new(loss, seed + index as u64 * 2),
        };
        Ok(Self {
            browser,
            phone,
            target: placed.target,
            from_web: mouth(shelf.take(speech, web, from_web)?, web.payload_type(), web, 1),
            from_trunk: mouth(shelf.take(speech, trunk, from_trunk)?, placed.payload_type, trunk, 2),
            at_web: Ear::new(web, keeps),
            at_trunk: Ear::new(trunk, keeps),
        })
    }

    pub(crate) fn speak_web(&mut self, packet: &mut Vec<u8>) -> Fallible<()> {
        if self.from_web.next(packet) { self.browser.send(packet) } else { Ok(()) }
    }

    pub(crate) fn speak_trunk(&mut self, packet: &mut Vec<u8>) -> Fallible<()> {
        if self.from_trunk.next(packet) {
            self.phone.send_to(packet, self.target)?;
        }
        Ok(())
    }

    /// Reads what has come for the browser.
    pub(crate) fn hear_web(&mut self, buffer: &mut [u8]) -> Fallible<()> {
        while let Ok(length) = self.browser.socket.recv(buffer) {
            let (now, bytes) = (Instant::now(), buffer.get(..length).unwrap_or_default());
            match bytes {
                // RTCP shares the port (RFC 5761 §4).
                [128..=191, 192..=223, ..] => {}
                [128..=191, ..] if self.at_web.keeps() => {
                    let plain = self.browser.unprotect(bytes)?;
                    self.at_web.hear(&plain, now);
                }
                [128..=191, ..] => self.at_web.hear(bytes, now),
                [0..=3, ..] => {
                    let answer = self.browser.ice.answer(bytes, self.target)?;
                    if let Some(answer) = answer {
                        self.browser.socket.send(&answer)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads what has come for the phone.
    pub(crate) fn hear_trunk(&mut self, buffer: &mut [u8]) {
        while let Ok((length, _)) = self.phone.recv_from(buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            if matches!(bytes, [128..=191, ..]) {
                self.at_trunk.hear(bytes, Instant::now());
            }
        }
    }

    /// Counts from here on.
    pub(crate) fn mark(&mut self) {
        (self.from_web.sent, self.from_trunk.sent) = (0, 0);
        self.at_web.mark();
        self.at_trunk.mark();
    }

    /// Both directions, browser to phone first.
    pub(crate) const fn directions(&self) -> [(&Mouth, &Ear); 2] {
        [(&self.from_web, &self.at_trunk), (&self.from_trunk, &self.at_web)]
    }
}

impl Shelf {
    fn take(&mut self, speech: &Speech, codec: Codec, shape: Shape) -> Fallible<Payloads> {
        let key = (codec.name(), shape.max_rate, shape.loss.round() as u32);
        if let Some(payloads) = self.0.get(&key) {
            return Ok(payloads.clone());
        }
        let payloads = Rc::new(speech.encode(codec, shape)?);
        self.0.insert(key, payloads.clone());
        Ok(payloads)
    }
}

impl Mouth {
    /// Writes the next packet, without its protection; false when it gets lost.
    fn next(&mut self, packet: &mut Vec<u8>) -> bool {
        let at = (self.first + self.said) % self.payloads.len().max(1);
        let number = self.said as u32;
        self.said += 1;
        self.sent += 1;
        if let Some(left) = &mut self.left {
            left.push(Instant::now());
        }
        packet.clear();
        packet.extend_from_slice(&[0x80, self.payload_type]);
        packet.extend_from_slice(&(number as u16).to_be_bytes());
        packet.extend_from_slice(&number.wrapping_mul(self.step).to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(self.payloads.get(at).map_or(&[], Vec::as_slice));
        !self.drops.next()
    }

    /// What was said and heard, where it was kept.
    pub(crate) fn path<'a>(
        &'a self,
        speech: &'a Speech,
        heard: &'a [i16],
        places: &'a [(usize, Instant)],
    ) -> Option<Path<'a>> {
        let sent = self.left.as_deref()?;
        Some(Path { speech: &speech.narrow, first: self.first, sent, heard, places })
    }
}

impl Drops {
    fn new(Loss { percent, burst }: Loss, seed: u64) -> Self {
        let (lost, ends) = (percent / 100.0, 1.0 / burst.max(1.0));
        Self { begins: lost * ends / (1.0 - lost), ends, is_losing: false, random: seed }
    }

    fn next(&mut self) -> bool {
        if self.begins == 0.0 {
            return false;
        }
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = (self.random >> 33) as f64 / f64::from(1_u32 << 31);
        self.is_losing = if self.is_losing { chance >= self.ends } else { chance < self.begins };
        self.is_losing
    }
}
