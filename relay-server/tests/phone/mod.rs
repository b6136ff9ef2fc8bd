//! A browser without media: `sip_core`'s agent on a WebSocket, with a description that a browser could have written.

#![allow(dead_code, reason = "each test file uses its part")]

use crate::door::{self, Browser};
use futures_util::{SinkExt, StreamExt};
use sip_core::agent::{
    Config, End, Event, Invite, LocalSocket, Output, Register, RegistrationEvent, SessionEvent, SessionId, UserAgent,
};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, NameAddr, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::Message;

const SOCKET: SocketId = SocketId(1);
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:0\r\na=sendrecv\r\n\
    a=ice-ufrag:test\r\na=ice-pwd:0123456789abcdef01234567\r\na=setup:actpass\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n";

pub(crate) struct Phone {
    pub(crate) agent: UserAgent,
    pub(crate) events: Vec<Event>,
    name: String,
    browser: Browser,
    epoch: tokio::time::Instant,
    timeout: Option<Instant>,
}

impl Phone {
    pub(crate) async fn connect(web: SocketAddr, name: &str) -> Self {
        Self::connect_from(web, name, &format!("http://{web}")).await
    }

    /// From a page of this origin.
    pub(crate) async fn connect_from(web: SocketAddr, name: &str, origin: &str) -> Self {
        let (browser, _) = door::connect_from(web, origin).await.expect("a WebSocket");
        let host = format!("{name}.invalid");
        let mut agent = UserAgent::new(Config::default(), [name.len() as u8; 32]);
        let contact = uri(&format!("sip:{name}@{host};transport=ws"));
        agent.open_socket(SOCKET, LocalSocket { transport: Transport::Ws, sent_by: host, contact });
        let epoch = tokio::time::Instant::now();
        Self { agent, events: Vec::new(), name: name.to_owned(), browser, epoch, timeout: None }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// Registers with `password`; how that ended.
    pub(crate) async fn register(&mut self, password: &str) -> RegistrationEvent {
        let (name, now) = (self.name.clone(), self.now());
        let register = Register {
            registrar: uri("sip:demo.localhost"),
            aor: NameAddr::new(uri(&format!("sip:{name}@demo.localhost"))),
            contact: NameAddr::new(uri(&format!("sip:{name}@{name}.invalid;transport=ws"))),
            flow: Flow::connection(SOCKET),
            expires: Duration::from_secs(600),
            credentials: Some(Credentials::new(name.as_str(), password)),
            headers: Vec::new(),
            is_sole: true,
        };
        self.agent.register(register, now);
        self.until("registration", |events| {
            events.iter().rev().find_map(|event| match event {
                Event::Registration { event: RegistrationEvent::Registering, .. } => None,
                Event::Registration { event, .. } => Some(event.clone()),
                _ => None,
            })
        })
        .await
    }

    pub(crate) fn call(&mut self, target: &str) -> SessionId {
        let (name, now) = (self.name.clone(), self.now());
        let from = NameAddr::new(uri(&format!("sip:{name}@demo.localhost")));
        let credentials = Some(Credentials::new(name.as_str(), format!("{name}-secret").as_str()));
        let invite = Invite {
            offer: Some(OFFER.to_owned()),
            credentials,
            ..Invite::new(uri(target), from, Flow::connection(SOCKET))
        };
        self.agent.invite(invite, now).expect("a good INVITE")
    }

    /// Calls with a token and without an account.
    pub(crate) fn call_with_token(&mut self, target: &str, token: &str) -> SessionId {
        let now = self.now();
        let from = NameAddr::new(uri("sip:anonymous@anonymous.invalid"));
        let invite = Invite {
            offer: Some(OFFER.to_owned()),
            headers: vec![(HeaderName::Authorization, format!("Bearer {token}"))],
            ..Invite::new(uri(target), from, Flow::connection(SOCKET))
        };
        self.agent.invite(invite, now).expect("a good INVITE")
    }

    /// Waits for the end of a call: its status and reason.
    pub(crate) async fn ended(&mut self, call: SessionId) -> (u16, String) {
        self.until("the end", |events| end_of(events, call).map(|end| (status_of(end), end.reason.clone()))).await
    }

    /// Waits for a provisional answer above 100.
    pub(crate) async fn progress(&mut self, call: SessionId, wanted: StatusCode) {
        self.until("progress", |events| {
            events.iter().find(|event| {
                matches!(event, Event::Session { id, event: SessionEvent::Progress { response, .. } }
                    if *id == call && response.status == wanted)
            })?;
            Some(())
        })
        .await;
    }

    /// Waits for the 200 and gives its description.
    pub(crate) async fn answer(&mut self, call: SessionId) -> String {
        self.until("the answer", |events| {
            events.iter().find_map(|event| match event {
                Event::Session { id, event: SessionEvent::Accepted { answer, .. } } if *id == call => answer.clone(),
                _ => None,
            })
        })
        .await
    }

    /// Waits until it rings here.
    pub(crate) async fn incoming(&mut self) -> (SessionId, String) {
        self.until("a call", |events| {
            events.iter().find_map(|event| match event {
                Event::IncomingCall { session, offer: Some(offer), .. } => Some((*session, offer.clone())),
                _ => None,
            })
        })
        .await
    }

    /// Runs until something has happened.
    pub(crate) async fn until<T>(&mut self, what: &str, found: impl Fn(&[Event]) -> Option<T>) -> T {
        let running = async {
            loop {
                self.drain().await;
                if let Some(found) = found(&self.events) {
                    return found;
                }
                self.turn().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, running).await;
        found.unwrap_or_else(|_| panic!("{what} does not come; {:?}", self.events))
    }

    async fn turn(&mut self) {
        let timeout = self.timeout.map(|at| self.epoch + Duration::from_micros(at.as_micros()));
        let sleep = async {
            match timeout {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = self.browser.next() => self.handle_frame(&frame.expect("open").expect("a frame")),
            () = sleep => {
                let now = self.now();
                self.agent.handle_timeout(now);
            }
        }
    }

    fn handle_frame(&mut self, frame: &Message) {
        let now = self.now();
        if let Message::Text(text) = frame {
            self.agent.handle_message(Flow::connection(SOCKET), text.as_bytes(), now);
        }
    }

    pub(crate) async fn drain(&mut self) {
        loop {
            match self.agent.poll_output() {
                Output::Transmit { bytes, .. } => {
                    let text = String::from_utf8(bytes).expect("SIP is UTF-8");
                    self.browser.send(Message::text(text)).await.expect("open");
                }
                Output::Event(event) => self.events.push(event),
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
            }
        }
    }
}

fn end_of(events: &[Event], call: SessionId) -> Option<&End> {
    events.iter().find_map(|event| match event {
        Event::Session { id, event: SessionEvent::Ended(end) } if *id == call => Some(end),
        _ => None,
    })
}

/// 0 for a plain BYE.
fn status_of(end: &End) -> u16 {
    end.status.map_or(0, StatusCode::as_u16)
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().expect("a URI")
}
