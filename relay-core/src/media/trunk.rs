//! The PBX's transport: plain RTP and RTCP on a pair of ports (RTP/AVP, RFC 3551).

use super::control::{MediaId, TrunkRemote};
use super::drops::DropReason;
use super::latch::{Latch, is_target};
use super::rtp::Packet;
use super::transmits::{Port, Transmits};
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
}

impl TrunkTransport {
    pub(super) fn new(id: MediaId, local: SocketAddr) -> Self {
        Self { id, local, latch: None, rtcp: None, heard: None, silent: false }
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

    pub(super) fn send_rtp(&self, packet: &Packet<'_>, transmits: &mut Transmits) -> Result<(), DropReason> {
        let to = self.latch.map(|latch| latch.target()).filter(|to| self.may_send(*to));
        let to = to.ok_or(DropReason::TrunkTarget)?;
        transmits.push(Port::TrunkRtp(self.id), to, &[&packet.header(), packet.payload]);
        Ok(())
    }

    pub(super) fn send_rtcp(&self, compound: &[u8], transmits: &mut Transmits) {
        if let Some(to) = self.rtcp_target().filter(|to| self.may_send(*to)) {
            transmits.push(Port::TrunkRtcp(self.id), to, &[compound]);
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
