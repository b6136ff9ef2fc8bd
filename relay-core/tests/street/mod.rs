//! A browser and the relay in virtual time, in front of PBXs at many addresses: what is sent to each is seen, and answered
//! by hand. The DNS is a table.

#![allow(dead_code, reason = "each test file uses its part")]

use core::net::SocketAddr;
use relay_core::b2bua::{
    Access, Answer, B2bua, CallRecord, Config, Domain, FlowFault, Gateway, GatewayStatus, Input, Output, Question,
    Record, RecordKind, Trunk, TrunkSocket,
};
use relay_core::media::control::{Fingerprint, MediaCommand, MediaEvent, MediaReport};
use sip_core::agent::{self, Event, Invite, LocalSocket, OutgoingRequest, SessionEvent, SessionId, UserAgent};
use sip_core::message::{HeaderName, Message, Method, NameAddr, Request, Response, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::collections::{BTreeMap, VecDeque};

pub(crate) const UDP: SocketId = SocketId(0);
pub(crate) const TCP: SocketId = SocketId(1);
pub(crate) const TLS: SocketId = SocketId(16);
pub(crate) const UDP6: SocketId = SocketId(3);
const BROWSER: SocketId = SocketId(7);

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:0\r\na=sendrecv\r\n\
    a=ice-ufrag:test\r\na=ice-pwd:0123456789abcdef01234567\r\na=setup:actpass\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n";

/// What came out of the relay toward one address.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) message: Message,
    pub(crate) length: usize,
}

pub(crate) struct Street {
    pub(crate) now: Instant,
    pub(crate) relay: B2bua,
    pub(crate) browser: UserAgent,
    pub(crate) events: VecDeque<Event>,
    /// What went to PBXs and has not been looked at.
    pub(crate) sent: VecDeque<Sent>,
    pub(crate) commands: Vec<MediaCommand>,
    pub(crate) records: Vec<CallRecord>,
    pub(crate) gateways: Vec<GatewayStatus>,
    pub(crate) aliases: Vec<(Flow, SocketAddr)>,
    pub(crate) asked: Vec<Question>,
    /// Addresses where nobody listens.
    pub(crate) dead: Vec<SocketAddr>,
    pub(crate) zone: BTreeMap<(String, RecordKind), Vec<Record>>,
}

pub(crate) fn socket(id: SocketId, transport: Transport, local: &str) -> TrunkSocket {
    TrunkSocket { id, transport, local: local.parse().unwrap(), gateway: None }
}

/// One trunk for every domain, over every transport.
pub(crate) fn config(trunk: Trunk) -> Config {
    Config {
        sockets: vec![
            socket(UDP, Transport::Udp, "192.0.2.1:5060"),
            socket(TCP, Transport::Tcp, "192.0.2.1:5060"),
            socket(TLS, Transport::Tls, "192.0.2.1:5061"),
            socket(UDP6, Transport::Udp, "[2001:db8::1]:5060"),
        ],
        trunks: vec![trunk],
        domains: vec![Domain { name: "*".to_owned(), trunk: 0 }],
        ..Config::default()
    }
}

pub(crate) fn trunk(hosts: &[&str]) -> Trunk {
    let gateway = |(place, host): (usize, &&str)| {
        let (name, port) = match host.parse::<SocketAddr>() {
            Ok(address) => (address.ip().to_string(), Some(address.port())),
            Err(_) => ((*host).to_owned(), None),
        };
        Gateway { priority: u16::try_from(place).unwrap(), ..Gateway::new(&name, port, None) }
    };
    Trunk {
        gateways: hosts.iter().enumerate().map(gateway).collect(),
        ..Trunk::new("pbx", Gateway::new("unused", None, None))
    }
}

pub(crate) fn udp(address: &str) -> Flow {
    Flow::datagram(UDP, address.parse().unwrap())
}

pub(crate) fn a(address: &str) -> Record {
    Record::A(address.parse().unwrap())
}

pub(crate) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Record {
    Record::Srv { priority, weight, port, target: target.to_owned() }
}

