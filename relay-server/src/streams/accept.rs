//! Connections that PBXs make to us.

use super::tls::TlsDoor;
use super::{OUTBOX, Shared, Stream, connection};
use relay_core::b2bua::FlowFault;
use sip_core::{Flow, SocketId};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const BACKLOG: i32 = 256;
/// Connections from one address.
const MAX_PER_HOST: usize = 64;
/// TLS must be agreed on in this time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// After an error that will not go away at once, such as no descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens for PBXs.
pub(crate) struct Acceptor {
    socket: SocketId,
    listener: TcpListener,
    tls: Option<TlsDoor>,
    hosts: Arc<Hosts>,
}

impl Acceptor {
    pub(crate) fn bind(socket: SocketId, address: SocketAddr, tls: Option<TlsDoor>) -> io::Result<Self> {
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        listener.set_nonblocking(true)?;
        listener.set_reuse_address(true)?;
        if address.is_ipv6() {
            listener.set_only_v6(true)?;
        }
        listener.bind(&address.into())?;
        listener.listen(BACKLOG)?;
        Ok(Self { socket, listener: TcpListener::from_std(listener.into())?, tls, hosts: Arc::default() })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until signalling is gone.
    pub(crate) async fn run(self, shared: Shared) {
        while !shared.signaling.is_gone() {
            match self.listener.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer, &shared),
                Err(error) => {
                    tracing::warn!(%error, "a PBX's connection cannot be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, shared: &Shared) {
        let room = Arc::clone(&shared.room).try_acquire_owned();
        let (Ok(permit), Some(guest)) = (room, Hosts::enter(&self.hosts, peer.ip())) else {
            tracing::info!(%peer, "too many connections from PBXs");
            return shared.counters.streams_refused.add_one();
        };
        shared.counters.streams_opened.add_one();
        connection::settle(&stream);
        let (tls, shared) = (self.tls.clone(), shared.clone());
        let flow = Flow::datagram(self.socket, peer);
        tokio::spawn(async move {
            let _held = (permit, guest);
            match tls {
                None => serve(stream, flow, &shared).await,
                Some(door) => match timeout(HANDSHAKE_TIMEOUT, door.0.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, flow, &shared).await,
                    refused => {
                        let reason = match refused {
                            Ok(Err(error)) => error.to_string(),
                            _ => "not in time".to_owned(),
                        };
                        tracing::info!(%peer, reason, "no TLS with one who connected");
                        shared.counters.tls_failed.add_one();
                    }
                },
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite>(stream: S, flow: Flow, shared: &Shared) {
    let (outbox, queue) = mpsc::channel(OUTBOX);
    let id = shared.ids.next();
    shared.signaling.stream_opened(flow, Stream { id, outbox }).await;
    let fault: FlowFault = connection::run(stream, flow, queue, shared).await;
    shared.signaling.stream_closed(flow, id, fault).await;
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Hosts(Mutex<BTreeMap<IpAddr, usize>>);

/// One of them.
struct Guest(Arc<Hosts>, IpAddr);

impl Hosts {
    fn enter(hosts: &Arc<Self>, ip: IpAddr) -> Option<Guest> {
        let mut counts = hosts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(ip).or_default();
        if *count >= MAX_PER_HOST {
            return None;
        }
        *count += 1;
        Some(Guest(Arc::clone(hosts), ip))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}
