//! How a call is set up through either server, by its own signalling.

mod ng;
mod sip;

use crate::Fallible;
use crate::options::{Options, Server};
use crate::phone::Phone;
use ng::Rtpengine;
use sip::WebLine;
use std::net::{SocketAddr, UdpSocket};

/// The way to one server.
pub(crate) enum Exchange {
    Relay { websocket: SocketAddr, phone: Phone, lines: Vec<WebLine> },
    Rtpengine(Rtpengine),
}

/// A call that is answered.
pub(crate) struct Placed {
    /// The server's answer to the browser.
    pub(crate) answer: String,
    /// Where the phone sends RTP.
    pub(crate) target: SocketAddr,
    /// Of the phone's codec.
    pub(crate) payload_type: u8,
}

impl Exchange {
    pub(crate) fn open(options: &Options) -> Fallible<Self> {
        Ok(match options.server {
            Server::Relay { websocket, phone } => {
                Self::Relay { websocket, phone: Phone::bind(phone)?, lines: Vec::new() }
            }
            Server::Rtpengine { ng } => Self::Rtpengine(Rtpengine::connect(ng)?),
        })
    }

    /// Places the next call, from a browser with this offer to a phone with this socket.
    pub(crate) fn place(&mut self, offer: &str, rtp: &UdpSocket, options: &Options) -> Fallible<Placed> {
        let at = rtp.local_addr()?;
        match self {
            Self::Relay { websocket, phone, lines } => {
                let mut line = WebLine::open(*websocket, lines.len())?;
                line.invite(offer)?;
                let offered = phone.answer(at, options.trunk)?;
                let answer = line.answered()?;
                lines.push(line);
                Ok(Placed { answer, target: offered.target, payload_type: offered.payload_type })
            }
            Self::Rtpengine(rtpengine) => rtpengine.place(offer, at, options),
        }
    }

    /// Keeps what needs it alive.
    pub(crate) fn tend(&mut self) {
        if let Self::Relay { lines, .. } = self {
            lines.iter_mut().for_each(WebLine::tend);
        }
    }

    /// Ends all calls.
    pub(crate) fn hang_up(self) -> Fallible<()> {
        match self {
            Self::Relay { phone, lines, .. } => lines.into_iter().try_for_each(|mut line| {
                line.bye()?;
                phone.end()?;
                line.ended()
            }),
            Self::Rtpengine(mut rtpengine) => rtpengine.hang_up(),
        }
    }
}
