//! One relayed call: its two legs, its media, and how far it has come.
//!
//! "Leg" is our word, used only here: the web leg is the session with the browser, the trunk leg the session with
//! the PBX (RFC 3261 §6 calls each of them a dialog).

use super::calls::Attempt;
use super::config::NextHop;
use super::sdp_bridge::{TrunkSdp, WebSdp};
use crate::media::control::{Fingerprint, IceCredentials, MediaId, MediaReport, Side, WebRemote};
use core::net::SocketAddr;
use sip_core::Instant;
use sip_core::agent::SessionId;
use sip_core::message::{Request, StatusCode};

/// Which side called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallDirection {
    /// The browser called the PBX.
    Outbound,
    /// The PBX called the browser.
    Inbound,
}

/// A call between a browser and a PBX.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) media: MediaId,
    pub(super) direction: CallDirection,
    pub(super) web: Option<SessionId>,
    pub(super) trunk: Option<SessionId>,
    pub(super) stage: Stage,
    pub(super) ice: IceCredentials,
    pub(super) room: Option<MediaRoom>,
    pub(super) deadline: Option<Instant>,
    /// Grows with each description we write on either leg.
    pub(super) sdp_version: u64,
    pub(super) is_media_closed: bool,
    pub(super) record: CallRecord,
}

/// How far a call has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// The browser's INVITE waits for RTP ports and for the PBX's address.
    Preparing(Box<Preparing>),
    /// The PBX's INVITE waits for RTP ports.
    PreparingInbound {
        request: Box<Request>,
        /// None for a delayed offer: ours goes out with the 200.
        offer: Option<TrunkSdp>,
    },
    /// The trunk leg is called.
    Calling(Box<Calling>),
    /// The web leg is called.
    Ringing { offer: Option<TrunkSdp> },
    /// Both legs answered.
    Talking(Box<Talk>),
    /// One leg is over and the other was told; the media's last report is awaited.
    Ending,
}

/// A browser's INVITE that cannot go on yet.
#[derive(Debug)]
pub(super) struct Preparing {
    pub(super) request: Box<Request>,
    pub(super) offer: WebSdp,
    pub(super) next_hop: NextHop,
    pub(super) address: Option<SocketAddr>,
}

/// A trunk leg that is called.
#[derive(Debug)]
pub(super) struct Calling {
    /// What the browser gets in each of our responses, the same in all.
    pub(super) answer: String,
    pub(super) offer: WebSdp,
    /// What media is not told before the browser has our answer: its time for ICE begins with it.
    pub(super) untold: Option<WebRemote>,
    /// What the PBX described before it answered: it plays something.
    pub(super) early: Option<TrunkSdp>,
    /// How the browser would call again, with credentials.
    pub(super) attempt: Attempt,
    /// Call-ID, From tag and CSeq of the trunk leg's INVITE.
    pub(super) trunk: (String, String, u32),
}

/// What both sides last agreed.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) web: WebSdp,
    /// None until the ACK of a delayed offer brings it.
    pub(super) trunk: Option<TrunkSdp>,
}

/// Where the call's media is reached.
#[derive(Clone, Debug)]
pub(super) struct MediaRoom {
    pub(super) trunk: SocketAddr,
    pub(super) web: Vec<SocketAddr>,
    pub(super) fingerprint: Fingerprint,
}

/// What is kept of a call when it is over.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The number of its media, which is in the logs of both legs.
    pub id: MediaId,
    /// Who called whom.
    pub direction: CallDirection,
    /// `From` without its tag.
    pub from: String,
    /// The Request-URI of the first INVITE.
    pub to: String,
    /// The first INVITE.
    pub started: Instant,
    /// The 200 to it, if there was one.
    pub answered: Option<Instant>,
    /// When the first leg ended.
    pub ended: Instant,
    /// The leg that ended first, or none when the relay ended it.
    pub ended_by: Option<Side>,
    /// The status the caller was refused with; none for an answered call.
    pub status: Option<StatusCode>,
    /// Why the relay ended it, or the reason phrase.
    pub reason: String,
    /// Both legs' counts.
    pub report: MediaReport,
}

impl Call {
    pub(super) fn leg(&self, side: Side) -> Option<SessionId> {
        match side {
            Side::Web => self.web,
            Side::Trunk => self.trunk,
        }
    }

    pub(super) fn leg_mut(&mut self, side: Side) -> &mut Option<SessionId> {
        match side {
            Side::Web => &mut self.web,
            Side::Trunk => &mut self.trunk,
        }
    }
}

/// The other side.
pub(super) const fn other(side: Side) -> Side {
    match side {
        Side::Web => Side::Trunk,
        Side::Trunk => Side::Web,
    }
}
