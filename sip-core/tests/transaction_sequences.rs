//! Two agents, a network that loses, doubles, delays and replays, and users who do anything at any time: seeded, so that
//! a failure repeats.
//!
//! What must hold: nothing panics; a transaction that was told to be over is never heard of again; each client
//! transaction brings exactly one outcome; when everybody has stopped, nothing is left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use sip_core::message::{HeaderName, Message, Method, Request, StatusCode};
use sip_core::transaction::{ClientId, Limits, ServerId, Timers, TransactionEvent, TransactionOutput, Transactions};
use sip_core::{Duration, Entropy, Flow, Instant, SocketId, Transport};

const SEEDS: u8 = 24;
const STEPS: usize = 200;

#[test]
fn no_sequence_over_udp_leaves_a_transaction_behind() {
    for seed in 0..SEEDS {
        World::new(seed, Transport::Udp).run();
    }
}

#[test]
fn no_sequence_over_websockets_leaves_a_transaction_behind() {
    for seed in 0..SEEDS {
        World::new(seed, Transport::Wss).run();
    }
}

/// Where the messages of both ends meet.
struct World {
    ends: [End; 2],
    transport: Transport,
    entropy: Entropy,
    now: Instant,
    /// Under way: when they arrive, at which end.
    network: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    /// What was sent before, to be replayed.
    history: Vec<(usize, Vec<u8>)>,
    serial: u64,
    is_calm: bool,
}

/// One agent and what its user remembers.
struct End {
    transactions: Transactions,
    clients: BTreeMap<ClientId, Sent>,
    servers: BTreeMap<ServerId, Request>,
    dead_clients: BTreeSet<ClientId>,
    dead_servers: BTreeSet<ServerId>,
}

struct Sent {
    request: Request,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    Refused,
    NoAnswer,
}

impl World {
    fn new(seed: u8, transport: Transport) -> Self {
        Self {
            ends: [End::new(), End::new()],
            transport,
            entropy: Entropy::new([seed; 32]),
            now: Instant::from_millis(5),
            network: BTreeMap::new(),
            history: Vec::new(),
            serial: 0,
            is_calm: false,
        }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        self.is_calm = true;
        self.finish();
        let patience = Timers::default().patience();
        // What is answered last keeps its timers, and a copy under way may open one more transaction.
        let end = self.now + patience + patience + Duration::from_secs(20);
        while let Some(next) = self.next_moment() {
            assert!(next <= end, "something runs after the end");
            self.advance_to(next);
            self.answer_all();
        }
        for end in &self.ends {
            assert_eq!(end.transactions.client_count(), 0);
            assert_eq!(end.transactions.server_count(), 0);
            assert!(end.clients.is_empty() && end.servers.is_empty());
        }
    }

    /// One thing that anybody might do.
    fn step(&mut self) {
        let end = self.below(2);
        match self.below(20) {
            0..=3 => self.send_request(end),
            4..=8 => self.answer_one(end),
            9 => self.cancel_one(end),
            10 => self.replay(),
            11 => self.distort(),
            12 if self.below(4) == 0 => self.fail(end),
            _ => {}
        }
        let pause = match self.below(6) {
            0 => self.below(9_000),
            1 | 2 => self.below(700),
            _ => self.below(40),
        };
        let until = self.now + Duration::from_millis(pause as u64);
        while let Some(next) = self.next_moment().filter(|next| *next <= until) {
            self.advance_to(next);
        }
        self.now = until;
    }

    fn send_request(&mut self, end: usize) {
        let methods = ["INVITE", "INVITE", "OPTIONS", "BYE", "REGISTER"];
        let method = methods[self.below(methods.len())];
        self.serial += 1;
        let serial = self.serial;
        let text = format!(
            "{method} sip:other@example.com SIP/2.0\r\n\
             Via: SIP/2.0/{} end{end}.invalid;branch=z9hG4bK{serial};rport\r\n\
             From: <sip:me@example.com>;tag=t{serial}\r\n\
             To: <sip:other@example.com>\r\n\
             Call-ID: call-{serial}\r\n\
             CSeq: 1 {method}\r\n\
             Contact: <sip:me@end{end}.invalid>\r\n\r\n",
            self.transport.as_str()
        );
        let Ok(Message::Request(request)) = Message::parse(text.as_bytes()) else { unreachable!() };
        self.launch(end, request);
    }

