//! What goes into the B2BUA and what comes out of it.

use super::call::CallRecord;
use super::decisions::{Decision, Undecided};
use super::dns::{Answer, Question};
use super::trunks::GatewayStatus;
use crate::admission::{Denial, Page, Rules, UnixTime};
use crate::media::control::{MediaCommand, MediaEvent, MediaId};
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
        /// The page; none for a program.
        page: Option<Page>,
        /// What its page may do.
        access: Access,
    },
    /// Other rules for guests from now on.
    Rules(Box<Rules>),
    /// What the world's clocks say: tokens have a time.
    WallClock(UnixTime),
    /// A WebSocket frame: one SIP message (RFC 7118 §5).
    WebMessage {
        /// On which.
        socket: SocketId,
        /// The frame's payload.
        bytes: Vec<u8>,
    },
    /// A browser has gone away and closed its WebSocket: its calls end.
    WebClosed {
        /// Which.
        socket: SocketId,
    },
    /// A WebSocket broke, or was closed to be opened again: its established calls wait for the browser to come back.
    WebLost {
        /// Which.
        socket: SocketId,
    },
    /// A message from a PBX: a datagram, or what was cut out of a stream.
    TrunkMessage {
        /// The socket and the sender.
        flow: Flow,
        /// One SIP message.
        bytes: Vec<u8>,
    },
    /// Messages on this flow do not arrive: ICMP says so, a connection cannot be made, or it has ended.
    FlowFailed {
        /// The socket and the address that could not be reached.
        flow: Flow,
        /// Why.
        fault: FlowFault,
    },
    /// From a media worker.
    Media(MediaEvent),
    /// The answer to [`Output::Resolve`].
    Resolved {
        /// Its number.
        query: u64,
        /// Records, or why the DNS could not say.
        result: Result<Answer, String>,
    },
    /// The answer to [`Output::Decide`].
    Decided {
        /// The call.
        id: MediaId,
        /// What becomes of it.
        decision: Decision,
    },
    /// The moment named by [`Output::Timeout`] has come.
    Timeout,
    /// The relay leaves when its calls are over: nothing new is taken on.
    Drain,
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
    /// Send one message: as a datagram, or on the connection to this address, made now if there is none.
    TrunkSend {
        /// The socket and the receiver.
        flow: Flow,
        /// One SIP message.
        bytes: Vec<u8>,
    },
    /// Messages to `listener` may take the connection of `flow`: its other end asked for that (RFC 5923).
    Alias {
        /// A connection that the PBX made.
        flow: Flow,
        /// Where the PBX listens.
        listener: SocketAddr,
    },
    /// For the worker that has this call's media.
    Media(MediaCommand),
    /// Ask the DNS; answered by [`Input::Resolved`].
    Resolve {
        /// To be repeated in the answer.
        query: u64,
        /// What.
        question: Question,
    },
    /// Ask what becomes of a guest's call; answered by [`Input::Decided`].
    Decide(Box<Undecided>),
    /// A guest was turned away.
    Denied(Denial),
    /// A gateway came up or went down.
    GatewayChanged(GatewayStatus),
    /// A call is over on both legs and its media is closed.
    CallEnded(Box<CallRecord>),
    /// Nothing more now; come back at this moment if nothing else happens before.
    Timeout(Option<Instant>),
}

/// What those who open a WebSocket may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything, where the PBX agrees.
    #[default]
    Full,
    /// A call with a token, and nothing else.
    Guest,
}

/// Why messages on a flow do not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowFault {
    /// Nobody listens there, or no way leads there.
    Unreachable,
    /// No connection in time.
    TimedOut,
    /// The connection has ended.
    Closed,
    /// The other side does not read, or has too much waiting.
    Congested,
    /// TLS: the certificate is not the one of this PBX.
    Certificate(String),
    /// TLS: no agreement.
    Handshake(String),
}

impl FlowFault {
    /// A sentence for the browser and the log.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Unreachable => "The PBX Cannot Be Reached".to_owned(),
            Self::TimedOut => "The PBX Does Not Take Connections".to_owned(),
            Self::Closed => "The PBX Closed The Connection".to_owned(),
            Self::Congested => "The PBX Does Not Read What It Is Sent".to_owned(),
            Self::Certificate(why) => format!("The PBX's Certificate Is Refused: {why}"),
            Self::Handshake(why) => format!("No TLS With The PBX: {why}"),
        }
    }

    /// Whether somebody answered there, only not as the PBX should.
    pub(super) const fn is_broken(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::Handshake(_))
    }
}
