//! A browser, the relay and a PBX in virtual time. The two ends are `sip_core` user agents; media is a clerk that opens
//! whatever it is asked to open.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(dead_code, unused_imports, reason = "each file of tests uses its part of this world")]

mod talk;

pub(crate) use talk::invite;

use core::net::SocketAddr;
use relay_core::b2bua::{
    Access, B2bua, CallRecord, Config, Domain, FlowFault, Gateway, Input, Output, Trunk, TrunkSocket, Undecided,
};
use relay_core::media::control::{Fingerprint, MediaCommand, MediaEvent, MediaId, MediaReport};
use sip_core::agent::{self, Event, LocalSocket, UserAgent};
use sip_core::message::{Message, Method, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::collections::VecDeque;

pub(crate) const RELAY: &str = "192.0.2.1:5060";
pub(crate) const PBX: &str = "192.0.2.99:5060";
pub(crate) const BROWSER: SocketId = SocketId(7);
const TRUNK: SocketId = SocketId(0);
const PBX_METHODS: [Method; 4] = [Method::Register, Method::Message, Method::Subscribe, Method::Publish];

/// Who is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Browser,
    Pbx,
}

/// A message in flight, with who gets it.
#[derive(Debug)]
enum Parcel {
    ToBrowser(SocketId, Vec<u8>),
    ToPbx(Vec<u8>),
    FromBrowser(SocketId, Vec<u8>),
    FromPbx(Vec<u8>),
    Media(MediaEvent),
}

