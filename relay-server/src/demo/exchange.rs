//! Drives the demo exchange: one task with its SIP socket, its timer and its players.

use super::player;
use crate::clock::Clock;
use crate::config::Demo;
use crate::error::StartError;
use crate::start::seed;
use relay_core::exchange::{Account, Config, Exchange, Input, Output, PlayerId};
use sip_core::digest::Secret;
use sip_core::{Flow, Instant, SocketId};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use tokio::net::UdpSocket;

const SOCKET: SocketId = SocketId(0);
const DATAGRAM: usize = sip_core::message::limits::MAX_MESSAGE;

/// The task.
#[derive(Debug)]
pub(super) struct Driver {
    exchange: Exchange,
    clock: Clock,
    socket: UdpSocket,
    address: SocketAddr,
    players: BTreeMap<PlayerId, player::Handle>,
    /// Answers to outputs.
    answers: VecDeque<Input>,
}

impl Driver {
    pub(super) async fn bind(demo: &Demo) -> Result<Self, StartError> {
        let socket = UdpSocket::bind(demo.listen).await.map_err(|source| StartError::Bind {
            purpose: "the demo exchange",
            address: demo.listen.to_string(),
            key: "demo.listen",
            source,
        })?;
        let address = socket.local_addr().map_err(|source| StartError::System { what: "exchange socket", source })?;
        Ok(Self {
            exchange: Exchange::new(config(demo, address), seed()?),
            clock: Clock::start(),
            socket,
            address,
            players: BTreeMap::new(),
            answers: VecDeque::new(),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Until it is dropped.
    pub(super) async fn run(mut self) {
        let mut deadline = None;
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let input = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => datagram(from, buffer.get(..length).unwrap_or_default()),
                    // About an earlier datagram; SIP will notice by itself.
                    Err(_) => continue,
                },
                () = self.clock.sleep_until(deadline) => Input::Timeout,
            };
            self.exchange.handle_input(input, self.clock.now());
            deadline = self.drain();
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.exchange.poll_output() {
                Output::Datagram { flow, bytes } => self.send(flow, &bytes),
                Output::OpenPlayer { player, application, seed } => self.open(player, application, seed),
                Output::Retarget { player, remote } => self.order(player, player::Order::Retarget(remote)),
                Output::Play { player, application } => self.order(player, player::Order::Play(application)),
                Output::ClosePlayer { player } => drop(self.players.remove(&player)),
                Output::Timeout(at) => match self.answers.pop_front() {
                    Some(input) => self.exchange.handle_input(input, self.clock.now()),
                    None => return at,
                },
            }
        }
    }

    /// What the system does not take at once is lost, as a datagram may be; SIP sends it again.
    fn send(&self, flow: Flow, bytes: &[u8]) {
        let Some(to) = flow.remote else { return };
        if let Err(error) = socket2::SockRef::from(&self.socket).send_to(bytes, &to.into()) {
            tracing::debug!(%error, %to, "the exchange cannot send");
        }
    }

    fn open(&mut self, player: PlayerId, application: relay_core::exchange::player::Application, seed: u64) {
        let opened = player::Handle::open(self.address.ip(), application, seed, self.clock);
        let address = opened.map(|(handle, address)| {
            self.players.insert(player, handle);
            address
        });
        let address = address.inspect_err(|error| tracing::warn!(%error, "no RTP socket for the exchange")).ok();
        self.answers.push_back(Input::PlayerOpened { player, address });
    }

    fn order(&self, player: PlayerId, order: player::Order) {
        if let Some(handle) = self.players.get(&player) {
            handle.order(order);
        }
    }
}

fn datagram(from: SocketAddr, bytes: &[u8]) -> Input {
    Input::Datagram { flow: Flow::datagram(SOCKET, from), bytes: bytes.to_vec() }
}

fn config(demo: &Demo, local: SocketAddr) -> Config {
    let account = |(name, password): (&str, &str)| Account { name: name.to_owned(), password: Secret::new(password) };
    Config {
        domain: demo.domain.clone(),
        socket: SOCKET,
        local,
        accounts: demo.accounts.iter().filter_map(|account| account.split_once(':')).map(account).collect(),
        ..Config::default()
    }
}
