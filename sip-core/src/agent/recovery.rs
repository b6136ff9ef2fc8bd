//! Calls that outlive their connection: a lost socket is kept for a while, until its peer is back on another
//! (RFC 5626 §4.5; RFC 3261 ends nothing when a connection closes).
//!
//! While it is lost, nothing is sent on it; what waits for an answer is sent again on the new flow, as after a lost
//! packet. Calls that ring, registrations and subscriptions end with their connection.

use super::UserAgent;
use super::event::SessionId;
use crate::flow::{Flow, SocketId, Transport};
use crate::message::Request;
use crate::time::{Duration, Instant};

/// Lost sockets whose calls wait at once; one more is simply closed.
const MAX_LOST: usize = 4_096;

impl UserAgent {
    /// A connection is gone, and may be replaced: its established calls wait `patience` for [`resume`](Self::resume).
    /// Requests made in them meanwhile leave then. Everything else on it fails, as after
    /// [`handle_socket_closed`](Self::handle_socket_closed).
    pub fn handle_socket_lost(&mut self, socket: SocketId, patience: Duration, now: Instant) {
        let (waiting, others): (Vec<SessionId>, Vec<SessionId>) =
            self.sessions.on_socket(socket).into_iter().partition(|id| self.is_established(*id));
        if waiting.is_empty() || self.lost.len() >= MAX_LOST {
            return self.handle_socket_closed(socket, now);
        }
        for id in others {
            self.sessions.with(id, |session| session.handle_socket_closed(&mut self.endpoint));
        }
        self.registrations.handle_socket_closed(socket, &mut self.endpoint);
        self.subscriptions.handle_socket_closed(socket, &mut self.endpoint);
        self.publications.handle_socket_closed(socket, &mut self.endpoint);
        self.lost.retain(|(other, _)| *other != socket);
        self.lost.push((socket, now + patience));
        self.endpoint.mute_socket(socket);
        self.drain(now);
    }

    /// Whoever was on `socket` is back on `flow`: sessions move there, and requests without an answer are sent again.
    /// Returns the sessions that moved.
    pub fn resume(&mut self, socket: SocketId, flow: Flow, now: Instant) -> Vec<SessionId> {
        if socket == flow.socket || self.endpoint.socket(flow.socket).is_err() {
            return Vec::new();
        }
        let moved = self.sessions.on_socket(socket);
        if moved.is_empty() && !self.is_lost(socket) {
            return moved;
        }
        for id in &moved {
            self.sessions.with(*id, |session| session.rebind(flow));
        }
        self.requests.rebind(socket, flow);
        self.endpoint.rebind(socket, flow);
        self.endpoint.transactions.rebind(socket, flow);
        if self.is_lost(socket) {
            self.lost.retain(|(other, _)| *other != socket);
            self.endpoint.close_socket(socket);
        }
        self.drain(now);
        moved
    }

    /// A session is over without a word to the other side, which has another in its place. `Ended` follows.
    pub fn forget(&mut self, id: SessionId, now: Instant) {
        self.sessions.with(id, |session| session.handle_socket_closed(&mut self.endpoint));
        self.drain(now);
    }

    /// Whether messages can be sent on this socket.
    #[must_use]
    pub fn is_open(&self, socket: SocketId) -> bool {
        self.endpoint.socket(socket).is_ok() && !self.is_lost(socket)
    }

    /// Whether calls wait for somebody to come back from this socket.
    #[must_use]
    pub fn is_lost(&self, socket: SocketId) -> bool {
        self.lost.iter().any(|(other, _)| *other == socket)
    }

    /// A browser that comes back is known by the dialog it speaks in: only both ends of it know its tags.
    pub(super) fn follow(&mut self, id: SessionId, request: &Request, flow: Flow, now: Instant) {
        let Some(view) = self.sessions.get(id).map(crate::session::Session::view) else { return };
        let before = view.flow.socket;
        let from = request.headers.from().ok();
        let is_them = from.as_ref().and_then(|from| from.tag()).is_some_and(|tag| view.remote_tag == Some(tag));
        let transport = self.endpoint.socket(flow.socket).map(|local| local.transport);
        if before == flow.socket || !is_them || !matches!(transport, Ok(Transport::Ws | Transport::Wss)) {
            return;
        }
        if self.is_lost(before) {
            self.resume(before, flow, now);
        } else {
            self.sessions.with(id, |session| session.rebind(flow));
        }
    }

    /// Gives up on those who did not come back.
    pub(super) fn handle_lost_timeout(&mut self, now: Instant) {
        while let Some(place) = self.lost.iter().position(|(_, until)| *until <= now) {
            let (socket, _) = self.lost.swap_remove(place);
            self.handle_socket_closed(socket, now);
        }
    }

    pub(super) fn next_lost_timeout(&self) -> Option<Instant> {
        self.lost.iter().map(|(_, until)| *until).min()
    }

    fn is_established(&self, id: SessionId) -> bool {
        self.sessions.get(id).is_some_and(crate::session::Session::is_established)
    }
}