/// Everything between a web page and a telephone.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) relay: B2bua,
    pub(crate) browser: UserAgent,
    pub(crate) pbx: UserAgent,
    pub(crate) browser_events: VecDeque<Event>,
    pub(crate) pbx_events: VecDeque<Event>,
    /// What media was told, in order.
    pub(crate) commands: Vec<MediaCommand>,
    pub(crate) records: Vec<CallRecord>,
    /// Calls that somebody is asked about.
    pub(crate) undecided: Vec<Undecided>,
    /// Every message that crossed a wire: who got it, or sent it to the relay.
    pub(crate) log: Vec<(End, Message)>,
    /// Whether datagrams reach the PBX.
    pub(crate) is_pbx_reachable: bool,
    /// Whether they are lost without a word.
    pub(crate) is_pbx_deaf: bool,
    /// WebSockets that carry nothing any more.
    pub(crate) cut: Vec<SocketId>,
    parcels: VecDeque<Parcel>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With a PBX whose BYEs are answered by the test.
    pub(crate) fn with_pbx_that_answers_byes() -> Self {
        let methods = [Method::Register, Method::Bye];
        let pbx = agent([3; 32], &methods, TRUNK, Transport::Udp, PBX, "sip:pbx@192.0.2.99:5060");
        Self { pbx, ..Self::new() }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            sockets: vec![socket()],
            trunks: vec![Trunk::new("pbx", gateway())],
            domains: vec![Domain { name: "example.com".to_owned(), trunk: 0 }],
            ..Config::default()
        };
        change(&mut config);
        let mut world = Self {
            now: Instant::from_millis(1_000),
            relay: B2bua::new(config, [1; 32]),
            browser: agent(
                [2; 32],
                &[Method::Message],
                BROWSER,
                Transport::Ws,
                "abc.invalid",
                "sip:me@abc.invalid;transport=ws",
            ),
            pbx: agent([3; 32], &PBX_METHODS, TRUNK, Transport::Udp, PBX, "sip:pbx@192.0.2.99:5060"),
            browser_events: VecDeque::new(),
            pbx_events: VecDeque::new(),
            commands: Vec::new(),
            records: Vec::new(),
            undecided: Vec::new(),
            log: Vec::new(),
            is_pbx_reachable: true,
            is_pbx_deaf: false,
            cut: Vec::new(),
            parcels: VecDeque::new(),
        };
        let peer = "198.51.100.5:40000".parse().unwrap();
        world.relay.handle_input(
            Input::WebOpened { socket: BROWSER, peer, secure: false, page: None, access: Access::Full },
            world.now,
        );
        world
    }

    /// Gives one end other settings, before anything has happened.
    pub(crate) fn equip(&mut self, end: End, config: agent::Config) {
        match end {
            End::Browser => {
                let contact = "sip:me@abc.invalid;transport=ws";
                self.browser = agent_with(config, [2; 32], BROWSER, Transport::Ws, "abc.invalid", contact);
            }
            End::Pbx => {
                self.pbx = agent_with(config, [3; 32], TRUNK, Transport::Udp, PBX, "sip:pbx@192.0.2.99:5060");
            }
        }
    }

    /// The browser's flow to the relay.
    pub(crate) fn web_flow() -> Flow {
        Flow::connection(BROWSER)
    }

    /// The browser opens another WebSocket.
    pub(crate) fn open_web(&mut self, socket: SocketId) -> Flow {
        let peer = "198.51.100.5:40001".parse().unwrap();
        self.relay
            .handle_input(Input::WebOpened { socket, peer, secure: false, page: None, access: Access::Full }, self.now);
        let contact = "sip:me@abc.invalid;transport=ws".parse().unwrap();
        let local = LocalSocket { transport: Transport::Ws, sent_by: "abc.invalid".to_owned(), contact };
        self.browser.open_socket(socket, local);
        Flow::connection(socket)
    }

    /// The PBX's flow to the relay.
    pub(crate) fn trunk_flow() -> Flow {
        Flow::datagram(TRUNK, RELAY.parse().unwrap())
    }

    /// Lets everything happen that takes no time.
    pub(crate) fn settle(&mut self) {
        loop {
            self.drain_relay();
            self.drain_browser();
            self.drain_pbx();
            let Some(parcel) = self.parcels.pop_front() else {
                return;
            };
            self.deliver(parcel);
        }
    }

    /// Lets time pass, from one deadline to the next.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let next = [self.relay_deadline(), deadline(&mut self.browser), deadline(&mut self.pbx)];
            match next.into_iter().flatten().min() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
            self.relay.handle_input(Input::Timeout, self.now);
            self.browser.handle_timeout(self.now);
            self.pbx.handle_timeout(self.now);
        }
        self.now = end;
        self.settle();
    }

    /// Tells the relay something, and lets everything happen that follows at once.
    pub(crate) fn tell(&mut self, input: Input) {
        self.relay.handle_input(input, self.now);
        self.settle();
    }

    /// The next event at one end, with everything settled.
    pub(crate) fn event(&mut self, end: End) -> Option<Event> {
        self.settle();
        match end {
            End::Browser => self.browser_events.pop_front(),
            End::Pbx => self.pbx_events.pop_front(),
        }
    }

    /// The messages that went to or came from one end, as `INVITE` or `180`.
    pub(crate) fn ladder(&self, end: End) -> Vec<String> {
        let of_end = self.log.iter().filter(|(who, _)| *who == end);
        of_end.map(|(_, message)| name(message)).collect()
    }

    /// The last message at one end with this name.
    pub(crate) fn last(&self, end: End, wanted: &str) -> &Message {
        let mut of_end = self.log.iter().rev().filter(|(who, message)| *who == end && name(message) == wanted);
        &of_end.next().unwrap_or_else(|| panic!("no {wanted} at {end:?}: {:?}", self.ladder(end))).1
    }

    fn deliver(&mut self, parcel: Parcel) {
        let now = self.now;
        match parcel {
            Parcel::ToBrowser(socket, _) | Parcel::FromBrowser(socket, _) if self.cut.contains(&socket) => {}
            Parcel::ToBrowser(socket, bytes) => {
                self.browser.handle_message(Flow::connection(socket), &bytes, now);
            }
            Parcel::ToPbx(_) if self.is_pbx_deaf => {}
            Parcel::ToPbx(bytes) if self.is_pbx_reachable => self.pbx.handle_message(Self::trunk_flow(), &bytes, now),
            Parcel::ToPbx(_) => {
                let flow = Flow::datagram(TRUNK, PBX.parse().unwrap());
                self.relay.handle_input(Input::FlowFailed { flow, fault: FlowFault::Unreachable }, now);
            }
            Parcel::FromBrowser(socket, bytes) => self.relay.handle_input(Input::WebMessage { socket, bytes }, now),
            Parcel::FromPbx(bytes) => {
                let flow = Flow::datagram(TRUNK, PBX.parse().unwrap());
                self.relay.handle_input(Input::TrunkMessage { flow, bytes }, now);
            }
            Parcel::Media(event) => self.relay.handle_input(Input::Media(event), now),
        }
    }

    fn drain_relay(&mut self) {
        loop {
            match self.relay.poll_output() {
                Output::WebSend { socket, bytes } => {
                    self.note(End::Browser, &bytes);
                    self.parcels.push_back(Parcel::ToBrowser(socket, bytes));
                }
                Output::TrunkSend { bytes, .. } => {
                    self.note(End::Pbx, &bytes);
                    self.parcels.push_back(Parcel::ToPbx(bytes));
                }
                Output::Media(command) => self.clerk(command),
                Output::Resolve { query, .. } => {
                    let result = Err("no such name".to_owned());
                    self.relay.handle_input(Input::Resolved { query, result }, self.now);
                }
                Output::Decide(undecided) => self.undecided.push(*undecided),
                Output::Alias { .. } | Output::GatewayChanged(_) | Output::Denied(_) => {}
                Output::CallEnded(record) => self.records.push(*record),
                Output::Timeout(_) => return,
            }
        }
    }

    /// Opens and closes media as a worker would.
    fn clerk(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Open { id, .. } => self.parcels.push_back(Parcel::Media(opened(*id))),
            MediaCommand::Close { id } => {
                let event = MediaEvent::Closed { id: *id, report: MediaReport::default() };
                self.parcels.push_back(Parcel::Media(event));
            }
            _ => {}
        }
        self.commands.push(command);
    }

    fn drain_browser(&mut self) {
        loop {
            match self.browser.poll_output() {
                agent::Output::Transmit { flow, bytes } => {
                    self.note(End::Browser, &bytes);
                    self.parcels.push_back(Parcel::FromBrowser(flow.socket, bytes));
                }
                agent::Output::Event(event) => self.browser_events.push_back(event),
                agent::Output::Timeout(_) => return,
            }
        }
    }

    fn drain_pbx(&mut self) {
        loop {
            match self.pbx.poll_output() {
                agent::Output::Transmit { bytes, .. } => {
                    self.note(End::Pbx, &bytes);
                    self.parcels.push_back(Parcel::FromPbx(bytes));
                }
                agent::Output::Event(event) => self.pbx_events.push_back(event),
                agent::Output::Timeout(_) => return,
            }
        }
    }

    fn note(&mut self, end: End, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap_or_else(|error| {
            panic!("{error:?} in {}", String::from_utf8_lossy(bytes));
        });
        self.log.push((end, message));
    }

    fn relay_deadline(&mut self) -> Option<Instant> {
        match self.relay.poll_output() {
            Output::Timeout(at) => at,
            other => panic!("settled, but {other:?}"),
        }
    }
}

