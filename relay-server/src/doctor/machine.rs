//! Looks at the machine that the doctor runs on.

use super::view::{Port, View};
use super::{certificates, gateways};
use crate::codecs::Installed;
use crate::config::{Config, Wanted};
use crate::sip_udp::local_address_toward;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

impl View {
    /// Binds and lets go of each port, asks the DNS and the gateways, reads what the system tells.
    pub async fn take(config: &Config) -> Self {
        let ports: Vec<Port> = wanted(config).into_iter().map(|wanted| try_port(config, wanted)).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let elsewhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
        Self {
            now: i64::try_from(now).unwrap_or(i64::MAX),
            is_clock_kept: is_clock_kept(),
            certificates: certificates::all(config),
            names: gateways::names(config).await,
            gateways: gateways::ask(config, &ports).await,
            ports,
            receive_buffer: number_in("/proc/sys/net/core/rmem_max"),
            open_files: open_files(),
            own_address: local_address_toward(elsewhere).ok().map(|address| address.ip()),
            spoken: Installed::load(&config.media.codecs).spoken(&config.media.codecs),
        }
    }
}

/// The media threads have a port each, one after the other.
fn wanted(config: &Config) -> Vec<Wanted> {
    let media = config.media.web_listen;
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if config.media.workers == 0 { cores() } else { config.media.workers };
    let further = (1..threads).filter_map(|thread| media.port().checked_add(u16::try_from(thread).ok()?));
    let further = further.filter(|_| media.port() != 0).map(|port| Wanted {
        key: "media.web_listen",
        protocol: "UDP",
        at: SocketAddr::new(media.ip(), port),
    });
    config.wanted().into_iter().chain(further).collect()
}

/// `network.bind_ip` stands for "any", as it does when the relay starts; not for pages, which have an address of their own.
fn try_port(config: &Config, Wanted { key, protocol, mut at }: Wanted) -> Port {
    let instead = config.network.bind_ip.filter(|ip| ip.is_ipv4() == at.is_ipv4() && key != "web.listen");
    if let Some(ip) = instead.filter(|_| at.ip().is_unspecified()) {
        at.set_ip(ip);
    }
    let fault = bind(protocol, at).err().map(|error| error.kind());
    Port { key, protocol, at, fault }
}

fn bind(protocol: &str, at: SocketAddr) -> io::Result<()> {
    let (kind, protocol) = if protocol == "UDP" { (Type::DGRAM, Protocol::UDP) } else { (Type::STREAM, Protocol::TCP) };
    let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // As the relay does it: connections of its last life do not keep the port.
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&at.into())?;
    if kind == Type::STREAM { socket.listen(1) } else { Ok(()) }
}

fn number_in(path: impl AsRef<Path>) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The soft limit, which is the one that counts.
fn open_files() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let row = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match row.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Whether the kernel's clock is being corrected by somebody.
#[allow(unsafe_code, reason = "the kernel's clock has no safe interface")]
fn is_clock_kept() -> Option<bool> {
    // SAFETY: `timex` is plain numbers, of which zero is one; with no mode set the kernel only writes into it.
    let (state, clock) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut clock), clock)
    };
    (state >= 0).then_some(clock.status & libc::STA_UNSYNC == 0)
}
