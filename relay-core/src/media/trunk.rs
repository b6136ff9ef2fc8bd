//! The PBX's transport: RTP and RTCP on a pair of ports (RTP/AVP, RFC 3551), encrypted where keys were agreed (RFC 4568).
//!
//! Of encrypted RTP only what is authentic can be believed: a source is learned from nothing else.

use super::control::{MediaId, SrtpKeys, TrunkRemote};
use super::drops::DropReason;
use super::dtls::Identity;
use super::latch::{Latch, is_target};
use super::rtp::Packet;
use super::srtp::Srtp;
use super::transmits::{Port, Transmits};
use bytes::BytesMut;
use core::net::SocketAddr;
use sip_core::{Duration, Instant};

/// One call's transport to its PBX.
pub(super) struct TrunkTransport {
    id: MediaId,
    /// Our own RTP address as the PBX knows it.
    local: SocketAddr,
    latch: Option<Latch>,
    rtcp: Option<SocketAddr>,
    heard: Option<Instant>,
    silent: bool,
    /// What was agreed, and what encrypts by it: where that cannot be made, nothing passes rather than plain text.
    srtp: Option<(SrtpKeys, Option<Srtp>)>,
}

impl TrunkTransport {
    pub(super) fn new(id: MediaId, local: SocketAddr) -> Self {
        Self { id, local, latch: None, rtcp: None, heard: None, silent: false, srtp: None }
    }

    /// Takes the description; another address un-latches, and is told of.
    pub(super) fn describe(&mut self, remote: &TrunkRemote, now: Instant) -> bool {
        let moved = self.signalled() != Some(remote.rtp);
        if moved {
            self.latch = Some(Latch::new(remote.rtp, remote.signalling));
        }
        self.rtcp = Some(remote.rtcp);
        (self.heard, self.silent) = (Some(now), false);
        moved
    }

    /// Takes the keys of a description. The same keys are the same streams; another of the PBX's leaves ours as it was.
    pub(super) fn agree_on(&mut self, keys: Option<SrtpKeys>, identity: &Identity) {
        let before = self.srtp.take();
        self.srtp = keys.map(|keys| {
            let srtp = match before {
                Some((old, Some(srtp))) if old == keys => Some(srtp),
                Some((old, Some(srtp))) if old.local == keys.local => srtp.rekey(&keys, identity.provider()),
                _ => Srtp::sdes(&keys, identity.provider()),
            };
            (keys, srtp)
        });
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.srtp.is_some()
    }

    /// What an RTP packet says, where keys were agreed.
    pub(super) fn unprotect_rtp(&mut self, bytes: &[u8], identity: &Identity) -> Option<Result<BytesMut, DropReason>> {
        let (_, srtp) = self.srtp.as_mut()?;
        let plain = srtp.as_mut().and_then(|srtp| srtp.unprotect_rtp(bytes, identity.provider()).ok());
        Some(plain.ok_or(DropReason::SrtpNotAuthentic))
    }

    /// What an RTCP packet says, where keys were agreed.
    pub(super) fn unprotect_rtcp(&mut self, bytes: &[u8], identity: &Identity) -> Option<Result<BytesMut, DropReason>> {
        let (_, srtp) = self.srtp.as_mut()?;
        let plain = srtp.as_mut().and_then(|srtp| srtp.unprotect_rtcp(bytes, identity.provider()).ok());
        Some(plain.ok_or(DropReason::SrtpNotAuthentic))
    }

    /// Whether a valid RTP packet from `source` may pass.
    pub(super) fn admit(&mut self, source: SocketAddr, now: Instant) -> Result<(), DropReason> {
        let latch = self.latch.as_mut().ok_or(DropReason::TrunkEarly)?;
        if !latch.admits(source, now) {
            return Err(DropReason::TrunkForeign);
        }
        (self.heard, self.silent) = (Some(now), false);
        Ok(())
    }

    /// Whether RTCP from `source` may pass: from the host that is believed or signalled.
    pub(super) fn admit_rtcp(&mut self, source: SocketAddr, now: Instant) -> Result<(), DropReason> {
        let latch = self.latch.ok_or(DropReason::TrunkEarly)?;
        let hosts = [latch.target().ip(), latch.signalled().ip()];
        if !hosts.contains(&source.ip()) {
            return Err(DropReason::TrunkForeign);
        }
        (self.heard, self.silent) = (Some(now), false);
        Ok(())
    }

    pub(super) fn send_rtp(
        &mut self,
        packet: &Packet<'_>,
        plain: &mut Vec<u8>,
        transmits: &mut Transmits,
    ) -> Result<(), DropReason> {
        let to = self.latch.map(|latch| latch.target()).filter(|to| self.may_send(*to));
        let to = to.ok_or(DropReason::TrunkTarget)?;
        let Some((_, srtp)) = &mut self.srtp else {
            transmits.push(Port::TrunkRtp(self.id), to, &[&packet.header(), packet.payload]);
            return Ok(());
        };
        plain.clear();
        plain.extend_from_slice(&packet.header());
        plain.extend_from_slice(packet.payload);
        if let Some(protected) = srtp.as_mut().and_then(|srtp| srtp.protect_rtp(packet, plain)) {
            transmits.push(Port::TrunkRtp(self.id), to, &[&protected]);
        }
        Ok(())
    }

    pub(super) fn send_rtcp(&mut self, compound: &[u8], transmits: &mut Transmits) {
        let Some(to) = self.rtcp_target().filter(|to| self.may_send(*to)) else { return };
        match &mut self.srtp {
            None => transmits.push(Port::TrunkRtcp(self.id), to, &[compound]),
            Some((_, srtp)) => {
                if let Some(protected) = srtp.as_mut().and_then(|srtp| srtp.protect_rtcp(compound)) {
                    transmits.push(Port::TrunkRtcp(self.id), to, &[&protected]);
                }
            }
        }
    }

    /// The address in the last description.
    pub(super) fn signalled(&self) -> Option<SocketAddr> {
        self.latch.map(|latch| latch.signalled())
    }

    pub(super) fn is_described(&self) -> bool {
        self.latch.is_some()
    }

    /// True once per silence: nothing came for `limit`.
    pub(super) fn falls_silent(&mut self, limit: Duration, now: Instant) -> bool {
        let falls = self.silent_at(limit).is_some_and(|at| now >= at);
        self.silent |= falls;
        falls
    }

    pub(super) fn silent_at(&self, limit: Duration) -> Option<Instant> {
        self.heard.filter(|_| !self.silent).map(|heard| heard + limit)
    }

    /// Nothing is expected now: silence is counted from here.
    pub(super) fn excuse_silence(&mut self, now: Instant) {
        (self.heard, self.silent) = (self.heard.map(|_| now), false);
    }

    /// The described one, or beside the RTP of whom we believe instead.
    fn rtcp_target(&self) -> Option<SocketAddr> {
        let latch = self.latch?;
        let target = latch.target();
        if target == latch.signalled() {
            return self.rtcp;
        }
        Some(SocketAddr::new(target.ip(), target.port().checked_add(1)?))
    }

    /// A description that points back at ourselves would make a loop.
    fn may_send(&self, to: SocketAddr) -> bool {
        is_target(to) && to != self.local
    }
}
