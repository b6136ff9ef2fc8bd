//! Many sessions behind one shared browser port: which session a datagram belongs to, and which deadline is next.
//!
//! A check names its session by the user fragment (RFC 8445 §7.3); everything else is believed only from an address
//! that such a check validated. Commands and results are those of [`control`](super::control).

use super::control::{IceCredentials, MediaCommand, MediaEvent, MediaId, MediaReport, OpenFailure};
use super::drops::{DropReason, Drops};
use super::dtls::Identity;
use super::heard::Heard;
use super::overload::{Busy, Overload};
use super::rtp::Protocol;
use super::stun::{Request, StunError};
use super::transmits::{Transmit, Transmits};
use super::{Bench, MediaSession, MediaSettings};
use core::cmp::Reverse;
use core::net::SocketAddr;
use sip_core::{Duration, Entropy, Instant};
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

/// The finest step of time: no deadline, however wrong, can keep a worker busy.
const STEP: Duration = Duration::from_millis(1);

/// The media of many calls. Drain [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event) after every input.
pub struct Worker {
    bench: Bench,
    entropy: Entropy,
    sessions: HashMap<MediaId, Entry>,
    by_ufrag: HashMap<String, MediaId>,
    by_address: HashMap<SocketAddr, MediaId>,
    /// At least one entry at or before each session's deadline; outdated ones are harmless.
    deadlines: BinaryHeap<Reverse<(Instant, MediaId)>>,
}

struct Entry {
    session: Box<MediaSession>,
    /// The earliest entry of this session in `deadlines`.
    planned: Option<Instant>,
}

impl Worker {
    /// A worker without calls.
    #[must_use]
    pub fn new(settings: MediaSettings, identity: Arc<Identity>, seed: [u8; 32]) -> Self {
        let overload = Overload::new(settings.codecs.opus.most_complexity());
        let bench = Bench {
            settings,
            identity,
            transmits: Transmits::default(),
            events: VecDeque::new(),
            drops: Drops::default(),
            overload,
            heard: Heard::default(),
            plain: Vec::new(),
        };
        Self {
            bench,
            entropy: Entropy::new(seed),
            sessions: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            deadlines: BinaryHeap::new(),
        }
    }

    /// Makes room for a call whose RTP port the host has bound; `trunk` is that port as the PBX reaches it.
    /// Answered by `Opened`, or by `OpenFailed` when the call or its ufrag is taken, or this worker [is full](Self::is_full).
    pub fn open(&mut self, id: MediaId, local: IceCredentials, trunk: SocketAddr, _now: Instant) {
        if self.sessions.contains_key(&id) || self.by_ufrag.contains_key(&local.ufrag) {
            self.bench.events.push_back(MediaEvent::OpenFailed { id, failure: OpenFailure::Taken });
            return;
        }
        if self.is_full() {
            self.bench.events.push_back(MediaEvent::OpenFailed { id, failure: OpenFailure::Overload });
            return;
        }
        self.by_ufrag.insert(local.ufrag.clone(), id);
        let session = Box::new(MediaSession::new(id, local, trunk, &self.bench, &mut self.entropy));
        self.sessions.insert(id, Entry { session, planned: None });
        let (web, fingerprint) =
            (self.bench.settings.web_candidates.clone(), self.bench.identity.fingerprint().clone());
        self.bench.events.push_back(MediaEvent::Opened { id, trunk, web, fingerprint });
    }

