//! The one WebSocket to a server: opened, watched, and opened again, at another server where one does not serve.
//!
//! Browsers cannot send WebSocket pings and often learn late that a connection is dead. A keep-alive of RFC 5626
//! §3.5.1 (two empty lines, answered by one) is sent when the connection opens, which shows whether the server answers
//! them at all; then whenever the page wakes up, and periodically as the server or the page wishes (§4.4). The waits
//! between attempts are those of §4.5. It does not touch SIP.

use std::collections::VecDeque;

use sip_core::{Duration, Entropy, Instant, SocketId};

use super::backoff::Backoff;
use super::servers::Servers;
use super::settings::KeepAlive;
use super::{Output, earliest};
use crate::errors;
use crate::types::{ConnectionState, CoreEvent, ErrorInfo};

/// A WebSocket that has not opened by then is given up.
const OPENING: Duration = Duration::from_secs(10);
/// A keep-alive that is not answered by then means a dead connection (RFC 5626 §4.4.1).
const PONG: Duration = Duration::from_secs(10);
/// A connection that lasted this long was a success: the next failure is the first one again.
const LASTING: Duration = Duration::from_secs(10);
/// Between keep-alives where the server does not say how often (RFC 5626 §4.4).
const SELDOM: (u64, u64) = (95_000, 120_000);
/// Before another server is tried: not all browsers of a lost one come in the same moment.
const NEXT_SERVER_MS: u64 = 150;

const PING_BYTES: &[u8] = b"\r\n\r\n";
const PONG_BYTES: &[u8] = b"\r\n";

/// The connection machine.
pub(super) struct Connection {
    state: State,
    servers: Servers,
    sockets: u64,
    /// Attempts that failed since the last connection that lasted, and rounds in which no server served.
    failures: u32,
    rounds: u32,
    was_open: bool,
    keep_alive: KeepAlive,
}

enum State {
    /// Nobody wants a connection.
    Idle,
    /// A WebSocket is being opened.
    Opening { socket: SocketId, until: Instant },
    /// SIP can be sent.
    Open(Open),
    /// The next attempt is due at `until`.
    Waiting { until: Instant },
}

struct Open {
    socket: SocketId,
    since: Instant,
    /// The server has answered a keep-alive, so one without an answer means something.
    answers_pings: bool,
    pong_until: Option<Instant>,
    /// Between keep-alives, from and to.
    interval: Option<(u64, u64)>,
    next_ping: Option<Instant>,
}

impl Connection {
    pub(super) const fn new(servers: Servers, keep_alive: KeepAlive) -> Self {
        Self { state: State::Idle, servers, sockets: 0, failures: 0, rounds: 0, was_open: false, keep_alive }
    }

    /// Somebody wants a connection.
    pub(super) fn want(&mut self, entropy: &mut Entropy, out: &mut VecDeque<Output>, now: Instant) {
        if matches!(self.state, State::Idle) {
            out.push_back(change(ConnectionState::Connecting, None, None));
            self.open(entropy, out, now);
        }
    }

    /// Nobody wants it any more, or `error` says why there is none. Returns the socket that was open.
    pub(super) fn drop(&mut self, error: Option<Box<ErrorInfo>>, out: &mut VecDeque<Output>) -> Option<SocketId> {
        if matches!(self.state, State::Idle) {
            return None;
        }
        let open = self.socket();
        self.close_socket(out);
        self.state = State::Idle;
        (self.failures, self.rounds) = (0, 0);
        self.servers.forgive();
        out.push_back(change(ConnectionState::Disconnected, None, error));
        open
    }

    /// The page woke up, or the network came back: look now instead of later.
    pub(super) fn wake(&mut self, entropy: &mut Entropy, out: &mut VecDeque<Output>, now: Instant) {
        match &mut self.state {
            State::Waiting { .. } => self.open(entropy, out, now),
            State::Open(open) => open.ping(out, now),
            State::Idle | State::Opening { .. } => {}
        }
    }

