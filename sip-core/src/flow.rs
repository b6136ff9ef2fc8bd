//! Where a message came from and where its answer goes.
//!
//! A flow is one WebSocket, one stream connection, or one pair of UDP addresses (RFC 5626 §3.1). The core only
//! compares and returns flows; the host knows what socket stands behind one.

use core::net::SocketAddr;

/// A socket of the host: one WebSocket connection, one stream connection, or one bound UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// A way for messages between this agent and one other element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The host's socket.
    pub socket: SocketId,
    /// The other end, where one socket serves many (UDP); none for a connection.
    pub remote: Option<SocketAddr>,
}

impl Flow {
    /// The flow of a connection: a WebSocket or a stream.
    #[must_use]
    pub const fn connection(socket: SocketId) -> Self {
        Self { socket, remote: None }
    }

    /// The flow between a bound UDP port and `remote`.
    #[must_use]
    pub const fn datagram(socket: SocketId, remote: SocketAddr) -> Self {
        Self { socket, remote: Some(remote) }
    }
}

/// The transport of a socket, as a Via header names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 3261.
    Udp,
    /// RFC 3261.
    Tcp,
    /// RFC 3261.
    Tls,
    /// SIP over WebSocket, RFC 7118.
    Ws,
    /// SIP over secure WebSocket, RFC 7118.
    Wss,
}

impl Transport {
    /// The name in a Via header: `UDP`, `WSS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The value of a `transport` URI parameter: `udp`, `ws` (RFC 7118 §5.2.4 uses `ws` for both).
    #[must_use]
    pub const fn uri_parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }

    /// Whether lost messages are the transport's business; decides which timers run (RFC 3261 §17).
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }
}
