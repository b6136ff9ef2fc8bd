//! One media thread: wait, read, hand to the worker, send, repeat.

use super::load::Load;
use super::outbox::EventOutbox;
use super::ports::PortPool;
use super::sockets::{self, CALL_BUFFER, SHARED_BUFFER};
use super::{MediaConfig, MediaCounters};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use relay_core::media::control::{IceCredentials, MediaCommand, MediaEvent, MediaId, OpenFailure};
use relay_core::media::{Identity, MediaSettings, Port, Worker};
use sip_core::{Duration, Instant};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

const WAKE: Token = Token(0);
const WEB: Token = Token(1);
/// A call's RTP socket has an even token from here on, its RTCP socket the one above.
const FIRST_CALL: usize = 2;
/// Larger than any packet that media sends unfragmented.
const MAX_DATAGRAM: usize = 2_048;
/// Datagrams read from one socket before the others have their turn.
const MAX_BATCH: usize = 64;
/// Pairs tried for one call; another process may have some.
const MAX_BINDS: usize = 16;
/// When signalling has no room for our events, we try again so soon.
const RETRY: Duration = Duration::from_millis(10);
/// Between two looks at the counters.
const PUBLISH: Duration = Duration::from_secs(1);

/// To a thread.
pub(super) enum Order {
    Command(MediaCommand),
    Stop,
}

/// What a thread is made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a MediaConfig,
    pub(super) index: usize,
    pub(super) epoch: std::time::Instant,
    pub(super) identity: Arc<Identity>,
    pub(super) ports: PortPool,
    pub(super) queue: mpsc::Receiver<Order>,
    pub(super) outbox: EventOutbox,
}

/// One thread's state.
pub(super) struct Thread {
    worker: Worker,
    poll: Poll,
    waker: Arc<Waker>,
    web: UdpSocket,
    trunk: TrunkSide,
    queue: mpsc::Receiver<Order>,
    outbox: EventOutbox,
    counters: Arc<MediaCounters>,
    epoch: std::time::Instant,
    buffer: Box<[u8; MAX_DATAGRAM]>,
    /// Sockets whose batch was cut short: they will not be announced again.
    unfinished: Vec<Token>,
    published: Instant,
    load: Load,
}

/// The ports toward PBXs.
struct TrunkSide {
    /// Addresses to bind and to announce, the usual one first.
    ways: Vec<(IpAddr, Option<IpAddr>)>,
    ports: PortPool,
    by_id: BTreeMap<MediaId, usize>,
    slots: Vec<Option<CallSockets>>,
    free_slots: Vec<usize>,
}

struct CallSockets {
    id: MediaId,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    port: u16,
}

