//! A phone, the server at the other end of its WebSocket, and a clock that jumps.

use sip_core::agent::{self, Config, Event, IncomingId, LocalSocket, Reply, SessionEvent, SessionId, UserAgent};
use sip_core::message::{HeaderName, Host, Message, Method, Request, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use wasm_bindgen::JsValue;

use crate::phone::{Output, Phone};
use crate::types::{
    Account, CallEnd, CallOptions, CallState, ConnectionState, CoreConfig, CoreEvent, ErrorCode, OnPageHide,
    RegistrationState,
};

/// A description that a browser would accept; `keys` tells one peer connection from another.
pub(super) fn sdp(keys: &str) -> String {
    format!("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:{keys}\r\na=fingerprint:sha-256 {keys}\r\n")
}

/// What the phone wanted from the browser, apart from its socket.
#[derive(Debug, PartialEq)]
pub(super) enum Wish {
    Offer(bool),
    Answer(String),
    FreshAnswer(String),
    Apply(String),
    Tones(String),
    Way(&'static str),
    RollBack,
    Muted(bool),
    Close,
}

pub(super) struct Bench {
    pub(super) phone: Phone,
    pub(super) server: UserAgent,
    pub(super) now: Instant,
    /// Sockets that the phone opened, in order.
    pub(super) sockets: Vec<SocketId>,
    /// The servers they went to.
    pub(super) servers: Vec<usize>,
    /// The one that is open.
    pub(super) socket: Option<SocketId>,
    pub(super) events: Vec<CoreEvent>,
    pub(super) wishes: Vec<Wish>,
    /// What the server's agent says.
    pub(super) server_events: Vec<Event>,
    /// What the phone sent, in order.
    pub(super) sent: Vec<String>,
    pub(super) answers_pings: bool,
}

impl Bench {
    /// A phone with an account, not connected.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with other settings.
    pub(super) fn with(change: impl FnOnce(&mut CoreConfig)) -> Self {
        let account = Account {
            uri: "sip:alice@example.com".to_owned(),
            authorization_name: None,
            password: Some("secret".to_owned()),
            display_name: None,
            registrar: None,
        };
        let mut config = CoreConfig {
            server: "wss://relay.example.com/sip".to_owned(),
            servers: Vec::new(),
            account: Some(account),
            expires: None,
            user_agent: None,
            instance_id: None,
            ice_servers: JsValue::UNDEFINED,
            gathering_timeout_ms: None,
            audio: JsValue::UNDEFINED,
            headers: Vec::new(),
            message_types: Vec::new(),
            keep_alive_ms: None,
            on_page_hide: OnPageHide::Hangup,
            call_recovery: None,
            session_expires: None,
            session_minimum: None,
            session_refresher: None,
            reliable_provisional: None,
            max_calls: None,
            do_not_disturb: None,
            incoming_no_answer: None,
            outgoing_no_answer: None,
        };
        change(&mut config);
        let mut server = Config {
            application_methods: vec![Method::Register, Method::Message, Method::Subscribe, Method::Publish],
            dialog_methods: vec![Method::Subscribe],
            supported: vec!["replaces"],
            transfers: true,
            ..Config::default()
        };
        server.allow.push(Method::Refer);
        Self {
            phone: Phone::new(&config, [1; 32]).map_err(|error| error.message).unwrap(),
            server: UserAgent::new(server, [2; 32]),
            now: Instant::from_millis(1_000),
            sockets: Vec::new(),
            servers: Vec::new(),
            socket: None,
            events: Vec::new(),
            wishes: Vec::new(),
            server_events: Vec::new(),
            sent: Vec::new(),
            answers_pings: true,
        }
    }

    /// The same at another server.
    pub(super) fn serving(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { application_methods: vec![Method::Register], ..Config::default() };
        change(&mut config);
        Self { server: UserAgent::new(config, [2; 32]), ..Self::new() }
    }

    /// The same, connected.
    pub(super) fn connected() -> Self {
        let mut bench = Self::new();
        bench.tell(Phone::connect);
        bench.accept_socket();
        bench
    }

    /// The same, registered.
    pub(super) fn registered() -> Self {
        let mut bench = Self::connected();
        bench.tell(Phone::register).map_err(|error| error.message).unwrap();
        let register = bench.take_registers().remove(0);
        bench.grant(register);
        bench
    }

    /// The same, in a call that it made.
    pub(super) fn in_call() -> (Self, u32, SessionId) {
        let mut bench = Self::connected();
        let call = bench.call("bob");
        bench.describe(call, "us");
        let session = bench.incoming_at_server();
        bench.serve(|server, now| server.accept(session, sdp("them"), Vec::new(), now)).unwrap();
        (bench, call, session)
    }

    pub(super) fn call(&mut self, target: &str) -> u32 {
        self.call_with(target, &CallOptions::default())
    }

    pub(super) fn call_with(&mut self, target: &str, options: &CallOptions) -> u32 {
        self.tell(|phone, now| phone.call(target, options, now)).map_err(|error| error.message).unwrap()
    }

    /// The browser made a description.
    pub(super) fn describe(&mut self, call: u32, keys: &str) {
        self.tell(|phone, now| phone.handle_description(call, Ok(sdp(keys)), now));
    }

    /// The newest socket opens.
    pub(super) fn accept_socket(&mut self) {
        let socket = *self.sockets.last().unwrap();
        self.socket = Some(socket);
        let contact = Uri::sip(Some("server"), Host::Name("server.invalid".to_owned()), None);
        let local = LocalSocket { transport: Transport::Wss, sent_by: "server.invalid".to_owned(), contact };
        self.server.open_socket(socket, local);
        self.tell(|phone, now| phone.handle_socket_open(socket, now));
    }

    /// The open socket, or the one that is opening, closes.
    pub(super) fn close_socket(&mut self) {
        let socket = *self.sockets.last().unwrap();
        self.socket = None;
        self.tell(|phone, now| phone.handle_socket_closed(socket, Some((1006, String::new())), now));
    }

    pub(super) fn tell<T>(&mut self, tell: impl FnOnce(&mut Phone, Instant) -> T) -> T {
        let result = tell(&mut self.phone, self.now);
        self.run();
        result
    }

    pub(super) fn serve<T>(&mut self, serve: impl FnOnce(&mut UserAgent, Instant) -> T) -> T {
        let result = serve(&mut self.server, self.now);
        self.run();
        result
    }

    /// Lets time pass, stopping at each deadline on the way.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.run().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.phone.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
        self.now = end;
        self.run();
    }

    /// Delivers until both sides have nothing more to say. Returns the next deadline.
    fn run(&mut self) -> Option<Instant> {
        loop {
            let (phone, was_busy) = self.drain_phone();
            let (server, is_busy) = self.drain_server();
            if !was_busy && !is_busy {
                return phone.into_iter().chain(server).min();
            }
        }
    }

    fn drain_phone(&mut self) -> (Option<Instant>, bool) {
        let mut is_busy = false;
        loop {
            match self.phone.poll_output(self.now) {
                Output::Timeout(at) => return (at, is_busy),
                Output::OpenSocket { socket, server } => {
                    self.sockets.push(socket);
                    self.servers.push(server);
                }
                Output::CloseSocket(socket) => {
                    self.sent.push("close".to_owned());
                    self.socket = self.socket.filter(|open| *open != socket);
                }
                Output::Send { socket, bytes } => self.deliver(socket, &bytes),
                Output::MakeOffer { fresh, .. } => self.wishes.push(Wish::Offer(fresh)),
                Output::MakeAnswer { offer, fresh: false, .. } => self.wishes.push(Wish::Answer(offer)),
                Output::MakeAnswer { offer, .. } => self.wishes.push(Wish::FreshAnswer(offer)),
                Output::ApplyAnswer { answer, .. } => self.wishes.push(Wish::Apply(answer)),
                Output::SendTones { digits, .. } => self.wishes.push(Wish::Tones(digits)),
                Output::CloseMedia { .. } => self.wishes.push(Wish::Close),
                Output::SetMuted { muted, .. } => self.wishes.push(Wish::Muted(muted)),
                Output::SetWay { way, .. } => self.wishes.push(Wish::Way(way)),
                Output::RollBack { .. } => self.wishes.push(Wish::RollBack),
                Output::Event(event) => self.events.push(event),
            }
            is_busy = true;
        }
    }

    fn deliver(&mut self, socket: SocketId, bytes: &[u8]) {
        let is_ping = bytes == b"\r\n\r\n";
        self.sent.push(if is_ping { "ping".to_owned() } else { start_line(bytes) });
        if self.socket != Some(socket) {
            return;
        }
        if is_ping && self.answers_pings {
            self.phone.handle_message(socket, b"\r\n", self.now);
        } else if !is_ping {
            self.server.handle_message(Flow::connection(socket), bytes, self.now);
        }
    }

    fn drain_server(&mut self) -> (Option<Instant>, bool) {
        let mut is_busy = false;
        loop {
            match self.server.poll_output() {
                agent::Output::Timeout(at) => return (at, is_busy),
                agent::Output::Transmit { flow, bytes } if self.socket == Some(flow.socket) => {
                    self.phone.handle_message(flow.socket, &bytes, self.now);
                }
                agent::Output::Transmit { .. } => {}
                agent::Output::Event(event) => self.server_events.push(event),
            }
            is_busy = true;
        }
    }

    /// The session of the INVITE that reached the server.
    pub(super) fn incoming_at_server(&mut self) -> SessionId {
        let found = self.server_events.iter().find_map(|event| match event {
            Event::IncomingCall { session, .. } => Some(*session),
            _ => None,
        });
        found.unwrap()
    }

    /// The REGISTERs that wait at the server.
    pub(super) fn take_registers(&mut self) -> Vec<(IncomingId, Box<Request>)> {
        let requests = self.server_events.drain(..).filter_map(|event| match event {
            Event::Request { id, request, .. } => Some((id, request)),
            _ => None,
        });
        requests.collect()
    }

    /// The server grants a registration that it got.
    pub(super) fn grant(&mut self, (id, request): (IncomingId, Box<Request>)) {
        let contact = request.headers.get(&HeaderName::Contact).unwrap().to_owned();
        let reply = Reply::new(StatusCode::OK).header(HeaderName::Contact, contact);
        self.serve(|server, now| server.respond(id, reply, now)).unwrap();
    }

    pub(super) fn refuse(&mut self, id: IncomingId, status: u16, header: Option<(HeaderName, &str)>) {
        let mut reply = Reply::new(StatusCode::new(status).unwrap());
        reply.headers.extend(header.map(|(name, value)| (name, value.to_owned())));
        self.serve(|server, now| server.respond(id, reply, now)).unwrap();
    }

    pub(super) fn states(&self) -> Vec<CallState> {
        let states = self.events.iter().filter_map(|event| match event {
            CoreEvent::CallChange { state, .. } => Some(*state),
            _ => None,
        });
        states.collect()
    }

    pub(super) fn connections(&self) -> Vec<ConnectionState> {
        let states = self.events.iter().filter_map(|event| match event {
            CoreEvent::ConnectionChange { state, .. } => Some(*state),
            _ => None,
        });
        states.collect()
    }

    pub(super) fn registrations(&self) -> Vec<(RegistrationState, Option<ErrorCode>)> {
        let states = self.events.iter().filter_map(|event| match event {
            CoreEvent::RegistrationChange { state, error, .. } => {
                Some((*state, error.as_ref().map(|error| error.code)))
            }
            _ => None,
        });
        states.collect()
    }

    /// How the call ended, if it did; more than one end is a failure of every test.
    pub(super) fn end(&self) -> Option<&CallEnd> {
        let mut ends = self.events.iter().filter_map(|event| match event {
            CoreEvent::CallEnded { end, .. } => Some(end),
            _ => None,
        });
        let end = ends.next();
        assert!(ends.next().is_none(), "a call ended twice");
        end
    }

    pub(super) fn end_code(&self) -> Option<ErrorCode> {
        self.end().and_then(|end| end.error.as_ref()).map(|error| error.code)
    }

    /// How a session of the server ended.
    pub(super) fn server_ended(&self) -> bool {
        let is_end = |event: &Event| matches!(event, Event::Session { event: SessionEvent::Ended(_), .. });
        self.server_events.iter().any(is_end)
    }
}

fn start_line(bytes: &[u8]) -> String {
    match Message::parse(bytes).unwrap() {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.to_string(),
    }
}
