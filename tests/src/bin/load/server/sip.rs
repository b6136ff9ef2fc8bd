//! One browser's SIP over WebSocket (RFC 7118): an INVITE, its ACK, a BYE. Written by hand, for it is to be foreign.

use crate::Fallible;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// A WebSocket with one call on it.
pub(crate) struct WebLine {
    websocket: WebSocket<TcpStream>,
    number: usize,
    /// The other side, once it has answered: its `To` and where it wants requests.
    remote: Option<(String, String)>,
}

impl WebLine {
    pub(crate) fn open(at: SocketAddr, number: usize) -> Fallible<Self> {
        let stream = TcpStream::connect(at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut request = format!("ws://{at}/sip").into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
        let (websocket, _) = tungstenite::client(request, stream)?;
        Ok(Self { websocket, number, remote: None })
    }

    pub(crate) fn invite(&mut self, offer: &str) -> Fallible<()> {
        let more = format!(
            "To: <sip:phone@pbx.test>\r\nContact: <sip:load-{0}@load-{0}.invalid;transport=ws>\r\n\
             Content-Type: application/sdp\r\n",
            self.number
        );
        self.send("INVITE", "sip:phone@pbx.test", 1, &more, offer)
    }

    /// Waits for the 200 and acknowledges it; the answer may have come with an earlier response.
    pub(crate) fn answered(&mut self) -> Fallible<String> {
        let mut answer = String::new();
        loop {
            let message = self.receive()?;
            let (head, body) = message.split_once("\r\n\r\n").unwrap_or((&message, ""));
            if answer.is_empty() {
                body.clone_into(&mut answer);
            }
            match status(head) {
                Some(100..=199) => {}
                Some(200) => {
                    let to = header(head, "To").ok_or("a 200 without To")?;
                    let contact = header(head, "Contact").ok_or("a 200 without Contact")?;
                    let contact = contact.split(['<', '>']).nth(1).unwrap_or(contact);
                    let more = format!("To: {to}\r\n");
                    self.remote = Some((to.to_owned(), contact.to_owned()));
                    self.send("ACK", contact, 1, &more, "")?;
                    return Ok(answer);
                }
                _ => return Err(format!("the relay says: {head}").into()),
            }
        }
    }

    pub(crate) fn bye(&mut self) -> Fallible<()> {
        let (to, contact) = self.remote.clone().ok_or("a BYE before the answer")?;
        self.send("BYE", &contact, 2, &format!("To: {to}\r\n"), "")
    }

    pub(crate) fn ended(&mut self) -> Fallible<()> {
        match status(&self.receive()?) {
            Some(200) => Ok(()),
            other => Err(format!("the relay answers a BYE with {other:?}").into()),
        }
    }

    /// Answers pings: reading does.
    pub(crate) fn tend(&mut self) {
        if self.websocket.get_ref().set_nonblocking(true).is_ok() {
            let _ = self.websocket.read();
            let _ = self.websocket.flush();
            let _ = self.websocket.get_ref().set_nonblocking(false);
        }
    }

    fn send(&mut self, method: &str, uri: &str, cseq: u32, more: &str, body: &str) -> Fallible<()> {
        let number = self.number;
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/WS load-{number}.invalid;branch=z9hG4bK-{number}-{cseq}-{method}\r\n\
             From: <sip:load-{number}@pbx.test>;tag=load-{number}\r\nCall-ID: load-{number}-{}\r\n\
             CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: {}\r\n\r\n{body}",
            std::process::id(),
            body.len(),
        );
        Ok(self.websocket.send(Message::text(text))?)
    }

    /// The next SIP message.
    fn receive(&mut self) -> Fallible<String> {
        loop {
            match self.websocket.read()? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Binary(bytes) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Message::Close(_) => return Err("the relay closed the WebSocket".into()),
                _ => {}
            }
        }
    }
}

fn status(head: &str) -> Option<u16> {
    head.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let is = |row: &&str| row.split(':').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(name));
    head.lines().find(is)?.split_once(':').map(|(_, value)| value.trim())
}
