//! Datagrams on their way to the shell: one buffer for all, used again as soon as it is drained.

use super::control::MediaId;
use core::net::SocketAddr;

/// Which of the shell's sockets a datagram leaves by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The worker's shared port.
    Web,
    /// A call's RTP port.
    TrunkRtp(MediaId),
    /// A call's RTCP port.
    TrunkRtcp(MediaId),
}

/// A datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// By which socket.
    pub port: Port,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: &'a [u8],
}

/// A queue of datagrams. It is emptied after each input, so what one input can cause bounds it.
#[derive(Debug, Default)]
pub(super) struct Transmits {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    sent: usize,
}

#[derive(Debug)]
struct Entry {
    port: Port,
    to: SocketAddr,
    from: usize,
    until: usize,
}

impl Transmits {
    pub(super) fn push(&mut self, port: Port, to: SocketAddr, parts: &[&[u8]]) {
        let from = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.entries.push(Entry { port, to, from, until: self.bytes.len() });
    }

    pub(super) fn poll(&mut self) -> Option<Transmit<'_>> {
        if self.sent == self.entries.len() {
            (self.sent, _, _) = (0, self.entries.clear(), self.bytes.clear());
            return None;
        }
        let Entry { port, to, from, until } = self.entries.get(self.sent)?;
        self.sent += 1;
        Some(Transmit { port: *port, to: *to, bytes: self.bytes.get(*from..*until)? })
    }
}
