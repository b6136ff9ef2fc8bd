//! Two user agents, a clock that jumps, and a link that loses, repeats and delays what it is told to.
//!
//! [`Pair`] connects two agents; [`Alone`] is one agent whose other side is written by the test, message by message.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod alone;
mod words;

pub(crate) use alone::{Alone, answer, invite_of_bob, request_of_bob};
pub(crate) use words::label;

use sip_core::agent::{Config, End, Event, Invite, LocalSocket, Output, SessionId, UserAgent};
use sip_core::message::{Message, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::collections::{BTreeMap, VecDeque};
use words::{ended, word};

pub(crate) const OFFER: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
pub(crate) const ANSWER: &str =
    "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

/// One way of the link.
const LATENCY: Duration = Duration::from_millis(10);

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Alice,
    Bob,
}

use Side::{Alice, Bob};

impl Side {
    const fn other(self) -> Self {
        match self {
            Alice => Bob,
            Bob => Alice,
        }
    }

    /// The address of this side.
    fn address(self) -> &'static str {
        match self {
            Alice => "192.0.2.1:5060",
            Bob => "192.0.2.2:5060",
        }
    }

    fn user(self) -> &'static str {
        match self {
            Alice => "alice",
            Bob => "bob",
        }
    }

    pub(crate) fn uri(self) -> Uri {
        uri(&format!("sip:{}@{}", self.user(), self.address()))
    }
}

/// What becomes of a message on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    IsLost,
    ArrivesTwice,
    IsLate(Duration),
}

/// Decides what becomes of a message, by its number and its content.
type Decide = Box<dyn FnMut(usize, &Message) -> Fate>;

/// A message as it was put on the link.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) from: Side,
    pub(crate) message: Message,
    pub(crate) fate: Fate,
}

impl Sent {
    /// `INVITE` or `180 INVITE`.
    pub(crate) fn label(&self) -> String {
        label(&self.message)
    }
}

/// One agent with what it told.
pub(crate) struct Peer {
    pub(crate) agent: UserAgent,
    pub(crate) events: VecDeque<Event>,
    timeout: Option<Instant>,
}

/// Two agents and the link between them.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) alice: Peer,
    pub(crate) bob: Peer,
    pub(crate) log: Vec<Sent>,
    transport: Transport,
    flight: BTreeMap<(Instant, u64), (Side, Vec<u8>)>,
    serial: u64,
    fate: Decide,
}

impl Pair {
    pub(crate) fn new(transport: Transport) -> Self {
        Self::with_config(transport, Config::default())
    }

    pub(crate) fn udp() -> Self {
        Self::new(Transport::Udp)
    }

    pub(crate) fn with_config(transport: Transport, config: Config) -> Self {
        Self::with_configs(transport, config.clone(), config)
    }

    pub(crate) fn with_configs(transport: Transport, alice: Config, bob: Config) -> Self {
        Self {
            now: Instant::from_millis(1_000),
            alice: Peer::new(Alice, transport, alice),
            bob: Peer::new(Bob, transport, bob),
            log: Vec::new(),
            transport,
            flight: BTreeMap::new(),
            serial: 0,
            fate: Box::new(|_, _| Fate::Arrives),
        }
    }

    /// Decides the fate of each message by its number, counted from 0, and its content.
    pub(crate) fn link(&mut self, fate: impl FnMut(usize, &Message) -> Fate + 'static) {
        self.fate = Box::new(fate);
    }

    /// The flow of a side toward the other.
    pub(crate) fn flow(&self, side: Side) -> Flow {
        flow(self.transport, side)
    }

    pub(crate) fn peer(&mut self, side: Side) -> &mut Peer {
        match side {
            Alice => &mut self.alice,
            Bob => &mut self.bob,
        }
    }

    /// An INVITE of Alice's to Bob.
    pub(crate) fn invitation(&self) -> Invite {
        Invite { offer: Some(OFFER.to_owned()), ..Invite::new(Bob.uri(), NameAddr::new(Alice.uri()), self.flow(Alice)) }
    }

    // Stories that many tests begin with.

    /// Alice calls; returns her session.
    pub(crate) fn call(&mut self) -> SessionId {
        let invite = self.invitation();
        self.alice.agent.invite(invite, self.now).unwrap()
    }

    /// Alice calls, Bob rings and accepts, the ACK has come.
    pub(crate) fn established(&mut self) -> (SessionId, SessionId) {
        let alice = self.call();
        self.settle();
        let bob = self.bob.incoming_call();
        self.bob.agent.ring(bob, StatusCode::RINGING, None, Vec::new(), self.now).unwrap();
        self.settle();
        self.bob.agent.accept(bob, ANSWER.to_owned(), Vec::new(), self.now).unwrap();
        self.settle();
        assert_eq!(self.alice.told(), ["180", "accepted"]);
        assert_eq!(self.bob.told(), ["confirmed"]);
        self.log.clear();
        (alice, bob)
    }

    // Time.

