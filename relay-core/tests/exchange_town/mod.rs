//! A town in virtual time: the exchange, phones made of `sip_core`'s agent, and the exchange's players.
//!
//! Datagrams arrive at once; the clock jumps to the next deadline when nothing is under way.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod words;

pub(crate) use words::*;

use relay_core::exchange::player::{Player, PlayerOutput};
use relay_core::exchange::{Account, Config, Exchange, Input, Output, PlayerId};
use sip_core::agent::{
    self, End, Event, Invite, LocalSocket, Register, RegistrationEvent, RegistrationId, SessionEvent, SessionId,
    UserAgent,
};
use sip_core::digest::Credentials;
use sip_core::message::{Message, NameAddr, StatusCode, Uri};
use sip_core::{Duration, Flow, Instant, SocketId, Transport};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

pub(crate) const DOMAIN: &str = "demo.localhost";
const EXCHANGE: &str = "192.0.2.9:5060";
const SOCKET: SocketId = SocketId(0);
/// Longer than anything here takes.
const END_OF_TIME: Instant = Instant::from_millis(3_600_000 * 3);

pub(crate) struct Town {
    pub(crate) now: Instant,
    exchange: Exchange,
    phones: BTreeMap<SocketAddr, Phone>,
    players: BTreeMap<PlayerId, Player>,
    /// RTP that players sent: when, to whom, the packet.
    pub(crate) rtp: Vec<(Instant, SocketAddr, Vec<u8>)>,
    /// SIP between the phones and the exchange, as `407 INVITE`.
    pub(crate) sip: Vec<String>,
    flight: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    timeout: Option<Instant>,
}

