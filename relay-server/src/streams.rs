//! Connections toward PBXs: SIP over TCP and TLS (RFC 3261 §18).
//!
//! One connection for each pair of addresses, made when there is something to send and none is there, whichever side made
//! it. A connection is a task of its own; this is the table of them, which the signalling task owns.

mod accept;
mod connection;
pub(crate) mod tls;

pub(crate) use accept::Acceptor;

use crate::counters::Counters;
use crate::signaling::Signaling;
use relay_core::b2bua::FlowFault;
use sip_core::{Flow, SocketId};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tls::TlsPeer;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};

/// Messages that may wait for one connection; one more closes it.
pub(crate) const OUTBOX: usize = 256;

/// What a socket number stands for.
#[derive(Clone)]
pub(crate) struct Way {
    /// The address that connections are made from; none leaves it to the system.
    pub(crate) from: Option<IpAddr>,
    /// Of TLS: whom to expect.
    pub(crate) tls: Option<Arc<TlsPeer>>,
}

/// Tells two connections of one flow apart, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(u64);

/// Gives numbers to connections.
#[derive(Debug, Default)]
pub(crate) struct StreamIds(AtomicU64);

impl StreamIds {
    pub(crate) fn next(&self) -> StreamId {
        StreamId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The way into a connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) outbox: mpsc::Sender<Vec<u8>>,
}

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) signaling: Signaling,
    pub(crate) counters: Arc<Counters>,
    pub(crate) ids: Arc<StreamIds>,
    /// Connections at once.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
}

/// See the module.
pub(crate) struct Streams {
    ways: BTreeMap<SocketId, Way>,
    open: BTreeMap<Flow, Stream>,
    /// Where PBXs listen, to the connections that they made (RFC 5923).
    aliases: BTreeMap<Flow, Flow>,
    shared: Shared,
}

impl Streams {
    pub(crate) const fn new(ways: BTreeMap<SocketId, Way>, shared: Shared) -> Self {
        Self { ways, open: BTreeMap::new(), aliases: BTreeMap::new(), shared }
    }

    /// Whether flows of this socket are connections.
    pub(crate) fn has(&self, socket: SocketId) -> bool {
        self.ways.contains_key(&socket)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Sends on the connection of a flow; makes one if there is none.
    ///
    /// # Errors
    /// It cannot be sent: too much waits already, or too many connections are open.
    pub(crate) fn send(&mut self, flow: Flow, bytes: Vec<u8>) -> Result<(), FlowFault> {
        let aliased = self.aliases.get(&flow).copied().filter(|other| self.open.contains_key(other));
        let taken = aliased.unwrap_or(flow);
        let mut bytes = bytes;
        if let Some(stream) = self.open.get(&taken) {
            match stream.outbox.try_send(bytes) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => {
                    // Dropping the sender ends the connection.
                    self.open.remove(&taken);
                    self.shared.counters.slow_pbxs.add_one();
                    return Err(FlowFault::Congested);
                }
                Err(TrySendError::Closed(back)) => bytes = back,
            }
        }
        self.connect(flow, bytes)
    }

    fn connect(&mut self, flow: Flow, bytes: Vec<u8>) -> Result<(), FlowFault> {
        let (Some(way), Some(remote)) = (self.ways.get(&flow.socket), flow.remote) else {
            return Err(FlowFault::Unreachable);
        };
        let Ok(permit) = Arc::clone(&self.shared.room).try_acquire_owned() else {
            self.shared.counters.streams_refused.add_one();
            return Err(FlowFault::Congested);
        };
        let (outbox, queue) = mpsc::channel(OUTBOX);
        if outbox.try_send(bytes).is_err() {
            return Err(FlowFault::Congested);
        }
        let id = self.shared.ids.next();
        self.open.insert(flow, Stream { id, outbox });
        let (way, shared) = (way.clone(), self.shared.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let fault = connection::dial(&way, (flow, remote), queue, &shared).await;
            shared.signaling.stream_closed(flow, id, fault).await;
        });
        Ok(())
    }

    /// A PBX has connected.
    pub(crate) fn opened(&mut self, flow: Flow, stream: Stream) {
        self.open.insert(flow, stream);
    }

    /// A connection has ended. False if the flow has another one already.
    pub(crate) fn closed(&mut self, flow: Flow, id: StreamId) -> bool {
        let is_current = self.open.get(&flow).is_none_or(|stream| stream.id == id);
        if is_current {
            self.open.remove(&flow);
            self.aliases.retain(|_, aliased| *aliased != flow);
        }
        is_current
    }

    /// Messages to `listener` may take the connection of `flow`.
    pub(crate) fn alias(&mut self, flow: Flow, listener: SocketAddr) {
        if self.open.contains_key(&flow) && self.aliases.len() < self.open.len() + 16 {
            self.aliases.insert(Flow::datagram(flow.socket, listener), flow);
        }
    }
}
