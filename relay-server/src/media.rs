//! The media threads: sockets around [`relay_core::media::Worker`], one worker per thread.
//!
//! Each thread owns one UDP port for all its browsers and a pair of ports per call for the PBX. It reads what is
//! there, hands it to its worker, sends what the worker has to send, and sleeps until the next packet, command or
//! deadline. Threads share nothing but the command and event queues: no lock stands in the path of a packet.

mod outbox;
mod ports;
mod sockets;
mod thread;

use outbox::EventOutbox;
use ports::PortPool;
use relay_core::codec::OpusSettings;
use relay_core::media::control::{MediaCommand, MediaEvent, MediaId};
use relay_core::media::{Drops, Identity, MediaSettings};
use ring::rand::{SecureRandom, SystemRandom};
use sip_core::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use thread::{Order, Thread};

/// Where the media threads listen and how patient they are.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Threads; zero means as many as there are cores.
    pub workers: usize,
    /// The browsers' UDP port; worker n takes the port n above, or any port if this one is 0.
    pub web_bind: SocketAddr,
    /// The address of `web_bind` as browsers reach it. Without one: the bound address, or, for an unspecified one,
    /// the address of this host's default route and the loopback address.
    pub web_external: Option<IpAddr>,
    /// The address for PBXs.
    pub trunk_bind: IpAddr,
    /// The address of `trunk_bind` as PBXs reach it.
    pub trunk_external: Option<IpAddr>,
    /// RTP takes the even ports, RTCP the odd ones.
    pub trunk_ports: RangeInclusive<u16>,
    /// From a browser's description to its first connectivity check.
    pub ice_timeout: Duration,
    /// From the last connectivity check to giving the browser up.
    pub consent_timeout: Duration,
    /// For the DTLS handshake.
    pub dtls_timeout: Duration,
    /// Until a silent PBX is reported.
    pub trunk_silence: Duration,
    /// Between RTCP reports.
    pub rtcp_interval: Duration,
    /// How the Opus encoder spends its time and bits.
    pub opus: OpusSettings,
}

impl Default for MediaConfig {
    fn default() -> Self {
        let core = MediaSettings::default();
        Self {
            workers: 0,
            web_bind: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            web_external: None,
            trunk_bind: Ipv4Addr::UNSPECIFIED.into(),
            trunk_external: None,
            trunk_ports: 20_000..=29_999,
            ice_timeout: core.ice_timeout,
            consent_timeout: core.consent_timeout,
            dtls_timeout: core.dtls_timeout,
            trunk_silence: core.trunk_silence,
            rtcp_interval: core.rtcp_interval,
            opus: core.opus,
        }
    }
}

/// What the media threads count; all but `calls` only ever grows.
#[derive(Debug, Default)]
pub struct MediaCounters {
    /// Calls whose media is open.
    pub calls: AtomicU64,
    /// Datagrams read.
    pub received: AtomicU64,
    /// Datagrams sent.
    pub sent: AtomicU64,
    /// Datagrams that the system did not take.
    pub unsent: AtomicU64,
    /// Events that signalling was too slow for; never the opening or the end of a call.
    pub events_lost: AtomicU64,
    drops: Mutex<Drops>,
}

impl MediaCounters {
    /// Why the workers dropped packets; a second old at most.
    #[must_use]
    pub fn drops(&self) -> Drops {
        self.drops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn publish_drops(&self, drops: &Drops) {
        self.drops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(drops);
    }

    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// The running media threads.
pub struct MediaWorkers {
    doors: Vec<Door>,
}

/// A way into one thread.
struct Door {
    orders: mpsc::Sender<Order>,
    waker: Arc<mio::Waker>,
    counters: Arc<MediaCounters>,
    thread: JoinHandle<()>,
}

impl MediaWorkers {
    /// Binds the browsers' ports, makes the certificate and starts the threads.
    ///
    /// # Errors
    /// When a port cannot be bound, the port range has no pair for each thread, or the system has no randomness.
    pub fn start(
        config: MediaConfig,
        events: tokio::sync::mpsc::Sender<MediaEvent>,
    ) -> io::Result<Self> {
        let epoch = std::time::Instant::now();
        let identity = Arc::new(Identity::generate(epoch).map_err(io::Error::other)?);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = if config.workers == 0 {
            cores()
        } else {
            config.workers
        };
        let mut doors = Vec::with_capacity(count);
        for index in 0..count {
            let ports = PortPool::new(&config.trunk_ports, index, count, seed()?)?;
            let (orders, queue) = mpsc::channel();
            let counters = Arc::new(MediaCounters::default());
            let outbox = EventOutbox::new(events.clone(), Arc::clone(&counters));
            let parts = thread::Parts {
                config: &config,
                index,
                epoch,
                identity: Arc::clone(&identity),
                ports,
                queue,
                outbox,
            };
            let thread = Thread::bind(parts, seed()?, Arc::clone(&counters))?;
            let waker = thread.waker();
            let handle = std::thread::Builder::new()
                .name(format!("media-{index}"))
                .spawn(move || thread.run())?;
            doors.push(Door {
                orders,
                waker,
                counters,
                thread: handle,
            });
        }
        Ok(Self { doors })
    }

    /// Hands a command to the worker of its call. Never blocks.
    pub fn command(&self, command: MediaCommand) {
        let id = id_of(&command);
        let Some(door) = self.door(id) else { return };
        door.order(Order::Command(command));
    }

    /// The counters of each worker.
    pub fn counters(&self) -> impl Iterator<Item = &MediaCounters> {
        self.doors.iter().map(|door| door.counters.as_ref())
    }

    /// Ends all calls' media and the threads.
    pub fn stop(self) {
        self.doors.iter().for_each(|door| door.order(Order::Stop));
        for door in self.doors {
            if door.thread.join().is_err() {
                tracing::error!("a media thread had panicked");
            }
        }
    }

    fn door(&self, id: MediaId) -> Option<&Door> {
        let count = self.doors.len() as u64;
        self.doors.get(id.0.checked_rem(count)? as usize)
    }
}

impl Door {
    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("a media thread is gone");
        } else if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a media thread cannot be woken");
        }
    }
}

fn id_of(command: &MediaCommand) -> MediaId {
    match command {
        MediaCommand::Open { id, .. }
        | MediaCommand::Web { id, .. }
        | MediaCommand::Trunk { id, .. }
        | MediaCommand::Digits { id, .. }
        | MediaCommand::Close { id } => *id,
        // A later command without an arm here would go to the first worker, and be refused there.
        _ => MediaId(0),
    }
}

fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(seed)
}