pub(crate) struct Phone {
    pub(crate) agent: UserAgent,
    pub(crate) events: Vec<Event>,
    timeout: Option<Instant>,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let account =
            |name: &str| Account { name: name.to_owned(), password: format!("{name}-secret").as_str().into() };
        let accounts = vec![account("alice"), account("bob")];
        let mut config = Config { local: address(EXCHANGE), socket: SOCKET, accounts, ..Config::default() };
        change(&mut config);
        Self {
            now: Instant::from_millis(1_000),
            exchange: Exchange::new(config, [7; 32]),
            phones: BTreeMap::new(),
            players: BTreeMap::new(),
            rtp: Vec::new(),
            sip: Vec::new(),
            flight: VecDeque::new(),
            timeout: None,
        }
    }

    /// A phone at an address of its own.
    pub(crate) fn phone(&mut self, host: u8) -> SocketAddr {
        let at = address(&format!("192.0.2.{host}:5060"));
        let config = agent::Config { transfers: true, ..agent::Config::default() };
        let mut agent = UserAgent::new(config, [host; 32]);
        let contact = Uri::sip(Some("phone"), at.ip().into(), Some(at.port()));
        agent.open_socket(SOCKET, LocalSocket { transport: Transport::Udp, sent_by: at.to_string(), contact });
        self.phones.insert(at, Phone { agent, events: Vec::new(), timeout: None });
        at
    }

    /// A phone that has registered.
    pub(crate) fn registered(&mut self, host: u8, name: &str) -> SocketAddr {
        let at = self.phone(host);
        self.register(at, name, &format!("{name}-secret"), 3_600);
        self.until("registered", |town| town.registration(at).is_some_and(is_registered));
        at
    }

    pub(crate) fn register(&mut self, at: SocketAddr, name: &str, password: &str, seconds: u64) -> RegistrationId {
        let now = self.now;
        let register = Register {
            registrar: uri(&format!("sip:{DOMAIN}")),
            aor: NameAddr::new(uri(&format!("sip:{name}@{DOMAIN}"))),
            contact: NameAddr::new(uri(&format!("sip:{name}@{at}"))),
            flow: Flow::datagram(SOCKET, address(EXCHANGE)),
            expires: Duration::from_secs(seconds),
            credentials: Some(Credentials::new(name, password)),
            headers: Vec::new(),
            is_sole: true,
        };
        self.agent(at).register(register, now)
    }

    pub(crate) fn call(&mut self, at: SocketAddr, from: &str, number: &str, offer: Option<&str>) -> SessionId {
        let credentials = Credentials::new(from, format!("{from}-secret").as_str());
        self.call_as(at, from, Some(credentials), number, offer)
    }

    pub(crate) fn call_as(
        &mut self,
        at: SocketAddr,
        from: &str,
        credentials: Option<Credentials>,
        number: &str,
        offer: Option<&str>,
    ) -> SessionId {
        let now = self.now;
        let domain = if number.contains('@') { String::new() } else { format!("@{DOMAIN}") };
        let target = uri(&format!("sip:{number}{domain}"));
        let from = NameAddr::new(uri(&format!("sip:{from}@{DOMAIN}")));
        let flow = Flow::datagram(SOCKET, address(EXCHANGE));
        let invite = Invite { offer: offer.map(str::to_owned), credentials, ..Invite::new(target, from, flow) };
        self.agent(at).invite(invite, now).expect("a good INVITE")
    }

    pub(crate) fn agent(&mut self, at: SocketAddr) -> &mut UserAgent {
        &mut self.phones.get_mut(&at).expect("a phone").agent
    }

    pub(crate) fn events(&self, at: SocketAddr) -> &[Event] {
        &self.phones[&at].events
    }

    /// The last news of a phone's registration.
    pub(crate) fn registration(&self, at: SocketAddr) -> Option<&RegistrationEvent> {
        self.events(at).iter().rev().find_map(|event| match event {
            Event::Registration { event, .. } => Some(event),
            _ => None,
        })
    }

    /// The call that rings at a phone.
    pub(crate) fn incoming(&self, at: SocketAddr) -> Option<(SessionId, Option<String>)> {
        self.events(at).iter().rev().find_map(|event| match event {
            Event::IncomingCall { session, offer, .. } => Some((*session, offer.clone())),
            _ => None,
        })
    }

    pub(crate) fn session_events(&self, at: SocketAddr, session: SessionId) -> Vec<&SessionEvent> {
        self.events(at)
            .iter()
            .filter_map(|event| match event {
                Event::Session { id, event } if *id == session => Some(event),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn end(&self, at: SocketAddr, session: SessionId) -> Option<&End> {
        self.session_events(at, session).into_iter().find_map(|event| match event {
            SessionEvent::Ended(end) => Some(end),
            _ => None,
        })
    }

    /// The status that a call ended with.
    pub(crate) fn ended_with(&mut self, at: SocketAddr, session: SessionId) -> u16 {
        self.until("the end", |town| town.end(at, session).is_some());
        self.end(at, session).and_then(|end| end.status).map_or(0, StatusCode::as_u16)
    }

    /// The description in the 200.
    pub(crate) fn answer(&self, at: SocketAddr, session: SessionId) -> Option<String> {
        self.session_events(at, session).into_iter().find_map(|event| match event {
            SessionEvent::Accepted { answer, .. } => answer.clone(),
            _ => None,
        })
    }

    pub(crate) fn calls(&self) -> usize {
        self.exchange.call_count()
    }

    pub(crate) fn bindings(&self) -> usize {
        self.exchange.binding_count()
    }

    /// RTP to the player at `to`.
    pub(crate) fn send_rtp(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let player = self.players.iter_mut().find(|(id, _)| rtp_address(**id) == to);
        player.expect("a player").1.handle_datagram(from, bytes);
        self.settle();
    }

    /// Lets time pass until something is true; it must become so.
    pub(crate) fn until(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) {
        self.settle();
        while !is_true(self) {
            let next = self.next_timeout().filter(|next| *next < END_OF_TIME);
            self.jump(next.unwrap_or_else(|| panic!("never: {what}; {:?}", self.sip)));
        }
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.settle();
        let end = self.now + time;
        while let Some(next) = self.next_timeout().filter(|next| *next <= end) {
            self.jump(next);
        }
        self.now = end;
    }

    fn next_timeout(&self) -> Option<Instant> {
        let players = self.players.values().filter_map(Player::next_timeout);
        let phones = self.phones.values().filter_map(|phone| phone.timeout);
        phones.chain(self.timeout).chain(players).min()
    }

    fn jump(&mut self, to: Instant) {
        self.now = self.now.max(to);
        let now = self.now;
        self.exchange.handle_input(Input::Timeout, now);
        self.phones.values_mut().for_each(|phone| phone.agent.handle_timeout(now));
        self.players.values_mut().for_each(|player| player.handle_timeout(now));
        self.settle();
    }

    /// Delivers until nothing is under way.
    fn settle(&mut self) {
        loop {
            self.drain_phones();
            self.drain_exchange();
            self.drain_players();
            let Some((from, to, bytes)) = self.flight.pop_front() else { return };
            self.sip.push(label(&bytes));
            let now = self.now;
            if let Some(phone) = self.phones.get_mut(&to) {
                phone.agent.handle_message(Flow::datagram(SOCKET, from), &bytes, now);
            } else if to == address(EXCHANGE) {
                self.exchange.handle_input(Input::Datagram { flow: Flow::datagram(SOCKET, from), bytes }, now);
            } else {
                // Nobody lives there.
                self.exchange.handle_input(Input::FlowFailed { flow: Flow::datagram(SOCKET, to) }, now);
            }
        }
    }

    fn drain_phones(&mut self) {
        for (at, phone) in &mut self.phones {
            loop {
                match phone.agent.poll_output() {
                    agent::Output::Transmit { flow, bytes } => {
                        self.flight.push_back((*at, flow.remote.expect("a datagram"), bytes));
                    }
                    agent::Output::Event(event) => phone.events.push(event),
                    agent::Output::Timeout(timeout) => {
                        phone.timeout = timeout;
                        break;
                    }
                }
            }
        }
    }

    fn drain_exchange(&mut self) {
        let now = self.now;
        loop {
            match self.exchange.poll_output() {
                Output::Datagram { flow, bytes } => {
                    self.flight.push_back((address(EXCHANGE), flow.remote.expect("a datagram"), bytes));
                }
                Output::OpenPlayer { player, application, seed } => {
                    self.players.insert(player, Player::new(application, seed));
                    let address = Some(rtp_address(player));
                    self.exchange.handle_input(Input::PlayerOpened { player, address }, now);
                }
                Output::Retarget { player, remote } => self.player(player).retarget(remote, now),
                Output::Play { player, application } => self.player(player).play(application, now),
                Output::ClosePlayer { player } => drop(self.players.remove(&player)),
                Output::Timeout(timeout) => {
                    self.timeout = timeout;
                    return;
                }
            }
        }
    }

    fn player(&mut self, player: PlayerId) -> &mut Player {
        self.players.get_mut(&player).expect("an open player")
    }

    fn drain_players(&mut self) {
        for player in self.players.values_mut() {
            while let PlayerOutput::Transmit { to, bytes } = player.poll_output() {
                self.rtp.push((self.now, to, bytes));
            }
        }
    }
}

pub(crate) fn rtp_address(player: PlayerId) -> SocketAddr {
    address(&format!("192.0.2.9:{}", 20_000 + 2 * player.0))
}

pub(crate) fn is_registered(event: &RegistrationEvent) -> bool {
    matches!(event, RegistrationEvent::Registered { .. })
}

/// For how long.
pub(crate) fn granted(event: &RegistrationEvent) -> Option<Duration> {
    match event {
        RegistrationEvent::Registered { grant } => Some(grant.expires),
        _ => None,
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn uri(text: &str) -> Uri {
    text.parse().expect("a URI")
}

/// `INVITE`, `407 INVITE`.
fn label(bytes: &[u8]) -> String {
    match Message::parse(bytes) {
        Ok(Message::Request(request)) => request.method.to_string(),
        Ok(Message::Response(response)) => {
            let method = response.headers.cseq().map(|cseq| cseq.method.to_string());
            format!("{} {}", response.status.as_u16(), method.unwrap_or_default())
        }
        Err(_) => "?".to_owned(),
    }
}

impl Town {
    /// A phone loses its power without a word.
    pub(crate) fn forget(&mut self, at: SocketAddr) {
        self.phones.remove(&at);
    }
}