    /// The call's ports toward the PBX are others now.
    pub fn move_trunk(&mut self, id: MediaId, trunk: SocketAddr) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        entry.session.move_trunk(trunk);
        let (web, fingerprint) =
            (self.bench.settings.web_candidates.clone(), self.bench.identity.fingerprint().clone());
        self.bench.events.push_back(MediaEvent::Opened { id, trunk, web, fingerprint });
    }

    /// Takes every command but `Open` and `MoveTrunk`, which need the host's ports first: see [`open`](Self::open) and
    /// [`move_trunk`](Self::move_trunk).
    pub fn command(&mut self, command: MediaCommand, now: Instant) {
        match command {
            MediaCommand::Open { .. } | MediaCommand::MoveTrunk { .. } => {}
            MediaCommand::Web { id, remote } => {
                let mut gone = Vec::new();
                self.with(id, now, |session, bench| gone = session.describe_web(&remote, bench, now));
                gone.iter().for_each(|address| self.forget_address(id, *address));
            }
            MediaCommand::RestartIce { id, local } => self.restart_ice(id, local),
            MediaCommand::Trunk { id, remote } => {
                self.with(id, now, |session, bench| session.describe_trunk(&remote, bench, now))
            }
            MediaCommand::Digits { id, to, digits, duration } => {
                self.with(id, now, |session, bench| session.dial(to, &digits, duration, bench, now));
            }
            MediaCommand::Close { id } => self.close(id, now),
        }
    }

    /// A datagram came on the shared port.
    pub fn handle_web(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) {
        if Protocol::of(bytes) == Protocol::Stun {
            return self.handle_stun(source, bytes, now);
        }
        match self.by_address.get(&source) {
            Some(id) => self.with(*id, now, |session, bench| session.handle_web(bytes, bench, now)),
            None => self.bench.drops.count(DropReason::NotValidated),
        }
    }

    /// A datagram came on a call's RTP port.
    pub fn handle_trunk_rtp(&mut self, id: MediaId, source: SocketAddr, bytes: &[u8], now: Instant) {
        self.with(id, now, |session, bench| session.handle_trunk_rtp(source, bytes, bench, now));
    }

    /// A datagram came on a call's RTCP port.
    pub fn handle_trunk_rtcp(&mut self, id: MediaId, source: SocketAddr, bytes: &[u8], now: Instant) {
        self.with(id, now, |session, bench| session.handle_trunk_rtcp(source, bytes, bench, now));
    }

    /// How busy the host's thread was in the `time` since the last report: about once a second while there is something to do.
    pub fn handle_load(&mut self, busy: Busy, time: Duration) {
        self.bench.overload.handle_load(busy, time);
    }

    /// The time of [`next_timeout`](Self::next_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(Reverse((due, id))) = self.deadlines.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            self.deadlines.pop();
            let Some(entry) = self.sessions.get_mut(&id).filter(|entry| entry.planned == Some(due)) else {
                continue;
            };
            entry.planned = None;
            self.with(id, now, |session, bench| session.handle_timeout(bench, now));
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.bench.transmits.poll()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.bench.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((due, _))| *due)
    }

    /// What was dropped, and why.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        &self.bench.drops
    }

    /// Whether new calls are refused, so that those that are open do not suffer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bench.overload.is_full()
    }

    /// Of the encoders, at most: what is configured, or less under load.
    #[must_use]
    pub fn complexity(&self) -> u8 {
        self.bench.overload.complexity()
    }

    /// Calls that are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no call is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    fn handle_stun(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) {
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(StunError::Malformed) => return self.bench.drops.count(DropReason::StunMalformed),
            Err(StunError::NotARequest) => {
                return self.bench.drops.count(DropReason::StunNotARequest);
            }
        };
        let Some(id) = self.by_ufrag.get(request.ufrags.0).copied() else {
            return self.bench.drops.count(DropReason::StunUnknownUser);
        };
        let mut checked = None;
        self.with(id, now, |session, bench| checked = session.handle_check(&request, source, bench, now));
        let Some(checked) = checked else { return };
        if let Some(evicted) = checked.evicted {
            self.forget_address(id, evicted);
        }
        if checked.validated {
            self.by_address.insert(source, id);
        }
    }

    /// A ufrag that is taken stays where it is: the browser's checks then go unanswered, as with any wrong one.
    fn restart_ice(&mut self, id: MediaId, local: IceCredentials) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        if self.by_ufrag.contains_key(&local.ufrag) {
            return;
        }
        self.by_ufrag.insert(local.ufrag.clone(), id);
        if let Some(retired) = entry.session.web.ice.restart(local) {
            self.by_ufrag.remove(&retired.ufrag);
        }
    }

    fn close(&mut self, id: MediaId, now: Instant) {
        let Some(Entry { mut session, .. }) = self.sessions.remove(&id) else {
            // Never opened, or closed before: the answer is the same, so that nobody waits for it.
            let report = MediaReport::default();
            return self.bench.events.push_back(MediaEvent::Closed { id, report });
        };
        session.close(&mut self.bench, now);
        for ufrag in session.web.ice.local_ufrags() {
            self.by_ufrag.remove(ufrag);
        }
        session.web.ice.valid().iter().for_each(|address| self.forget_address(id, *address));
    }

    fn forget_address(&mut self, id: MediaId, address: SocketAddr) {
        if self.by_address.get(&address) == Some(&id) {
            self.by_address.remove(&address);
        }
    }

    /// Lets a session act, then plans its next deadline if that came nearer.
    fn with(&mut self, id: MediaId, now: Instant, act: impl FnOnce(&mut MediaSession, &mut Bench)) {
        let Some(entry) = self.sessions.get_mut(&id) else {
            return;
        };
        act(&mut entry.session, &mut self.bench);
        let Some(due) = entry.session.next_timeout(&self.bench).map(|due| due.max(now + STEP)) else {
            return;
        };
        if entry.planned.is_none_or(|planned| due < planned) {
            entry.planned = Some(due);
            self.deadlines.push(Reverse((due, id)));
        }
    }
}