    /// The page's own policy for the next attempt.
    pub(super) fn retry_in(&mut self, wait: Duration, now: Instant) {
        if let State::Waiting { until } = &mut self.state {
            *until = now + wait;
        }
    }

    /// Whether the next attempt is waited for.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// Returns whether this was awaited.
    pub(super) fn handle_open(&mut self, socket: SocketId, out: &mut VecDeque<Output>, now: Instant) -> bool {
        if !matches!(self.state, State::Opening { socket: opening, .. } if opening == socket) {
            return false;
        }
        let every = match self.keep_alive {
            KeepAlive::Every(every) => Some(millis(every)),
            KeepAlive::Never | KeepAlive::AsAsked => None,
        };
        let next_ping = every.map(|every| now + Duration::from_millis(every));
        let interval = every.map(|every| (every, every));
        let mut open = Open { socket, since: now, answers_pings: false, pong_until: None, interval, next_ping };
        open.ping(out, now);
        self.state = State::Open(open);
        self.was_open = true;
        out.push_back(change(ConnectionState::Connected, self.url(), None));
        true
    }

    /// The registrar said after how much silence it takes the flow for dead: keep-alives come in time for that, at 80
    /// to 100 % of it (RFC 5626 §4.4).
    pub(super) fn handle_flow_timer(&mut self, timer: Duration, entropy: &mut Entropy, now: Instant) {
        let (State::Open(open), KeepAlive::AsAsked) = (&mut self.state, self.keep_alive) else {
            return;
        };
        let longest = millis(timer);
        let interval = (longest * 4 / 5, longest);
        if open.interval != Some(interval) {
            open.interval = Some(interval);
            open.next_ping = Some(now + drawn(interval, entropy));
        }
    }

