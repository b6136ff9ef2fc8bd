//! The media threads: sockets around [`relay_core::media::Worker`], one worker per thread.
//!
//! Each thread owns one UDP port for all its browsers and a pair of ports per call for the PBX. It reads what is
//! there, hands it to its worker, sends what the worker has to send, and sleeps until the next packet, command or
//! deadline. Threads share nothing but the command and event queues: no lock stands in the path of a packet.

mod load;
mod outbox;
mod ports;
pub(crate) mod sockets;
mod thread;
mod view;

use outbox::EventOutbox;
use ports::PortPool;
use relay_core::codec::Shelf;
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
pub(crate) use view::MediaView;

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
    /// The address for PBXs with IPv6, beside the other.
    pub trunk_bind_ipv6: Option<IpAddr>,
    /// The address of `trunk_bind_ipv6` as PBXs reach it.
    pub trunk_external_ipv6: Option<IpAddr>,
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
    /// What codecs are made of.
    pub codecs: Shelf,
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
            trunk_bind_ipv6: None,
            trunk_external_ipv6: None,
            trunk_ports: 20_000..=29_999,
            ice_timeout: core.ice_timeout,
            consent_timeout: core.consent_timeout,
            dtls_timeout: core.dtls_timeout,
            trunk_silence: core.trunk_silence,
            rtcp_interval: core.rtcp_interval,
            codecs: core.codecs,
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
    /// Of the encoders: what is configured, or less under load.
    pub complexity: AtomicU64,
    /// Events that signalling was too slow for; never the opening or the end of a call.
    pub events_lost: AtomicU64,
    drops: Mutex<Drops>,
}

impl MediaCounters {
    /// Why the workers dropped packets; a second old at most.
    #[must_use]
    pub fn drops(&self) -> Drops {
        self.drops.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish_drops(&self, drops: &Drops) {
        self.drops.lock().unwrap_or_else(PoisonError::into_inner).clone_from(drops);
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
    #[allow(clippy::needless_pass_by_value, reason = "what the threads are made of is theirs")]
    pub fn start(config: MediaConfig, events: tokio::sync::mpsc::Sender<MediaEvent>) -> io::Result<Self> {
        let epoch = std::time::Instant::now();
        let identity = Arc::new(Identity::generate(epoch).map_err(io::Error::other)?);
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let count = if config.workers == 0 { cores() } else { config.workers };
        let mut doors = Vec::with_capacity(count);
        for index in 0..count {
            let ports = PortPool::new(&config.trunk_ports, index, count, seed()?)?;
            let (orders, queue) = mpsc::channel();
            let counters = Arc::new(MediaCounters::default());
            let outbox = EventOutbox::new(events.clone(), Arc::clone(&counters));
            let parts =
                thread::Parts { config: &config, index, epoch, identity: Arc::clone(&identity), ports, queue, outbox };
            let thread = Thread::bind(parts, seed()?, Arc::clone(&counters))?;
            let waker = thread.waker();
            let handle = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || thread.run())?;
            doors.push(Door { orders, waker, counters, thread: handle });
        }
        Ok(Self { doors })
    }

    /// Hands a command to the worker of its call. Never blocks.
    pub fn command(&self, command: MediaCommand) {
        let id = id_of(&command);
        let Some(door) = self.door(id) else { return };
        door.order(Order::Command(command));
    }

    /// What `/healthz` and `/metrics` look at.
    pub(crate) fn view(&self) -> MediaView {
        MediaView::new(self.doors.iter().map(|door| Arc::clone(&door.counters)))
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
        | MediaCommand::RestartIce { id, .. }
        | MediaCommand::Trunk { id, .. }
        | MediaCommand::Digits { id, .. }
        | MediaCommand::MoveTrunk { id, .. }
        | MediaCommand::Close { id } => *id,
        // A later command without an arm here would go to the first worker, and be refused there.
        _ => MediaId(0),
    }
}

fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relay_core::codec::OpusSettings;
    use relay_core::media::control::{Direction, G711Law, TrunkCodec, TrunkRemote};
    use std::net::UdpSocket;

    const ID: MediaId = MediaId(5);