    /// Lets everything arrive that is on its way; timers fire only where their moment comes before that.
    pub(crate) fn settle(&mut self) {
        self.drain();
        while let Some((&(at, _), _)) = self.flight.first_key_value() {
            self.step(at);
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.step(next);
        }
        self.now = end;
    }

    fn next_moment(&self) -> Option<Instant> {
        let arrival = self.flight.first_key_value().map(|((at, _), _)| *at);
        [arrival, self.alice.timeout, self.bob.timeout].into_iter().flatten().min()
    }

    /// Jumps to the next moment, at most to `limit`, and lets what is due happen.
    fn step(&mut self, limit: Instant) {
        let next = self.next_moment().map_or(limit, |next| next.min(limit));
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(((at, serial), (from, bytes))) = self.flight.pop_first() {
            if at > now {
                self.flight.insert((at, serial), (from, bytes));
                break;
            }
            let to = from.other();
            let flow = self.flow(to);
            self.peer(to).agent.handle_message(flow, &bytes, now);
            self.drain();
        }
        for side in [Alice, Bob] {
            let peer = self.peer(side);
            if peer.timeout.is_some_and(|timeout| timeout <= now) {
                peer.agent.handle_timeout(now);
            }
        }
        self.drain();
    }

    /// The driver's loop, for both sides.
    fn drain(&mut self) {
        for side in [Alice, Bob] {
            loop {
                match self.peer(side).agent.poll_output() {
                    Output::Transmit { flow, bytes } => self.put_on_link(side, flow, &bytes),
                    Output::Event(event) => self.peer(side).events.push_back(event),
                    Output::Timeout(timeout) => break self.peer(side).timeout = timeout,
                }
            }
        }
    }

    fn put_on_link(&mut self, from: Side, flow: Flow, bytes: &[u8]) {
        assert_eq!(flow, self.flow(from), "everything goes to the other side");
        let message = Message::parse(bytes).expect("what is sent can be read");
        let fate = (self.fate)(self.log.len(), &message);
        self.log.push(Sent { at: self.now, from, message, fate });
        let arrivals: &[Duration] = match fate {
            Fate::IsLost => &[],
            Fate::Arrives => &[LATENCY],
            Fate::ArrivesTwice => &[LATENCY, Duration::from_millis(15)],
            Fate::IsLate(late) => &[late],
        };
        for arrival in arrivals {
            self.serial += 1;
            self.flight.insert((self.now + *arrival, self.serial), (from, bytes.to_vec()));
        }
    }

    /// Whether no message is on its way and no timer runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.next_moment().is_none()
    }

    // What was sent.

    /// All messages since the log was cleared: `alice INVITE`, `bob 180 INVITE`.
    pub(crate) fn story(&self) -> Vec<String> {
        self.log.iter().map(|sent| format!("{} {}", sent.from.user(), sent.label())).collect()
    }

    /// The messages with this label, as `Sent::label` gives it.
    pub(crate) fn sent(&self, label: &str) -> Vec<&Sent> {
        self.log.iter().filter(|sent| sent.label() == label).collect()
    }

    /// The last request of a method.
    pub(crate) fn request(&self, method: &str) -> &Request {
        match self.sent(method).last().map(|sent| &sent.message) {
            Some(Message::Request(request)) => request,
            other => panic!("no {method}: {other:?}"),
        }
    }

    /// The last response with this label.
    pub(crate) fn response(&self, label: &str) -> &Response {
        match self.sent(label).last().map(|sent| &sent.message) {
            Some(Message::Response(response)) => response,
            other => panic!("no {label}: {other:?}"),
        }
    }
}

impl Peer {
    fn new(side: Side, transport: Transport, config: Config) -> Self {
        let mut agent = UserAgent::new(config, [side as u8 + 1; 32]);
        agent.open_socket(SocketId(0), local(side, transport));
        Self { agent, events: VecDeque::new(), timeout: None }
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

    /// The events so far, as words, taken.
    pub(crate) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| word(&event)).collect()
    }

    /// How the session ended, and that it ended once. Other events are dropped.
    pub(crate) fn end(&mut self) -> End {
        let mut ends: Vec<End> = self.events.drain(..).filter_map(ended).collect();
        assert_eq!(ends.len(), 1, "one Ended: {ends:?}");
        ends.remove(0)
    }
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn flow(transport: Transport, side: Side) -> Flow {
    match transport {
        Transport::Udp => Flow::datagram(SocketId(0), side.other().address().parse().unwrap()),
        _ => Flow::connection(SocketId(0)),
    }
}

fn local(side: Side, transport: Transport) -> LocalSocket {
    let (sent_by, contact) = match transport {
        Transport::Udp => (side.address().to_owned(), side.uri()),
        _ => {
            ("df7jal23ls0d.invalid".to_owned(), uri(&format!("sip:{}@df7jal23ls0d.invalid;transport=ws", side.user())))
        }
    };
    LocalSocket { transport, sent_by, contact }
}
