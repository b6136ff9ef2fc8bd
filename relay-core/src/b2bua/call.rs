//! One relayed call: its two legs, its media, and how far it has come.
//!
//! "Leg" is our word, used only here: the web leg is the session with the browser, the trunk leg the session with
//! the PBX (RFC 3261 §6 calls each of them a dialog).

use super::calls::Attempt;
use super::farewell::Farewell;
use super::guards::Guess;
use super::guests::Stay;
use super::late_news::News;
use super::port::FlowFault;
use super::routes::{NextHop, Target};
use super::sdp_bridge::{OpusUse, Origin, TrunkSdp, WebSdp};
use super::terms::Terms;
use super::transfers::Crossed;
use crate::admission::Grant;
use crate::media::control::{Direction, Fingerprint, IceCredentials, MediaId, MediaReport, Side, WebRemote};
use core::net::SocketAddr;
use sip_core::Instant;
use sip_core::agent::SessionId;
use sip_core::message::{Request, StatusCode, Uri};
use std::collections::VecDeque;

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
    /// What may be spoken with the PBX: that of all trunks until it is known which one it is.
    pub(super) terms: Terms,
    pub(super) deadline: Option<Instant>,
    pub(super) described: DescribedLegs,
    /// The browser has said BYE.
    pub(super) farewell: Option<Farewell>,
    /// The PBX has our BYE and has not answered it.
    pub(super) is_trunk_told: bool,
    /// How the browser can have the PBX's digits.
    pub(super) digits: DigitsTaken,
    pub(super) is_media_closed: bool,
    /// A password in it that the PBX has not judged.
    pub(super) guess: Option<Guess>,
    /// Who calls with a token.
    pub(super) guest: Option<Stay>,
    /// The browser's address of record.
    pub(super) aor: Option<Uri>,
    /// It was registered when the call began.
    pub(super) is_registered: bool,
    /// REFERs that crossed, the newest last.
    pub(super) refers: Vec<Crossed>,
    /// Where a 3xx sent it away from.
    pub(super) elsewhere: Vec<Uri>,
    /// What the PBX still has to say of a transfer.
    pub(super) news: Option<News>,
    /// What the network said about the last address that was tried.
    pub(super) fault: Option<FlowFault>,
    pub(super) record: CallRecord,
}

/// How a browser can have the PBX's digits. A page learns nothing of telephone-events, and some pages say nothing of the
/// INFOs that they understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigitsTaken {
    /// As telephone-events, which it plays.
    Heard,
    /// Those that the PBX sends as `dtmf-relay` stay what they are: its Allow names INFO.
    AsTheyCome,
    /// All by INFO: its Accept names the body.
    AsInfo,
}

/// How far a call has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// The browser's INVITE waits for RTP ports and for the PBX's addresses.
    Preparing(Box<Preparing>),
    /// The PBX's INVITE waits for RTP ports.
    PreparingInbound {
        request: Box<Request>,
        /// None for a delayed offer: ours goes out with the 200.
        offer: Option<TrunkSdp>,
        /// The trunk leg whose place it takes (RFC 3891).
        replaces: Option<SessionId>,
    },
    /// The trunk leg is called.
    Calling(Box<Calling>),
    /// The web leg is called.
    Ringing {
        offer: Option<TrunkSdp>,
        /// What the browser has described before it answers.
        early: Option<Box<WebSdp>>,
    },
    /// Both legs answered; the browser's description is to come with its ACK.
    Describing(Box<TrunkSdp>),
    /// Both legs answered.
    Talking(Box<Talk>),
    /// One leg is over and the other was told; the media's last report is awaited.
    Ending,
}

/// A browser's INVITE that cannot go on yet.
#[derive(Debug)]
pub(super) struct Preparing {
    pub(super) request: Box<Request>,
    /// None for a delayed offer: ours goes out with our responses.
    pub(super) offer: Option<WebSdp>,
    pub(super) next_hop: NextHop,
    /// None until the DNS has answered.
    pub(super) route: Option<VecDeque<Target>>,
    /// The answer that the browser had already: another address was tried before.
    pub(super) told: Option<String>,
    /// What a guest may do, until somebody has decided on the call.
    pub(super) undecided: Option<Box<Grant>>,
}