    fn workers(range: RangeInclusive<u16>) -> (MediaWorkers, tokio::sync::mpsc::Receiver<MediaEvent>) {
        let (events, queue) = tokio::sync::mpsc::channel(16);
        let host = Ipv4Addr::LOCALHOST;
        let config = MediaConfig {
            workers: 2,
            web_bind: SocketAddr::from((host, 0)),
            trunk_bind: host.into(),
            trunk_ports: range,
            rtcp_interval: Duration::from_millis(100),
            ..MediaConfig::default()
        };
        (MediaWorkers::start(config, events).expect("loopback ports"), queue)
    }

    fn open(workers: &MediaWorkers, queue: &mut tokio::sync::mpsc::Receiver<MediaEvent>) -> MediaEvent {
        let local =
            relay_core::media::control::IceCredentials { ufrag: "test".into(), pwd: "a-password-for-the-test".into() };
        workers.command(MediaCommand::Open { id: ID, local });
        queue.blocking_recv().expect("an answer")
    }

    #[test]
    fn a_call_gets_ports_reports_to_its_pbx_and_ends() {
        let (workers, mut queue) = workers(42_000..=42_199);
        let (least, most) = (workers.view().complexities().min(), OpusSettings::default().most_complexity());
        assert_eq!(least, Some(most.into()), "all is shown before the first load is");
        let MediaEvent::Opened { trunk, web, .. } = open(&workers, &mut queue) else { panic!("not opened") };
        assert_eq!((trunk.ip(), trunk.port() % 2, web.len()), (IpAddr::from(Ipv4Addr::LOCALHOST), 0, 1));
        assert_ne!(web[0].port(), 0);

        let pbx = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        pbx.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let address = pbx.local_addr().expect("its address");
        let direction = Direction::SENDRECV;
        let (codec, ptime) = (TrunkCodec::G711(G711Law::A), Duration::from_millis(20));
        let remote = TrunkRemote {
            rtp: address,
            rtcp: address,
            signalling: None,
            srtp: None,
            codec,
            payload_type: 8,
            telephone_event: None,
            direction,
            ptime,
        };
        workers.command(MediaCommand::Trunk { id: ID, remote });
        // Empty reports come from the port above the announced one; once RTP has come to that, they tell of it.
        let mut packet = [0xD5; 172];
        packet[..12].copy_from_slice(&[0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]);
        let mut report = [0; 200];
        let from = pbx.recv_from(&mut report).expect("a report in time").1;
        assert_eq!((from.port(), report[0] & 0x1F, report[1]), (trunk.port() + 1, 0, 201));
        pbx.send_to(&packet, trunk).expect("sent");
        while report[0] & 0x1F == 0 {
            pbx.recv_from(&mut report).expect("a report in time");
        }
        assert_eq!(report[8..12], [0, 0, 0, 9]);

        workers.command(MediaCommand::Close { id: ID });
        let Some(MediaEvent::Closed { id: ID, report }) = queue.blocking_recv() else { panic!("not closed") };
        assert_eq!(report.trunk.packets_received, 1);
        workers.stop();
    }

    #[test]
    fn without_a_port_the_call_is_refused_and_its_end_is_told_all_the_same() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 42_300)).expect("the port");
        let (workers, mut queue) = workers(42_300..=42_303);
        // Worker 0 has 42,300 and worker 1 has 42,302; this call is worker 1's, its RTCP port is taken.
        let beside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 42_303)).expect("the port");
        assert!(matches!(open(&workers, &mut queue), MediaEvent::OpenFailed { id: ID, .. }));
        workers.command(MediaCommand::Close { id: ID });
        assert!(matches!(queue.blocking_recv(), Some(MediaEvent::Closed { id: ID, .. })));
        workers.stop();
        drop((taken, beside));
    }

    #[test]
    fn stopping_ends_the_calls() {
        let (workers, mut queue) = workers(42_400..=42_499);
        assert!(matches!(open(&workers, &mut queue), MediaEvent::Opened { .. }));
        workers.stop();
        assert!(matches!(queue.blocking_recv(), Some(MediaEvent::Closed { id: ID, .. })));
    }
}
