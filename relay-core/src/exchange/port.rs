//! What goes into the exchange and what comes out of it.

use super::player::{Application, Remote};
use core::net::SocketAddr;
use sip_core::{Flow, Instant};

/// One call's player and its RTP socket, which the host owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlayerId(pub u64);

/// What the world did.
#[derive(Debug)]
pub enum Input {
    /// A SIP datagram.
    Datagram {
        /// The socket and the sender.
        flow: Flow,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// The network says that nobody is there.
    FlowFailed {
        /// The socket and the address that could not be reached.
        flow: Flow,
    },
    /// The answer to [`Output::OpenPlayer`].
    PlayerOpened {
        /// Which.
        player: PlayerId,
        /// Where it takes RTP; none when no socket could be had.
        address: Option<SocketAddr>,
    },
    /// The moment named by [`Output::Timeout`] has come.
    Timeout,
    /// The exchange is about to leave: every call is hung up.
    Shutdown,
}

/// What the world is asked to do.
#[derive(Debug)]
#[must_use]
pub enum Output {
    /// Send one SIP datagram.
    Datagram {
        /// The socket and the receiver.
        flow: Flow,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// Bind an RTP socket and make a player for it. Answered by [`Input::PlayerOpened`].
    OpenPlayer {
        /// Its number.
        player: PlayerId,
        /// What it plays.
        application: Application,
        /// For its SSRC and its melody.
        seed: u64,
    },
    /// Tell a player to whom it speaks. May come again (re-INVITE).
    Retarget {
        /// Which.
        player: PlayerId,
        /// The other side.
        remote: Remote,
    },
    /// Let a player play something else.
    Play {
        /// Which.
        player: PlayerId,
        /// What it plays from now on.
        application: Application,
    },
    /// The call is over: drop the player and its socket.
    ClosePlayer {
        /// Which.
        player: PlayerId,
    },
    /// Nothing more now; come back at this moment if nothing else happens before.
    Timeout(Option<Instant>),
}
