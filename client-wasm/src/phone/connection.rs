//! The one WebSocket to the server: opened, watched, and opened again.
//!
//! Browsers cannot send WebSocket pings and often learn late that a connection is dead. A keep-alive of RFC 5626
//! §3.5.1 (two empty lines, answered by one) is sent when the connection opens, which shows whether the server answers
//! them at all; then whenever the page wakes up, and periodically if the page wishes. It does not touch SIP.

use std::collections::VecDeque;

use sip_core::{Duration, Entropy, Instant, SocketId};

use super::backoff::Backoff;
use super::{Output, earliest};
use crate::errors;
use crate::types::{ConnectionState, CoreEvent};

/// A WebSocket that has not opened by then is given up.
const OPENING: Duration = Duration::from_secs(10);
/// A keep-alive that is not answered by then means a dead connection (RFC 5626 §4.4.1).
const PONG: Duration = Duration::from_secs(10);
/// A connection that lasted this long was a success: the next failure is the first one again.
const LASTING: Duration = Duration::from_secs(10);

const PING_BYTES: &[u8] = b"\r\n\r\n";
const PONG_BYTES: &[u8] = b"\r\n";

/// The connection machine.
pub(super) struct Connection {
    state: State,
    sockets: u64,
    failures: u32,
    was_open: bool,
    keep_alive: Option<Duration>,
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
    next_ping: Option<Instant>,
}

impl Connection {
    pub(super) const fn new(keep_alive: Option<Duration>) -> Self {
        Self { state: State::Idle, sockets: 0, failures: 0, was_open: false, keep_alive }
    }

    /// Somebody wants a connection.
    pub(super) fn want(&mut self, out: &mut VecDeque<Output>, now: Instant) {
        if matches!(self.state, State::Idle) {
            out.push_back(change(ConnectionState::Connecting));
            self.open(out, now);
        }
    }

    /// Nobody wants it any more. Returns the socket that was open.
    pub(super) fn drop(&mut self, out: &mut VecDeque<Output>) -> Option<SocketId> {
        if matches!(self.state, State::Idle) {
            return None;
        }
        let open = self.socket();
        self.close_socket(out);
        self.state = State::Idle;
        self.failures = 0;
        out.push_back(change(ConnectionState::Disconnected));
        open
    }

    /// The page woke up, or the network came back: look now instead of later.
    pub(super) fn wake(&mut self, out: &mut VecDeque<Output>, now: Instant) {
        match &mut self.state {
            State::Waiting { .. } => self.open(out, now),
            State::Open(open) => open.ping(out, now),
            State::Idle | State::Opening { .. } => {}
        }
    }

    /// Returns whether this was awaited.
    pub(super) fn handle_open(&mut self, socket: SocketId, out: &mut VecDeque<Output>, now: Instant) -> bool {
        if !matches!(self.state, State::Opening { socket: opening, .. } if opening == socket) {
            return false;
        }
        let next_ping = self.keep_alive.map(|every| now + every);
        let mut open = Open { socket, since: now, answers_pings: false, pong_until: None, next_ping };
        open.ping(out, now);
        self.state = State::Open(open);
        self.was_open = true;
        out.push_back(change(ConnectionState::Connected));
        true
    }

    /// Anything received shows life. Returns whether this is SIP, for the agent.
    pub(super) fn handle_message(&mut self, socket: SocketId, bytes: &[u8]) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        if open.socket != socket {
            return false;
        }
        open.pong_until = None;
        let is_pong = bytes == PONG_BYTES;
        open.answers_pings |= is_pong;
        !is_pong
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
        if opened.is_some_and(|since| now.since(since) >= LASTING) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::CONNECTION.wait(self.failures, entropy.number());
        self.state = State::Waiting { until: now + wait };
        let (code, reason) = close.unzip();
        out.push_back(Output::Event(CoreEvent::ConnectionChange {
            state: ConnectionState::Reconnecting,
            code,
            reason,
            retry_in_ms: u32::try_from(wait.as_millis()).ok(),
            error: Some(errors::connection(opened.is_some())),
        }));
        true
    }

    /// Returns the socket that is to be treated as closed.
    pub(super) fn handle_timeout(&mut self, out: &mut VecDeque<Output>, now: Instant) -> Option<SocketId> {
        match &mut self.state {
            State::Opening { socket, until } if *until <= now => Some(*socket),
            State::Waiting { until } if *until <= now => {
                self.open(out, now);
                None
            }
            State::Open(open) if open.pong_until.is_some_and(|until| until <= now) => {
                open.pong_until = None;
                open.answers_pings.then_some(open.socket)
            }
            State::Open(open) => {
                open.ping_when_due(self.keep_alive, out, now);
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

    /// Whether there was ever a connection to this server.
    pub(super) const fn was_ever_open(&self) -> bool {
        self.was_open
    }

    fn open(&mut self, out: &mut VecDeque<Output>, now: Instant) {
        self.sockets += 1;
        let socket = SocketId(self.sockets);
        self.state = State::Opening { socket, until: now + OPENING };
        out.push_back(Output::OpenSocket(socket));
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

    fn ping_when_due(&mut self, every: Option<Duration>, out: &mut VecDeque<Output>, now: Instant) {
        if self.next_ping.is_some_and(|due| due <= now) {
            self.next_ping = every.map(|every| now + every);
            self.ping(out, now);
        }
    }
}

const fn change(state: ConnectionState) -> Output {
    Output::Event(CoreEvent::ConnectionChange { state, code: None, reason: None, retry_in_ms: None, error: None })
}