impl Thread {
    pub(super) fn bind(parts: Parts<'_>, seed: [u8; 32], counters: Arc<MediaCounters>) -> io::Result<Self> {
        let Parts { config, index, epoch, identity, ports, queue, outbox } = parts;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let mut web = sockets::bind(nth(config.web_bind, index)?, SHARED_BUFFER)?;
        poll.registry().register(&mut web, WEB, Interest::READABLE)?;
        let settings = MediaSettings {
            web_candidates: sockets::reachable(web.local_addr()?, config.web_external),
            ice_timeout: config.ice_timeout,
            consent_timeout: config.consent_timeout,
            dtls_timeout: config.dtls_timeout,
            trunk_silence: config.trunk_silence,
            rtcp_interval: config.rtcp_interval,
            codecs: config.codecs.clone(),
        };
        let (by_id, slots, free_slots) = (BTreeMap::new(), Vec::new(), Vec::new());
        let second = config.trunk_bind_ipv6.map(|bind| (bind, config.trunk_external_ipv6));
        let ways = std::iter::once((config.trunk_bind, config.trunk_external)).chain(second).collect();
        let trunk = TrunkSide { ways, ports, by_id, slots, free_slots };
        let (buffer, unfinished) = (Box::new([0; MAX_DATAGRAM]), Vec::new());
        let worker = Worker::new(settings, identity, seed);
        counters.complexity.store(u64::from(worker.complexity()), Ordering::Relaxed);
        let (published, load) = (Instant::ZERO, Load::default());
        Ok(Self {
            worker,
            poll,
            waker,
            web,
            trunk,
            queue,
            outbox,
            counters,
            epoch,
            buffer,
            unfinished,
            published,
            load,
        })
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        loop {
            let wait = self.wait();
            self.load.sleeps(self.now());
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "a media thread cannot wait for its sockets");
                    return;
                }
                _ => {}
            }
            self.load.wakes(self.now());
            self.weigh();
            if self.obey() {
                return;
            }
            for token in core::mem::take(&mut self.unfinished) {
                self.read(token);
            }
            for event in &events {
                self.read(event.token());
            }
            self.handle_timeout();
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// Until the next deadline; not at all when something is left to read.
    fn wait(&mut self) -> Option<Duration> {
        let retry = self.outbox.flush().then_some(RETRY);
        if !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let now = self.now();
        let due = self.worker.next_timeout().map(|due| due.since(now));
        [retry, due].into_iter().flatten().min()
    }

    fn read(&mut self, token: Token) {
        for _ in 0..MAX_BATCH {
            let found = if token == WEB { Some((MediaId(0), &self.web)) } else { self.trunk.by_token(token) };
            let Some((id, socket)) = found else { return };
            let (length, source) = match socket.recv_from(&mut self.buffer[..]) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error about something we sent; the socket lives.
                Err(_) => continue,
            };
            MediaCounters::add(&self.counters.received, 1);
            self.handle(token, id, source, length);
        }
        self.unfinished.push(token);
    }

    fn handle(&mut self, token: Token, id: MediaId, source: SocketAddr, length: usize) {
        let now = self.now();
        let bytes = self.buffer.get(..length).unwrap_or_default();
        match token {
            WEB => self.worker.handle_web(source, bytes, now),
            Token(rtp) if rtp % 2 == 0 => self.worker.handle_trunk_rtp(id, source, bytes, now),
            Token(_) => self.worker.handle_trunk_rtcp(id, source, bytes, now),
        }
        self.drain();
    }

    /// Carries out what signalling wants. True when that is the end.
    fn obey(&mut self) -> bool {
        while let Ok(order) = self.queue.try_recv() {
            let now = self.now();
            match order {
                Order::Command(MediaCommand::Open { id, local }) => self.open(id, local, now),
                Order::Command(MediaCommand::MoveTrunk { id, is_ipv6 }) => self.move_trunk(id, is_ipv6),
                Order::Command(command) => self.worker.command(command, now),
                Order::Stop => {
                    self.close_all(now);
                    return true;
                }
            }
            self.drain();
        }
        false
    }

    /// Other ports toward the PBX, of the family that it has.
    fn move_trunk(&mut self, id: MediaId, is_ipv6: bool) {
        self.trunk.close(id, self.poll.registry());
        match self.trunk.open(id, Some(is_ipv6), self.poll.registry()) {
            Ok(address) => self.worker.move_trunk(id, address),
            Err(error) => self.outbox.push(open_failed(id, &error)),
        }
    }

    fn open(&mut self, id: MediaId, local: IceCredentials, now: Instant) {
        match self.trunk.open(id, None, self.poll.registry()) {
            Ok(address) => self.worker.open(id, local, address, now),
            Err(error) => self.outbox.push(open_failed(id, &error)),
        }
    }

    fn close_all(&mut self, now: Instant) {
        for id in self.trunk.by_id.keys().copied().collect::<Vec<_>>() {
            self.worker.command(MediaCommand::Close { id }, now);
            self.drain();
        }
        self.outbox.flush();
    }

    fn handle_timeout(&mut self) {
        let now = self.now();
        self.worker.handle_timeout(now);
        self.drain();
        if now.since(self.published) >= PUBLISH {
            self.published = now;
            self.counters.publish_drops(self.worker.drops());
        }
    }

    /// Tells the worker how busy its thread is, so that it takes on no more than it can carry.
    fn weigh(&mut self) {
        let Some((busy, time)) = self.load.report() else { return };
        let before = (self.worker.complexity(), self.worker.is_full());
        self.worker.handle_load(busy, time);
        let (complexity, is_full) = (self.worker.complexity(), self.worker.is_full());
        if before != (complexity, is_full) {
            let calls = self.worker.len();
            tracing::warn!(busy = busy.0, complexity, is_full, calls, "a media thread adapts to its load");
            self.counters.complexity.store(u64::from(complexity), Ordering::Relaxed);
        }
    }

    /// Sends and tells what the last input led to.
    fn drain(&mut self) {
        while let Some(transmit) = self.worker.poll_transmit() {
            let socket = match transmit.port {
                Port::Web => Some(&self.web),
                Port::TrunkRtp(id) => self.trunk.sockets(id).map(|sockets| &sockets.rtp),
                Port::TrunkRtcp(id) => self.trunk.sockets(id).map(|sockets| &sockets.rtcp),
            };
            let sent = socket.is_some_and(|socket| socket.send_to(transmit.bytes, transmit.to).is_ok());
            let counter = if sent { &self.counters.sent } else { &self.counters.unsent };
            MediaCounters::add(counter, 1);
        }
        while let Some(event) = self.worker.poll_event() {
            if let MediaEvent::Closed { id, .. } | MediaEvent::OpenFailed { id, failure: OpenFailure::Overload } = event
            {
                self.trunk.close(id, self.poll.registry());
            }
            self.outbox.push(event);
        }
        self.counters.calls.store(self.worker.len() as u64, Ordering::Relaxed);
    }
}

