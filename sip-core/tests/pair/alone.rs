//! One agent; its other side is written by the test, message by message.

use super::words::{ended, label, word};
use super::{OFFER, Peer, Side, flow};
use sip_core::agent::{Config, End, Event, Invite, Output, SessionId, UserAgent};
use sip_core::message::{HeaderName, Message, Method, NameAddr, Request, Response, StatusCode};
use sip_core::{Duration, Flow, Instant, Transport};
use std::collections::VecDeque;

/// One agent, alone; its other side is the test.
pub(crate) struct Alone {
    pub(crate) now: Instant,
    pub(crate) agent: UserAgent,
    pub(crate) events: VecDeque<Event>,
    pub(crate) sent: VecDeque<Message>,
    pub(crate) raw: VecDeque<Vec<u8>>,
    pub(crate) flow: Flow,
    timeout: Option<Instant>,
}

impl Alone {
    /// Alice, toward Bob's address.
    pub(crate) fn new(transport: Transport) -> Self {
        Self::with_config(transport, Config::default())
    }

    pub(crate) fn with_config(transport: Transport, config: Config) -> Self {
        let Peer { agent, events, timeout } = Peer::new(Side::Alice, transport, config);
        let flow = flow(transport, Side::Alice);
        let (sent, raw) = (VecDeque::new(), VecDeque::new());
        Self { now: Instant::from_millis(1_000), agent, events, sent, raw, flow, timeout }
    }

    pub(crate) fn call(&mut self) -> SessionId {
        let invite = Invite {
            offer: Some(OFFER.to_owned()),
            ..Invite::new(Side::Bob.uri(), NameAddr::new(Side::Alice.uri()), self.flow)
        };
        self.invite(invite)
    }

    pub(crate) fn invite(&mut self, invite: Invite) -> SessionId {
        let id = self.agent.invite(invite, self.now).unwrap();
        self.drain();
        id
    }

    pub(crate) fn receive(&mut self, message: impl Into<Message>) {
        let bytes = message.into().write();
        self.receive_bytes(&bytes);
    }

    pub(crate) fn receive_bytes(&mut self, bytes: &[u8]) {
        self.agent.handle_message(self.flow, bytes, self.now);
        self.drain();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.timeout.filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.agent.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(crate) fn drain(&mut self) {
        loop {
            match self.agent.poll_output() {
                Output::Transmit { bytes, .. } => match Message::parse(&bytes) {
                    Ok(message) => self.sent.push_back(message),
                    Err(_) => self.raw.push_back(bytes),
                },
                Output::Event(event) => self.events.push_back(event),
                Output::Timeout(timeout) => return self.timeout = timeout,
            }
        }
    }

    /// The call that came; everything before it is dropped.
    pub(crate) fn incoming_call(&mut self) -> SessionId {
        while let Some(event) = self.events.pop_front() {
            if let Event::IncomingCall { session, .. } = event {
                return session;
            }
        }
        panic!("nobody called")
    }

    /// The next message, which is a request of this method.
    #[allow(clippy::needless_pass_by_value, reason = "reads better")]
    pub(crate) fn next_request(&mut self, method: Method) -> Request {
        match self.sent.pop_front() {
            Some(Message::Request(request)) if request.method == method => request,
            other => panic!("no {} but {other:?}", method.as_str()),
        }
    }

    /// The next message, which is a response of this status.
    pub(crate) fn next_response(&mut self, status: u16) -> Response {
        match self.sent.pop_front() {
            Some(Message::Response(response)) if response.status.as_u16() == status => response,
            other => panic!("no {status} but {other:?}"),
        }
    }

    pub(crate) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| word(&event)).collect()
    }

    pub(crate) fn end(&mut self) -> End {
        let mut ends: Vec<End> = self.events.drain(..).filter_map(ended).collect();
        assert_eq!(ends.len(), 1, "one Ended: {ends:?}");
        ends.remove(0)
    }

    /// Everything that was sent since, as words, taken.
    pub(crate) fn story(&mut self) -> Vec<String> {
        self.sent.drain(..).map(|message| label(&message)).collect()
    }
}

/// What Bob answers to a request of Alice's, with his tag and Contact.
pub(crate) fn answer(request: &Request, status: u16, tag: &str, sdp: Option<&str>) -> Response {
    let mut response = request.reply(StatusCode::new(status).unwrap(), (!tag.is_empty()).then_some(tag));
    response.headers.push(HeaderName::Contact, format!("<sip:{tag}@{}>", Side::Bob.address()));
    if let Some(sdp) = sdp {
        response.set_body("application/sdp", sdp);
    }
    response
}

/// A request of Bob's out of any dialog.
pub(crate) fn request_of_bob(method: &Method, branch: &str) -> Request {
    let mut request = Request::new(method.clone(), Side::Alice.uri());
    let rows = &mut request.headers;
    rows.push(HeaderName::Via, format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{branch}"));
    rows.push(HeaderName::MaxForwards, "70");
    rows.push(HeaderName::From, format!("<sip:bob@192.0.2.2>;tag={branch}"));
    rows.push(HeaderName::To, "<sip:alice@192.0.2.1>");
    rows.push(HeaderName::CallId, format!("call-{branch}"));
    rows.push(HeaderName::CSeq, format!("1 {}", method.as_str()));
    rows.push(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>");
    request
}

/// Bob's INVITE, with an offer.
pub(crate) fn invite_of_bob(branch: &str) -> Request {
    let mut invite = request_of_bob(&Method::Invite, branch);
    invite.set_body("application/sdp", OFFER);
    invite
}