    /// Anything received shows life. Returns whether this is SIP, for the agent.
    pub(super) fn handle_message(
        &mut self,
        socket: SocketId,
        bytes: &[u8],
        entropy: &mut Entropy,
        now: Instant,
    ) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        if open.socket != socket {
            return false;
        }
        open.pong_until = None;
        let is_pong = bytes == PONG_BYTES;
        open.answers_pings |= is_pong;
        if is_pong && open.interval.is_none() && self.keep_alive == KeepAlive::AsAsked {
            open.interval = Some(SELDOM);
            open.next_ping = Some(now + drawn(SELDOM, entropy));
        }
        !is_pong
    }

    /// The server in use does not serve, and asks to be left alone until `not_before`. Returns whether there is another.
    pub(super) fn note_failure(&mut self, not_before: Option<Instant>, now: Instant) -> bool {
        self.servers.len() > 1 && self.servers.note_failure(not_before, now)
    }

    /// Returns whether this was the socket in use.
    pub(super) fn handle_closed(
        &mut self,
        socket: SocketId,
        close: Option<(u16, String)>,
        entropy: &mut Entropy,
        out: &mut VecDeque<Output>,
        now: Instant,
    ) -> bool {
        let (mine, opened) = match &self.state {
            State::Opening { socket: opening, .. } => (*opening, None),
            State::Open(open) => (open.socket, Some(open.since)),
            State::Idle | State::Waiting { .. } => return false,
        };
        if mine != socket {
            return false;
        }
        let wait = self.wait(opened.map(|since| now.since(since)), entropy, now);
        self.state = State::Waiting { until: now + wait };
        let (code, reason) = close.unzip();
        out.push_back(Output::Event(CoreEvent::ConnectionChange {
            state: ConnectionState::Reconnecting,
            code,
            reason,
            retry_in_ms: u32::try_from(wait.as_millis()).ok(),
            attempt: Some(self.failures),
            server: self.url(),
            error: Some(errors::connection(opened.is_some())),
        }));
        true
    }

    /// How long to wait after a connection that lasted so long, or never opened.
    fn wait(&mut self, lasted: Option<Duration>, entropy: &mut Entropy, now: Instant) -> Duration {
        let was_good = lasted.is_some_and(|lasted| lasted >= LASTING);
        if was_good {
            (self.failures, self.rounds) = (0, 0);
            self.servers.forgive();
        }
        self.failures = self.failures.saturating_add(1);
        // A server that served is tried once more before it counts as failed.
        let is_another_left = !was_good && self.servers.note_failure(None, now);
        if is_another_left {
            return Duration::from_millis(entropy.number() % (NEXT_SERVER_MS + 1));
        }
        self.rounds = self.rounds.saturating_add(1);
        Backoff::CONNECTION.wait(self.rounds, entropy.number())
    }

    /// Returns the socket that is to be treated as closed.
    pub(super) fn handle_timeout(
        &mut self,
        entropy: &mut Entropy,
        out: &mut VecDeque<Output>,
        now: Instant,
    ) -> Option<SocketId> {
        match &mut self.state {
            State::Opening { socket, until } if *until <= now => Some(*socket),
            State::Waiting { until } if *until <= now => {
                self.open(entropy, out, now);
                None
            }
            State::Open(open) if open.pong_until.is_some_and(|until| until <= now) => {
                open.pong_until = None;
                open.answers_pings.then_some(open.socket)
            }
            State::Open(open) => {
                if now.since(open.since) >= LASTING {
                    self.servers.forgive();
                }
                open.ping_when_due(entropy, out, now);
                None
            }
            State::Idle | State::Opening { .. } | State::Waiting { .. } => None,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Idle => None,
            State::Opening { until, .. } | State::Waiting { until } => Some(*until),
            State::Open(open) => earliest(open.pong_until, open.next_ping),
        }
    }

    /// The socket that SIP can be sent on.
    pub(super) const fn socket(&self) -> Option<SocketId> {
        match &self.state {
            State::Open(open) => Some(open.socket),
            State::Idle | State::Opening { .. } | State::Waiting { .. } => None,
        }
    }

    /// Whether there was ever a connection to a server.
    pub(super) const fn was_ever_open(&self) -> bool {
        self.was_open
    }

    pub(super) const fn servers(&self) -> &Servers {
        &self.servers
    }

    fn url(&self) -> Option<String> {
        self.servers.current().map(|server| server.url.clone())
    }

    fn open(&mut self, entropy: &mut Entropy, out: &mut VecDeque<Output>, now: Instant) {
        self.sockets += 1;
        let socket = SocketId(self.sockets);
        self.servers.choose(entropy, now);
        self.state = State::Opening { socket, until: now + OPENING };
        out.push_back(Output::OpenSocket { socket, server: self.servers.index() });
    }

    fn close_socket(&self, out: &mut VecDeque<Output>) {
        match &self.state {
            State::Opening { socket, .. } | State::Open(Open { socket, .. }) => {
                out.push_back(Output::CloseSocket(*socket))
            }
            State::Idle | State::Waiting { .. } => {}
        }
    }
}

impl Open {
    fn ping(&mut self, out: &mut VecDeque<Output>, now: Instant) {
        if self.pong_until.is_none() {
            self.pong_until = Some(now + PONG);
            out.push_back(Output::Send { socket: self.socket, bytes: PING_BYTES.to_vec() });
        }
    }

    fn ping_when_due(&mut self, entropy: &mut Entropy, out: &mut VecDeque<Output>, now: Instant) {
        if self.next_ping.is_some_and(|due| due <= now) {
            self.next_ping = self.interval.map(|interval| now + drawn(interval, entropy));
            self.ping(out, now);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 8)
}

/// A moment between two, in milliseconds.
fn drawn((from, to): (u64, u64), entropy: &mut Entropy) -> Duration {
    Duration::from_millis(from + entropy.number() % (to.saturating_sub(from) + 1))
}

const fn change(state: ConnectionState, server: Option<String>, error: Option<Box<ErrorInfo>>) -> Output {
    Output::Event(CoreEvent::ConnectionChange {
        state,
        code: None,
        reason: None,
        retry_in_ms: None,
        attempt: None,
        server,
        error,
    })
}
