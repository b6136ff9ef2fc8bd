//! The far end of a call through our relay: a SIP phone over UDP that answers at once, one for all calls.

use crate::options::Codec;
use crate::{Fallible, sdp};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// A phone with one SIP socket; each call has its own for RTP.
pub(crate) struct Phone {
    socket: UdpSocket,
}

/// What the caller described.
pub(crate) struct Offered {
    pub(crate) target: SocketAddr,
    pub(crate) payload_type: u8,
}

impl Phone {
    pub(crate) fn bind(at: SocketAddr) -> Fallible<Self> {
        let socket = UdpSocket::bind(at)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { socket })
    }

    /// Waits for the next INVITE and answers it: audio is wanted at `rtp`.
    pub(crate) fn answer(&self, rtp: SocketAddr, codec: Codec) -> Fallible<Offered> {
        let (invite, from) = self.await_request("INVITE")?;
        let offer = invite.split("\r\n\r\n").nth(1).ok_or("an INVITE without an offer")?;
        let offered = Offered { target: sdp::address(offer)?, payload_type: sdp::payload_type(offer, codec)? };
        let answer = sdp::phone(rtp, codec, offered.payload_type);
        let contact =
            format!("Contact: <sip:phone@{}>\r\nContent-Type: application/sdp\r\n", self.socket.local_addr()?);
        self.socket.send_to(response(&invite, &contact, &answer).as_bytes(), from)?;
        Ok(offered)
    }

    /// Waits for the next BYE and agrees.
    pub(crate) fn end(&self) -> Fallible<()> {
        let (bye, from) = self.await_request("BYE")?;
        self.socket.send_to(response(&bye, "", "").as_bytes(), from)?;
        Ok(())
    }

    /// The next request of this method; others (ACKs, OPTIONS) are passed over.
    fn await_request(&self, method: &str) -> Fallible<(String, SocketAddr)> {
        let mut buffer = [0; 4_096];
        loop {
            let received = self.socket.recv_from(&mut buffer);
            let (length, from) = received.map_err(|error| format!("the phone waited for {method}: {error}"))?;
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.split(' ').next() == Some(method) {
                return Ok((text, from));
            }
        }
    }
}

/// A 200 to `request`.
fn response(request: &str, more: &str, body: &str) -> String {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let copied = ["via:", "from:", "call-id:", "cseq:", "record-route:", "to:"];
    let is_copied = |row: &&str| copied.iter().any(|name| row.to_ascii_lowercase().starts_with(name));
    let mut text = "SIP/2.0 200 OK\r\n".to_owned();
    for row in head.lines().filter(is_copied) {
        let needs_tag = row.to_ascii_lowercase().starts_with("to:") && !row.contains(";tag=");
        text.push_str(row);
        text.push_str(if needs_tag { ";tag=load\r\n" } else { "\r\n" });
    }
    format!("{text}{more}Content-Length: {}\r\n\r\n{body}", body.len())
}