pub(crate) fn naptr(order: u16, flags: &str, service: &str, replacement: &str) -> Record {
    let [flags, service, replacement] = [flags, service, replacement].map(str::to_owned);
    Record::Naptr { order, preference: 0, flags, service, replacement }
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

impl Street {
    pub(crate) fn new(config: Config) -> Self {
        let mut browser = UserAgent::new(agent::Config::default(), [2; 32]);
        let contact = uri("sip:me@abc.invalid;transport=ws");
        browser
            .open_socket(BROWSER, LocalSocket { transport: Transport::Ws, sent_by: "abc.invalid".to_owned(), contact });
        let mut street = Self {
            now: Instant::from_millis(1_000),
            relay: B2bua::new(config, [1; 32]),
            browser,
            events: VecDeque::new(),
            sent: VecDeque::new(),
            commands: Vec::new(),
            records: Vec::new(),
            gateways: Vec::new(),
            aliases: Vec::new(),
            asked: Vec::new(),
            dead: Vec::new(),
            zone: BTreeMap::new(),
        };
        let peer = "198.51.100.5:40000".parse().unwrap();
        street.tell(Input::WebOpened { socket: BROWSER, peer, secure: false, page: None, access: Access::Full });
        street
    }

    pub(crate) fn with_zone(mut self, zone: &[(&str, RecordKind, Vec<Record>)]) -> Self {
        for (name, kind, records) in zone {
            self.zone.insert(((*name).to_owned(), *kind), records.clone());
        }
        self
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.relay.handle_input(input, self.now);
        self.settle();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let Output::Timeout(relay) = self.relay.poll_output() else { panic!("settled") };
            let agent::Output::Timeout(browser) = self.browser.poll_output() else { panic!("settled") };
            match [relay, browser].into_iter().flatten().min() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
            self.relay.handle_input(Input::Timeout, self.now);
            self.browser.handle_timeout(self.now);
        }
        self.now = end;
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let mut inputs = Vec::new();
            while let Some(input) = self.next_input() {
                inputs.extend(input);
            }
            if inputs.is_empty() {
                return;
            }
            for input in inputs {
                self.relay.handle_input(input, self.now);
            }
        }
    }

    /// What follows from the next output of either side; none when both are done.
    fn next_input(&mut self) -> Option<Option<Input>> {
        match self.relay.poll_output() {
            Output::WebSend { bytes, .. } => {
                self.browser.handle_message(Flow::connection(BROWSER), &bytes, self.now);
                Some(None)
            }
            Output::TrunkSend { flow, bytes } => {
                let message = Message::parse(&bytes).expect("what the relay writes is SIP");
                let is_dead = flow.remote.is_some_and(|remote| self.dead.contains(&remote));
                self.sent.push_back(Sent { flow, message, length: bytes.len() });
                Some(is_dead.then_some(Input::FlowFailed { flow, fault: FlowFault::Unreachable }))
            }
            Output::Alias { flow, listener } => {
                self.aliases.push((flow, listener));
                Some(None)
            }
            Output::Media(command) => Some(self.clerk(command)),
            Output::Resolve { query, question } => {
                let records = self.zone.get(&(question.name.clone(), question.kind)).cloned().unwrap_or_default();
                self.asked.push(question);
                let answer = Answer { records, ttl: Duration::from_secs(60) };
                Some(Some(Input::Resolved { query, result: Ok(answer) }))
            }
            Output::GatewayChanged(status) => {
                self.gateways.push(status);
                Some(None)
            }
            Output::Denied(_) | Output::Decide(_) => Some(None),
            Output::CallEnded(record) => {
                self.records.push(*record);
                Some(None)
            }
            Output::Timeout(_) => match self.browser.poll_output() {
                agent::Output::Transmit { bytes, .. } => Some(Some(Input::WebMessage { socket: BROWSER, bytes })),
                agent::Output::Event(event) => {
                    self.events.push_back(event);
                    Some(None)
                }
                agent::Output::Timeout(_) => None,
            },
        }
    }

    fn clerk(&mut self, command: MediaCommand) -> Option<Input> {
        let opened = |id, host: &str| {
            let fingerprint = Fingerprint { algorithm: "sha-256".to_owned(), value: vec![0xAB; 32] };
            let trunk = format!("{host}:30000").parse().unwrap();
            let web = vec!["203.0.113.1:40000".parse().unwrap()];
            Some(Input::Media(MediaEvent::Opened { id, trunk, web, fingerprint }))
        };
        let event = match &command {
            MediaCommand::Open { id, .. } => opened(*id, "192.0.2.1"),
            MediaCommand::MoveTrunk { id, is_ipv6: true } => opened(*id, "[2001:db8::1]"),
            MediaCommand::MoveTrunk { id, is_ipv6: false } => opened(*id, "192.0.2.1"),
            MediaCommand::Close { id } => {
                Some(Input::Media(MediaEvent::Closed { id: *id, report: MediaReport::default() }))
            }
            _ => None,
        };
        self.commands.push(command);
        event
    }

    /// The browser calls.
    pub(crate) fn dial(&mut self, target: &str) -> SessionId {
        self.dial_with(target, |_| ())
    }

    pub(crate) fn dial_with(&mut self, target: &str, change: impl FnOnce(&mut Invite)) -> SessionId {
        let from = NameAddr::new(uri("sip:alice@example.com"));
        let mut invite =
            Invite { offer: Some(OFFER.to_owned()), ..Invite::new(uri(target), from, Flow::connection(BROWSER)) };
        change(&mut invite);
        let call = self.browser.invite(invite, self.now).unwrap();
        self.settle();
        call
    }

    /// The browser sends a text.
    pub(crate) fn text(&mut self, target: &str, text: &str) {
        let from = NameAddr::new(uri("sip:alice@example.com"));
        let flow = Flow::connection(BROWSER);
        let mut message = OutgoingRequest::new(Method::Message, uri(target), from, flow);
        message.body = Some(("text/plain".to_owned(), text.as_bytes().to_vec()));
        self.browser.request(message, self.now).unwrap();
        self.settle();
    }

    /// The answer to what the browser asked last.
    pub(crate) fn answered(&mut self) -> Response {
        let answer = |event| match event {
            Event::Response { response, .. } => Some(*response),
            _ => None,
        };
        self.events.drain(..).find_map(answer).expect("an answer")
    }

    /// The next request to a PBX, which must be of this method.
    pub(crate) fn request(&mut self, method: &str) -> (Flow, Request) {
        let sent = self.next(method);
        let Message::Request(request) = sent.message else { panic!("no request: {sent:?}") };
        (sent.flow, request)
    }

    /// The next message to a PBX, which must begin like this.
    pub(crate) fn next(&mut self, start: &str) -> Sent {
        let sent = self.sent.pop_front().unwrap_or_else(|| panic!("no {start} was sent"));
        let name = match &sent.message {
            Message::Request(request) => request.method.to_string(),
            Message::Response(response) => response.status.as_u16().to_string(),
        };
        assert_eq!(name, start, "{sent:?}");
        sent
    }

    /// A PBX answers.
    pub(crate) fn answer(&mut self, (flow, request): &(Flow, Request), status: u16, body: Option<&str>) {
        self.answer_with((flow, request), status, body, &[]);
    }

    pub(crate) fn answer_with(
        &mut self,
        (flow, request): (&Flow, &Request),
        status: u16,
        body: Option<&str>,
        rows: &[(HeaderName, &str)],
    ) {
        let mut response: Response = request.reply(StatusCode::new(status).unwrap(), Some("pbx"));
        for (name, value) in rows {
            response.headers.push(name.clone(), *value);
        }
        if let Some(body) = body {
            let contact = flow.remote.map(|remote| format!("<sip:pbx@{remote}>")).unwrap_or_default();
            response.headers.push(HeaderName::Contact, contact);
            response.set_body("application/sdp", body);
        }
        let bytes = response.write();
        self.tell(Input::TrunkMessage { flow: *flow, bytes });
    }

    /// How a call of the browser ended: status and reason.
    pub(crate) fn end(&mut self, call: SessionId) -> Option<(u16, String)> {
        self.settle();
        self.events.iter().find_map(|event| match event {
            Event::Session { id, event: SessionEvent::Ended(end) } if *id == call => {
                Some((end.status.map_or(0, StatusCode::as_u16), end.reason.clone()))
            }
            _ => None,
        })
    }

    pub(crate) fn is_accepted(&mut self, call: SessionId) -> bool {
        self.settle();
        self.events
            .iter()
            .any(|event| matches!(event, Event::Session { id, event: SessionEvent::Accepted { .. } } if *id == call))
    }

    /// Where the browser's REGISTER or INVITE went, in order, with duplicates left out.
    pub(crate) fn tried(&mut self, method: &str) -> Vec<Flow> {
        let mut flows: Vec<Flow> = Vec::new();
        for sent in self.sent.drain(..) {
            if let Message::Request(request) = &sent.message
                && request.method.as_str() == method
                && !flows.contains(&sent.flow)
            {
                flows.push(sent.flow);
            }
        }
        flows
    }
}