/// A trunk leg that is called.
#[derive(Debug)]
pub(super) struct Calling {
    /// What the browser gets in each of our responses, the same in all.
    pub(super) answer: String,
    /// The browser's description; none until it has answered our offer.
    pub(super) offer: Option<WebSdp>,
    /// What media is not told before the browser has our answer: its time for ICE begins with it.
    pub(super) untold: Option<WebRemote>,
    /// What the PBX described before it answered: it plays something.
    pub(super) early: Option<TrunkSdp>,
    /// Which way our offer to the PBX lets media flow; the browser may have changed its mind since.
    pub(super) offered: Direction,
    /// How the browser would call again, with credentials.
    pub(super) attempt: Attempt,
    /// Call-ID, From tag and CSeq of the trunk leg's INVITE.
    pub(super) trunk: (String, String, u32),
    /// The browser's INVITE, for the next address.
    pub(super) request: Box<Request>,
    pub(super) next_hop: NextHop,
    /// The address that is being called.
    pub(super) target: Target,
    /// Those that are left.
    pub(super) route: VecDeque<Target>,
}

/// What both sides last agreed.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) web: WebSdp,
    /// None until the ACK of a delayed offer brings it.
    pub(super) trunk: Option<TrunkSdp>,
    /// Which way each party wants media to flow, seen from us.
    pub(super) wishes: Ways,
    /// Which way the last description of ours on each leg allowed, as far as the other party's wishes go.
    pub(super) told: Ways,
    /// An offer that is put to the other leg.
    pub(super) crossing: Option<Box<Crossing>>,
}

/// A direction for each leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) web: Direction,
    pub(super) trunk: Direction,
}

/// An offer of ours on one leg, mostly because of one on the other.
#[derive(Debug)]
pub(super) struct Crossing {
    /// The leg that has our offer.
    pub(super) target: Side,
    pub(super) offered: Direction,
    /// What the party on the other leg asks for; none where it does not wait.
    pub(super) asked: Option<Asked>,
}

/// A description that a party offered, or answered with.
#[derive(Debug)]
pub(super) enum Asked {
    Web(WebSdp),
    Trunk(TrunkSdp),
}

impl Asked {
    /// Which way its sender wants media to flow, seen from us.
    pub(super) const fn wish(&self) -> Direction {
        match self {
            Self::Web(sdp) => sdp.remote.direction,
            Self::Trunk(sdp) => sdp.remote.direction,
        }
    }
}

impl Ways {
    pub(super) const fn of(self, side: Side) -> Direction {
        match side {
            Side::Web => self.web,
            Side::Trunk => self.trunk,
        }
    }

    pub(super) const fn set(&mut self, side: Side, direction: Direction) {
        match side {
            Side::Web => self.web = direction,
            Side::Trunk => self.trunk = direction,
        }
    }
}

impl Talk {
    /// Both legs answered; each description of ours said what the other party wants, or `told`.
    pub(super) fn new(web: WebSdp, trunk: Option<TrunkSdp>, told: Ways) -> Self {
        let trunk_wish = trunk.as_ref().map_or(Direction::SENDRECV, |trunk| trunk.remote.direction);
        let wishes = Ways { web: web.remote.direction, trunk: trunk_wish };
        Self { web, trunk, wishes, told, crossing: None }
    }

    /// Whether the PBX takes digits as telephone-events.
    pub(super) fn has_events_to_trunk(&self) -> bool {
        self.trunk.as_ref().is_some_and(|trunk| trunk.remote.telephone_event.is_some())
    }

    pub(super) fn take(&mut self, described: Asked) {
        match described {
            Asked::Web(web) => self.web = web,
            Asked::Trunk(trunk) => self.trunk = Some(trunk),
        }
    }
}

/// Our last description on each leg.
#[derive(Debug, Default)]
pub(super) struct DescribedLegs {
    pub(super) web: Described,
    pub(super) trunk: Described,
}

/// Our last description on a leg: the same content has the same version, other content the next (RFC 3264 §8).
#[derive(Debug, Default)]
pub(super) struct Described {
    version: u64,
    text: String,
}

impl Described {
    /// The description that `write` makes, with the version that belongs to it.
    pub(super) fn next(&mut self, session: u64, write: impl Fn(Origin) -> String) -> String {
        let unchanged = write(Origin { session, version: self.version });
        if unchanged != self.text {
            self.version += 1;
            self.text = write(Origin { session, version: self.version });
        }
        self.text.clone()
    }
}

/// Where the call's media is reached.
#[derive(Clone, Debug)]
pub(super) struct MediaRoom {
    pub(super) trunk: SocketAddr,
    pub(super) web: Vec<SocketAddr>,
    pub(super) fingerprint: Fingerprint,
    /// What becomes of the browser's Opus, as far as is known.
    pub(super) opus: OpusUse,
}

/// What is kept of a call when it is over.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The number of its media, which is in the logs of both legs.
    pub id: MediaId,
    /// Who called whom.
    pub direction: CallDirection,
    /// The site whose token admitted it.
    pub site: Option<String>,
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
