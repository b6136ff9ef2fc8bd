//! ICMP errors on an unconnected UDP socket.
//!
//! Linux reports "port unreachable" to a socket that serves many peers only when it was asked to (`IP_RECVERR`, ip(7)),
//! and then in the socket's error queue, with the address the lost datagram was sent to. Without this a PBX that is
//! down costs each caller the 32 s of timer B. The kernel checks that the ports quoted in the ICMP message are ours;
//! the rest of its content is not trusted. Elsewhere than on Linux nothing is reported.
#![allow(unsafe_code, reason = "two system calls that socket2 does not wrap; see the SAFETY comments")]

use std::io;
use std::net::SocketAddr;
use tokio::net::UdpSocket;

/// Asks the system to keep ICMP errors for us.
#[cfg(target_os = "linux")]
pub(crate) fn enable(socket: &socket2::Socket, address: SocketAddr) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let on: libc::c_int = 1;
    let (level, name) = match address {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    };
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or_default();
    // SAFETY: the descriptor is open while `socket` is borrowed, and the option's value is an int that outlives the call.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const on).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The next error in the queue; the inner value is an address that cannot be reached, or none where the error means
/// something else. `WouldBlock` when the queue is empty.
#[cfg(target_os = "linux")]
pub(crate) fn next_error(socket: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, SockRef};
    use std::mem::MaybeUninit;

    let mut quoted = [MaybeUninit::uninit(); 1];
    let mut payload = [MaybeUninitSlice::new(&mut quoted)];
    let mut control = [MaybeUninit::new(0_u8); CONTROL];
    // SAFETY: an all-zero sockaddr_storage is a valid one (of no family), and recvmsg writes at most its size.
    let ((), mut sender) = unsafe { SockAddr::try_init(|_, _| Ok(()))? };
    let mut message = MsgHdrMut::new().with_addr(&mut sender).with_buffers(&mut payload).with_control(&mut control);
    SockRef::from(socket).recvmsg(&mut message, libc::MSG_ERRQUEUE)?;
    // SAFETY: each byte was initialised to zero above, and the system only wrote over some.
    let control = control.map(|byte| unsafe { byte.assume_init() });
    let is_unreachable = errno(&control).is_some_and(is_unreachable);
    Ok(is_unreachable.then(|| sender.as_socket()).flatten())
}

/// Room for one control message with an extended error and the address of the router that sent it.
#[cfg(target_os = "linux")]
const CONTROL: usize = 256;

/// `ee_errno`, the first field of the `sock_extended_err` after the first control message's header (RFC 3542 §20).
#[cfg(target_os = "linux")]
fn errno(control: &[u8]) -> Option<i32> {
    let header = size_of::<libc::cmsghdr>();
    let bytes = control.get(header..header + 4)?;
    let errno = u32::from_ne_bytes(bytes.try_into().ok()?);
    i32::try_from(errno).ok().filter(|errno| *errno != 0)
}

/// What RFC 3261 §18.4 calls a failure in sending. Not among them: EMSGSIZE, which is about one datagram's length.
#[cfg(target_os = "linux")]
const fn is_unreachable(errno: i32) -> bool {
    matches!(errno, libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENOPROTOOPT)
}

/// Nothing can be asked for here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn enable(_socket: &socket2::Socket, _address: SocketAddr) -> io::Result<()> {
    Ok(())
}

/// The queue that is not there is empty.
#[cfg(not(target_os = "linux"))]
pub(crate) fn next_error(_socket: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    Err(io::ErrorKind::WouldBlock.into())
}