fn open_failed(id: MediaId, error: &io::Error) -> MediaEvent {
    MediaEvent::OpenFailed { id, failure: OpenFailure::Ports(error.to_string()) }
}

impl TrunkSide {
    /// Binds a pair; its RTP address as the PBX reaches it.
    /// `is_ipv6` asks for a family.
    fn open(&mut self, id: MediaId, is_ipv6: Option<bool>, registry: &mio::Registry) -> io::Result<SocketAddr> {
        if self.by_id.contains_key(&id) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the call's media is already open"));
        }
        let fits = |(bind, _): &&(IpAddr, Option<IpAddr>)| is_ipv6.is_none_or(|is_ipv6| bind.is_ipv6() == is_ipv6);
        let missing = || io::Error::new(io::ErrorKind::AddrNotAvailable, "no RTP address of the PBX's family");
        let (bind, external) = self.ways.iter().find(fits).copied().ok_or_else(missing)?;
        let (mut rtp, mut rtcp, port) = self.bind_pair(bind)?;
        let slot = self.free_slots.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        registry.register(&mut rtp, Token(FIRST_CALL + 2 * slot), Interest::READABLE)?;
        registry.register(&mut rtcp, Token(FIRST_CALL + 2 * slot + 1), Interest::READABLE)?;
        let reached = sockets::reachable(rtp.local_addr()?, external);
        self.by_id.insert(id, slot);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(CallSockets { id, rtp, rtcp, port });
        }
        reached.first().copied().ok_or_else(|| io::Error::other("no address for PBXs"))
    }

    fn bind_pair(&mut self, ip: IpAddr) -> io::Result<(UdpSocket, UdpSocket, u16)> {
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "all RTP ports are in use");
        for _ in 0..MAX_BINDS {
            let Some(port) = self.ports.take(std::time::Instant::now()) else {
                break;
            };
            let bind = |port| sockets::bind(SocketAddr::new(ip, port), CALL_BUFFER);
            match bind(port).and_then(|rtp| Ok((rtp, bind(port + 1)?))) {
                Ok((rtp, rtcp)) => return Ok((rtp, rtcp, port)),
                Err(error) => {
                    self.ports.give_back(port, std::time::Instant::now());
                    last = error;
                }
            }
        }
        tracing::warn!(error = %last, free = self.ports.free(), "no RTP port for a call");
        Err(last)
    }

    fn close(&mut self, id: MediaId, registry: &mio::Registry) {
        let Some(slot) = self.by_id.remove(&id) else {
            return;
        };
        let Some(mut sockets) = self.slots.get_mut(slot).and_then(Option::take) else {
            return;
        };
        for socket in [&mut sockets.rtp, &mut sockets.rtcp] {
            if let Err(error) = registry.deregister(socket) {
                tracing::debug!(%error, "a socket could not be deregistered");
            }
        }
        self.ports.give_back(sockets.port, std::time::Instant::now());
        self.free_slots.push(slot);
    }

    fn by_token(&self, Token(number): Token) -> Option<(MediaId, &UdpSocket)> {
        let sockets = self.slots.get(number.checked_sub(FIRST_CALL)? / 2)?.as_ref()?;
        Some((sockets.id, if number % 2 == 0 { &sockets.rtp } else { &sockets.rtcp }))
    }

    fn sockets(&self, id: MediaId) -> Option<&CallSockets> {
        self.slots.get(*self.by_id.get(&id)?)?.as_ref()
    }
}

/// The address of worker `index`: each has its own port.
fn nth(base: SocketAddr, index: usize) -> io::Result<SocketAddr> {
    if base.port() == 0 {
        return Ok(base);
    }
    let port = u16::try_from(index).ok().and_then(|index| base.port().checked_add(index));
    let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no port left for each media thread"))?;
    Ok(SocketAddr::new(base.ip(), port))
}