fn deadline(agent: &mut UserAgent) -> Option<Instant> {
    match agent.poll_output() {
        agent::Output::Timeout(at) => at,
        other => panic!("settled, but {other:?}"),
    }
}

/// `INVITE`, or `200 INVITE`.
fn name(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => {
            let method = response.headers.cseq().unwrap().method;
            format!("{} {method}", response.status.as_u16())
        }
    }
}

fn gateway() -> Gateway {
    let pbx: SocketAddr = PBX.parse().unwrap();
    Gateway::new(&pbx.ip().to_string(), Some(pbx.port()), None)
}

fn socket() -> TrunkSocket {
    TrunkSocket { id: TRUNK, transport: Transport::Udp, local: RELAY.parse().unwrap(), gateway: None }
}

fn opened(id: MediaId) -> MediaEvent {
    let fingerprint = Fingerprint { algorithm: "sha-256".to_owned(), value: vec![0xAB; 32] };
    let port = 30_000 + u16::try_from(id.0 * 2).unwrap();
    let trunk = SocketAddr::from(([192, 0, 2, 1], port));
    MediaEvent::Opened { id, trunk, web: vec!["203.0.113.1:40000".parse().unwrap()], fingerprint }
}

fn agent(
    seed: [u8; 32],
    methods: &[Method],
    socket: SocketId,
    transport: Transport,
    sent_by: &str,
    contact: &str,
) -> UserAgent {
    let config = agent::Config {
        application_methods: methods.to_vec(),
        dialog_methods: vec![Method::Subscribe],
        ..agent::Config::default()
    };
    agent_with(config, seed, socket, transport, sent_by, contact)
}

fn agent_with(
    config: agent::Config,
    seed: [u8; 32],
    socket: SocketId,
    transport: Transport,
    sent_by: &str,
    contact: &str,
) -> UserAgent {
    let mut agent = UserAgent::new(config, seed);
    let contact: Uri = contact.parse().unwrap();
    agent.open_socket(socket, LocalSocket { transport, sent_by: sent_by.to_owned(), contact });
    agent
}

/// What a Chromium offers, shortened.
pub(crate) const WEB_OFFER: &str = "v=0\r\n\
o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n\
s=-\r\n\
t=0 0\r\n\
a=group:BUNDLE 0\r\n\
a=extmap-allow-mixed\r\n\
a=msid-semantic: WMS stream\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n\
c=IN IP4 0.0.0.0\r\n\
a=rtcp:9 IN IP4 0.0.0.0\r\n\
a=ice-ufrag:uFrG\r\n\
a=ice-pwd:aPasswordOfTwentyTwoPlus\r\n\
a=ice-options:trickle\r\n\
a=fingerprint:sha-256 12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0\r\n\
a=setup:actpass\r\n\
a=mid:0\r\n\
a=sendrecv\r\n\
a=msid:stream track\r\n\
a=rtcp-mux\r\n\
a=rtpmap:111 opus/48000/2\r\n\
a=rtcp-fb:111 transport-cc\r\n\
a=fmtp:111 minptime=10;useinbandfec=1\r\n\
a=rtpmap:63 red/48000/2\r\n\
a=fmtp:63 111/111\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:13 CN/8000\r\n\
a=rtpmap:110 telephone-event/48000\r\n\
a=rtpmap:126 telephone-event/8000\r\n";

/// What a PBX answers or offers.
pub(crate) const TRUNK_SDP: &str = "v=0\r\n\
o=- 17 1 IN IP4 192.0.2.99\r\n\
s=Asterisk\r\n\
c=IN IP4 192.0.2.99\r\n\
t=0 0\r\n\
m=audio 12000 RTP/AVP 8 101\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n\
a=sendrecv\r\n";
