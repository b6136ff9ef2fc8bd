//! The UDP socket toward PBXs (RFC 3261 §18): datagrams in, datagrams out, and word of addresses that nobody listens on.
//!
//! Not here: retransmission, and the choice of TCP for messages above 1,300 bytes (§18.1.1), which are the core's.

use crate::counters::Counters;
use crate::icmp;
use crate::signaling::Signaling;
use relay_core::b2bua::{FlowFault, Input};
use sip_core::{Flow, SocketId};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// One byte more than a SIP message over UDP may have, so that a cut one is noticed.
const DATAGRAM: usize = sip_core::message::limits::MAX_MESSAGE + 1;
/// The system halves or caps this; a burst of registrations after a power cut fits.
const RECEIVE_BUFFER: usize = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct SipUdp {
    /// Its number in flows.
    id: SocketId,
    socket: UdpSocket,
    counters: Arc<Counters>,
}

impl SipUdp {
    pub(crate) fn bind(id: SocketId, address: SocketAddr, counters: Arc<Counters>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "SO_RCVBUF");
        }
        if address.is_ipv6() {
            // Its flows would name IPv4 PBXs by mapped addresses, which nobody else writes.
            socket.set_only_v6(true)?;
        }
        icmp::enable(&socket, address)?;
        socket.bind(&address.into())?;
        Ok(Self { id, socket: UdpSocket::from_std(socket.into())?, counters })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Never waits: what the system does not take at once is lost, as a datagram may be.
    ///
    /// # Errors
    /// The address cannot be reached.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let send = || SockRef::from(&self.socket).send_to(bytes, &to.into());
        let sent = match send() {
            // An error about an earlier datagram, to whomever; it waits in the error queue as well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => send(),
            other => other,
        };
        match sent {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) => {
                self.counters.datagrams_unsent.add_one();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Receives until signalling is gone.
    pub(crate) async fn receive(&self, signaling: Signaling) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM];
        while !signaling.is_gone() {
            let ready = self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
            if ready.is_error() {
                self.receive_errors(&signaling).await;
            }
            self.receive_datagrams(&mut buffer, &signaling).await;
        }
        Ok(())
    }

    async fn receive_datagrams(&self, buffer: &mut [u8], signaling: &Signaling) {
        loop {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) => match buffer.get(..length) {
                    Some(bytes) if length < DATAGRAM => {
                        signaling.input(Input::TrunkMessage { flow: self.flow(from), bytes: bytes.to_vec() }).await;
                    }
                    _ => self.counters.datagrams_oversized.add_one(),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The same error as in the queue, which is where it is read.
                Err(error) => {
                    tracing::trace!(%error, "SIP socket");
                    return;
                }
            }
        }
    }

    const fn flow(&self, remote: SocketAddr) -> Flow {
        Flow::datagram(self.id, remote)
    }

    async fn receive_errors(&self, signaling: &Signaling) {
        while let Ok(error) = self.socket.try_io(Interest::ERROR, || icmp::next_error(&self.socket)) {
            if let Some(to) = error {
                self.counters.unreachable.add_one();
                tracing::debug!(%to, "nobody listens there");
                signaling.input(Input::FlowFailed { flow: self.flow(to), fault: FlowFault::Unreachable }).await;
            }
        }
    }
}

/// The address from which the system would reach `target`. Nothing is sent.
pub(crate) fn local_address_toward(target: SocketAddr) -> io::Result<SocketAddr> {
    let any: SocketAddr = match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(target)?;
    socket.local_addr()
}
