//! What goes into the B2BUA and what comes out of it.

use super::call::CallRecord;
use crate::media::control::{MediaCommand, MediaEvent};
use core::net::SocketAddr;
use sip_core::{Flow, Instant, SocketId};

/// What the world did.
#[derive(Debug)]
pub enum Input {
    /// A browser opened a WebSocket.
    WebOpened {
        /// Its number, never used again for another.
        socket: SocketId,
        /// Where from.
        peer: SocketAddr,
        /// Whether it came over TLS.
        secure: bool,
    },
    /// A WebSocket frame: one SIP message (RFC 7118 §5).
    WebMessage {
        /// On which.
        socket: SocketId,
        /// The frame's payload.
        bytes: Vec<u8>,
    },
    /// A WebSocket is gone.
    WebClosed {
        /// Which.
        socket: SocketId,
    },
    /// A datagram from a PBX.
    Datagram {
        /// The UDP socket and the sender.
        flow: Flow,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// The network says that nobody is there (ICMP unreachable).
    FlowFailed {
        /// The UDP socket and the address that could not be reached.
        flow: Flow,
    },
    /// From a media worker.
    Media(MediaEvent),
    /// The answer to [`Output::Resolve`].
    Resolved {
        /// Its number.
        query: u64,
        /// Addresses, best first.
        result: Result<Vec<SocketAddr>, String>,
    },
    /// The moment named by [`Output::Timeout`] has come.
    Timeout,
    /// The relay is about to leave: every call is hung up on both legs.
    Shutdown,
}

/// What the world is asked to do.
#[derive(Debug)]
#[must_use]
pub enum Output {
    /// Send one text frame.
    WebSend {
        /// On which WebSocket.
        socket: SocketId,
        /// One SIP message.
        bytes: Vec<u8>,
    },
    /// Send one datagram.
    Datagram {
        /// The UDP socket and the receiver.
        flow: Flow,
        /// One SIP message.
        bytes: Vec<u8>,
    },
    /// For the worker that has this call's media.
    Media(MediaCommand),
    /// Look up a PBX's name; answered by [`Input::Resolved`].
    Resolve {
        /// To be repeated in the answer.
        query: u64,
        /// A DNS name.
        host: String,
        /// The port to put into the addresses.
        port: u16,
    },
    /// A call is over on both legs and its media is closed.
    CallEnded(Box<CallRecord>),
    /// Nothing more now; come back at this moment if nothing else happens before.
    Timeout(Option<Instant>),
}
