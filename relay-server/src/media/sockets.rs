//! UDP sockets for media: bound with large buffers, and the addresses under which they are reached.

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Asked for on the browsers' port, which carries all calls of a thread: a burst of 4,000 packets and more.
pub(crate) const SHARED_BUFFER: usize = 4 << 20;
/// Asked for on a call's port.
pub(super) const CALL_BUFFER: usize = 128 << 10;

/// Binds a non-blocking socket.
pub(super) fn bind(address: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The system may grant less; that only shows under load, and is reported for the shared port.
    socket.set_recv_buffer_size(buffer)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() && buffer == CALL_BUFFER {
        // The same port of the other family may be another call's.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    if buffer == SHARED_BUFFER && socket.recv_buffer_size()? < SHARED_BUFFER {
        let granted = socket.recv_buffer_size()?;
        tracing::warn!(
            granted,
            asked = buffer,
            "the system's net.core.rmem_max limits the media port's receive buffer"
        );
    }
    Ok(UdpSocket::from_std(socket.into()))
}

/// The addresses by which `bound` is reached: the configured one, else what can be found out.
pub(super) fn reachable(bound: SocketAddr, external: Option<IpAddr>) -> Vec<SocketAddr> {
    let hosts = match external {
        Some(external) => vec![external],
        None if !bound.ip().is_unspecified() => vec![bound.ip()],
        None => default_route(bound).into_iter().chain([loopback(bound)]).collect(),
    };
    hosts.into_iter().map(|host| SocketAddr::new(host, bound.port())).collect()
}

/// Our address on the way to the rest of the world. Nothing is sent.
fn default_route(bound: SocketAddr) -> Option<IpAddr> {
    // Documentation addresses: routed like any other, owned by nobody (RFC 5737, RFC 3849).
    let elsewhere = match bound {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), 9)),
    };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(bound.ip(), 0)).ok()?;
    socket.connect(elsewhere).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback())
}

fn loopback(bound: SocketAddr) -> IpAddr {
    match bound {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}