    fn launch(&mut self, end: usize, request: Request) {
        let (flow, transport, now) = (self.flow(), self.transport, self.now);
        let this = &mut self.ends[end];
        if let Ok(id) = this.transactions.request(request.clone(), flow, transport, now) {
            this.clients.insert(id, Sent { request, outcome: None });
        }
        self.drain(end);
    }

    fn answer_one(&mut self, end: usize) {
        let open: Vec<ServerId> = self.ends[end].servers.keys().copied().collect();
        if !open.is_empty() {
            let codes = [100, 180, 183, 200, 200, 302, 401, 486, 500, 603];
            let (id, code) = (open[self.below(open.len())], codes[self.below(codes.len())]);
            self.answer(end, id, code);
        }
    }

    fn answer(&mut self, end: usize, id: ServerId, code: u16) {
        let this = &mut self.ends[end];
        let response = this.servers[&id].reply(StatusCode::new(code).unwrap(), Some("answer"));
        let _ = this.transactions.respond(id, response, self.now);
        self.drain(end);
    }

    fn cancel_one(&mut self, end: usize) {
        let is_invite = |sent: &Sent| sent.request.method == Method::Invite;
        let clients = self.ends[end].clients.values();
        let invites: Vec<Request> = clients.filter(|sent| is_invite(sent)).map(|sent| sent.request.clone()).collect();
        if !invites.is_empty() {
            let invite = invites[self.below(invites.len())].clone();
            self.cancel(end, invite);
        }
    }

    fn cancel(&mut self, end: usize, mut invite: Request) {
        invite.method = Method::Cancel;
        invite.headers.set(HeaderName::CSeq, "1 CANCEL");
        self.launch(end, invite);
    }

    /// Something old comes again, at either end.
    fn replay(&mut self) {
        if !self.history.is_empty() {
            let which = self.below(self.history.len());
            let (_, bytes) = self.history[which].clone();
            let end = self.below(2);
            self.arrive(end, &bytes);
        }
    }

    /// Something that was sent comes with other words in it.
    fn distort(&mut self) {
        if self.history.is_empty() {
            return;
        }
        let which = self.below(self.history.len());
        let (end, bytes) = self.history[which].clone();
        let words = ["INVITE", "ACK", "CANCEL", "BYE", "180", "200", "486", "z9hG4bK", ";rport", "tag="];
        let (from, to) = (words[self.below(words.len())], words[self.below(words.len())]);
        let text = String::from_utf8(bytes).unwrap().replace(from, to);
        self.arrive(end, text.as_bytes());
    }

    fn fail(&mut self, end: usize) {
        let (flow, now) = (self.flow(), self.now);
        let transactions = &mut self.ends[end].transactions;
        match self.entropy.number() % 2 {
            0 => transactions.handle_flow_failed(flow, now),
            _ => transactions.handle_socket_closed(flow.socket, now),
        }
        self.drain(end);
    }

    /// Every user brings what is open to its end.
    fn finish(&mut self) {
        self.answer_all();
        for end in [0, 1] {
            let clients: Vec<Request> = self.ends[end].clients.values().map(|sent| sent.request.clone()).collect();
            for request in clients.into_iter().filter(|sent| sent.method == Method::Invite) {
                self.cancel(end, request);
            }
        }
    }

    fn answer_all(&mut self) {
        for end in [0, 1] {
            let open: Vec<ServerId> = self.ends[end].servers.keys().copied().collect();
            for id in open {
                if self.ends[end].servers.contains_key(&id) {
                    self.answer(end, id, 500);
                }
            }
        }
    }

    fn next_moment(&self) -> Option<Instant> {
        let timers = self.ends.iter().filter_map(|end| end.transactions.next_timeout());
        let arrivals = self.network.keys().next().map(|(at, _)| *at);
        timers.chain(arrivals).min()
    }

