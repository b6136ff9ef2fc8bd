//! Transactions over UDP, and what came out of them.
#![allow(dead_code, reason = "each test binary uses some of it")]

use sip_core::message::{Message, Request, Response};
use sip_core::transaction::{
    ClientId, Limits, NoTransaction, ServerId, Timers, TransactionEvent, TransactionOutput, Transactions,
};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};

pub(crate) const FLOW: Flow = Flow::datagram(
    SocketId(3),
    core::net::SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 9)), 5070),
);
pub(crate) const UDP: Transport = Transport::Udp;

/// Transactions, and what came out of them.
pub(crate) struct Stack {
    pub(crate) transactions: Transactions,
    pub(crate) now: Instant,
    pub(crate) copies: Vec<String>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) times: Vec<u64>,
    pub(crate) events: Vec<TransactionEvent>,
}

impl Stack {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self {
            transactions: Transactions::with_limits(Timers::default(), limits),
            now: Instant::ZERO,
            copies: Vec::new(),
            flows: Vec::new(),
            times: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, request: &Request) -> ClientId {
        let id = self.transactions.request(request.clone(), FLOW, UDP, self.now).unwrap();
        self.drain();
        id
    }

    pub(crate) fn receive(&mut self, request: &Request) -> ServerId {
        self.receive_again(request);
        match self.events.last() {
            Some(TransactionEvent::Request { id, .. }) => *id,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn receive_again(&mut self, request: &Request) {
        let message = Message::Request(request.clone());
        self.transactions.handle_message(message, FLOW, UDP, self.now);
        self.drain();
    }

    pub(crate) fn receive_response(&mut self, response: &Response) {
        let message = Message::Response(response.clone());
        self.transactions.handle_message(message, FLOW, UDP, self.now);
        self.drain();
    }

    pub(crate) fn respond(&mut self, id: ServerId, response: &Response) -> Result<(), NoTransaction> {
        let result = self.transactions.respond(id, response.clone(), self.now);
        self.drain();
        result
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(next) = self.transactions.next_timeout().filter(|next| *next <= end) {
            self.now = next;
            self.transactions.handle_timeout(next);
            self.drain();
        }
        self.now = end;
    }

    /// Lets time pass until nothing runs: when something was sent, and the end.
    pub(crate) fn run_out(&mut self) -> (Vec<u64>, u64) {
        while let Some(next) = self.transactions.next_timeout() {
            self.now = next;
            self.transactions.handle_timeout(next);
            self.drain();
        }
        (self.times.clone(), self.now.as_micros() / 1_000)
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Transmit { flow, bytes } => {
                    self.copies.push(String::from_utf8(bytes).unwrap());
                    self.flows.push(flow);
                    self.times.push(self.now.as_micros() / 1_000);
                }
                TransactionOutput::Event(event) => self.events.push(event),
            }
        }
    }

    /// First lines of what was sent since the last time.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        self.copies.drain(..).map(first_line).collect()
    }
}

pub(crate) fn request(method: &str, branch: &str) -> Request {
    let text = format!(
        "{method} sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP k3.invalid;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@example.com>;tag=a\r\n\
         To: <sip:bob@example.com>\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:alice@192.0.2.9>\r\n\r\n"
    );
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

/// The INVITE that a CANCEL was told to be for.
pub(crate) fn cancelled(event: &TransactionEvent) -> Option<ServerId> {
    match event {
        TransactionEvent::Cancel { invite, .. } => *invite,
        other => panic!("{other:?}"),
    }
}