    fn advance_to(&mut self, moment: Instant) {
        self.now = self.now.max(moment);
        while let Some(arrival) = self.network.first_entry().filter(|entry| entry.key().0 <= moment) {
            let (end, bytes) = arrival.remove();
            self.arrive(end, &bytes);
        }
        for end in [0, 1] {
            self.ends[end].transactions.handle_timeout(self.now);
            self.drain(end);
        }
    }

    fn arrive(&mut self, end: usize, bytes: &[u8]) {
        if let Ok(message) = Message::parse(bytes) {
            let (flow, transport) = (self.flow(), self.transport);
            self.ends[end].transactions.handle_message(message, flow, transport, self.now);
            self.drain(end);
        }
    }

    fn drain(&mut self, end: usize) {
        while let Some(output) = self.ends[end].transactions.poll_output() {
            match output {
                TransactionOutput::Transmit { bytes, .. } => self.carry(1 - end, &bytes),
                TransactionOutput::Event(event) => self.ends[end].hear(event),
            }
        }
    }

    /// Over UDP a message may be lost, come twice, or overtake another.
    fn carry(&mut self, to: usize, bytes: &[u8]) {
        if !self.is_calm {
            self.history.push((to, bytes.to_vec()));
        }
        let copies = match (self.transport, self.below(10)) {
            (Transport::Udp, 0..=2) => 0,
            (Transport::Udp, 3) => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = if self.transport == Transport::Udp { self.below(300) } else { 20 };
            let at = self.now + Duration::from_millis(delay as u64);
            self.serial += 1;
            self.network.insert((at, self.serial), (to, bytes.to_vec()));
        }
    }

    /// The same at both ends: each has its own socket.
    fn flow(&self) -> Flow {
        match self.transport {
            Transport::Udp => Flow::datagram(SocketId(1), "192.0.2.1:5060".parse().unwrap()),
            _ => Flow::connection(SocketId(1)),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.entropy.number() % bound as u64) as usize
    }
}

impl End {
    fn new() -> Self {
        let limits = Limits { clients: 40, servers: 40 };
        Self {
            transactions: Transactions::with_limits(Timers::default(), limits),
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            dead_clients: BTreeSet::new(),
            dead_servers: BTreeSet::new(),
        }
    }

    fn hear(&mut self, event: TransactionEvent) {
        match event {
            TransactionEvent::Request { id, request, .. } | TransactionEvent::Cancel { id, request, .. } => {
                assert!(!self.dead_servers.contains(&id), "revived");
                assert!(self.servers.insert(id, request).is_none(), "told twice");
            }
            TransactionEvent::Response { id, response } if response.status.is_final() => {
                let success = response.status.is_success();
                self.note(id, if success { Outcome::Success } else { Outcome::Refused });
            }
            TransactionEvent::Response { id, .. } => {
                assert_eq!(self.clients[&id].outcome, None, "provisional after final");
            }
            TransactionEvent::Timeout { id } | TransactionEvent::TransportFailed { id } => {
                self.note(id, Outcome::NoAnswer);
            }
            TransactionEvent::ClientTerminated { id } => {
                let sent = self.clients.remove(&id).expect("over once");
                assert!(sent.outcome.is_some(), "over without an outcome");
                assert!(self.dead_clients.insert(id));
            }
            TransactionEvent::ServerTerminated { id } => {
                // One that the machine refused as merged was never told.
                self.servers.remove(&id);
                assert!(self.dead_servers.insert(id), "over once");
            }
            TransactionEvent::AckTimeout { id } | TransactionEvent::ServerTransportFailed { id } => {
                assert!(!self.dead_servers.contains(&id), "revived");
            }
            TransactionEvent::Ack { .. } | TransactionEvent::StrayResponse { .. } => {}
        }
    }

    /// One outcome; only an accepted INVITE is accepted again.
    fn note(&mut self, id: ClientId, outcome: Outcome) {
        let sent = self.clients.get_mut(&id).expect("a transaction that runs");
        match sent.outcome {
            None => sent.outcome = Some(outcome),
            Some(first) => {
                let is_fork = sent.request.method == Method::Invite && first == Outcome::Success;
                assert!(is_fork && outcome == Outcome::Success, "{first:?}, then {outcome:?}");
            }
        }
    }
}
