//! The page's telephone as a value: sip-core's agent, the connection it needs, and the calls as a page sees them.
//!
//! Commands come from the page, `handle_*` from the browser; both leave what is to be done in an order that
//! [`Phone::poll_output`] hands out, until it says when to look again. It asks for no time, owns no socket and touches
//! no browser object, so its tests run natively in virtual time. SIP is sip-core's: nothing here reads a message
//! beyond a few headers that the page is to see.

mod admission;
mod backoff;
mod call;
mod calls;
mod commands;
mod connection;
mod digits;
mod hold;
mod identity;
mod messages;
mod redirect;
mod registration;
mod resume;
mod servers;
mod session;
mod settings;
mod subscriptions;
mod target;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::VecDeque;

use sip_core::agent::{self, Event, Reply, UserAgent};
use sip_core::message::{HeaderName, Method, Reason, StatusCode};
use sip_core::{Duration, Entropy, Flow, Instant, SocketId};

use admission::Admission;
use call::{Call, Negotiation, Stage};
use calls::Calls;
use connection::Connection;
use messages::Messages;
use registration::{Effect, Registration};
use settings::Settings;
use subscriptions::Watches;
use transfer::Transfers;

use crate::types::{CallEnd, CallState, CoreConfig, CoreEvent, EndedBy, ErrorCode, ErrorInfo};

/// How long a call waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the shell does for the phone, in this order.
pub(crate) enum Output {
    /// Open a WebSocket with this name, to the server with this place in the settings.
    OpenSocket { socket: SocketId, server: usize },
    /// Close it; nothing more is wanted from it.
    CloseSocket(SocketId),
    /// Send one message on it.
    Send { socket: SocketId, bytes: Vec<u8> },
    /// Open the microphone and make an offer; `fresh` throws the peer connection away first.
    MakeOffer { call: u32, fresh: bool },
    /// Open the microphone, if it is not, and answer this offer; `fresh` as above.
    MakeAnswer { call: u32, offer: String, fresh: bool },
    /// Which way sound is to flow in descriptions from now on: `sendrecv`, `sendonly` or `inactive`.
    SetWay { call: u32, way: &'static str },
    /// Take our offer back.
    RollBack { call: u32 },
    /// The other side's answer to our offer.
    ApplyAnswer { call: u32, answer: String },
    /// Mute or unmute the microphone.
    SetMuted { call: u32, muted: bool },
    /// Send these digits as telephone events, each for `tone_ms` with `gap_ms` after it.
    SendTones { call: u32, digits: String, tone_ms: u32, gap_ms: u32 },
    /// Stop the microphone and close the peer connection.
    CloseMedia { call: u32 },
    /// Tell the page.
    Event(CoreEvent),
    /// That is all. Call `handle_timeout` at this moment.
    Timeout(Option<Instant>),
}

/// The telephone.
pub(crate) struct Phone {
    settings: Settings,
    agent: UserAgent,
    entropy: Entropy,
    connection: Connection,
    registration: Registration,
    calls: Calls,
    admission: Admission,
    transfers: Transfers,
    /// Connections that calls have been on, and wait to come back from.
    lost: Vec<SocketId>,
    messages: Messages,
    watches: Watches,
    out: VecDeque<Output>,
}

impl Phone {
    /// A phone with these settings, or what is wrong with them.
    pub(crate) fn new(config: &CoreConfig, seed: [u8; 32]) -> Result<Self, Box<ErrorInfo>> {
        let mut entropy = Entropy::new(seed);
        let settings = Settings::new(config, &mut entropy)?;
        Ok(Self {
            agent: UserAgent::new(settings::agent_config(config), entropy.bytes()),
            connection: Connection::new(settings.servers.clone(), settings.keep_alive),
            registration: Registration::new(),
            calls: Calls::default(),
            admission: Admission::new(config)?,
            transfers: Transfers::default(),
            lost: Vec::new(),
            messages: Messages::default(),
            watches: Watches::default(),
            out: VecDeque::new(),
            entropy,
            settings,
        })
    }

    /// The WebSocket opened.
    pub(crate) fn handle_socket_open(&mut self, socket: SocketId, now: Instant) {
        if !self.connection.handle_open(socket, &mut self.out, now) {
            return;
        }
        self.agent.open_socket(socket, self.settings.local(self.connection.servers()));
        let flow = Flow::connection(socket);
        self.registration.handle_connected(&mut self.agent, &self.settings, flow, now);
        if !self.registration.is_wanted() {
            self.bring_calls_back(now);
        }
        self.invite_prepared(now);
        self.send_messages(now);
        self.resume_watches(now);
    }

    /// The WebSocket brought something.
    pub(crate) fn handle_message(&mut self, socket: SocketId, bytes: &[u8], now: Instant) {
        if self.connection.handle_message(socket, bytes, &mut self.entropy, now) {
            self.agent.handle_message(Flow::connection(socket), bytes, now);
        }
    }

    /// The WebSocket closed or never opened; `close` is its code and reason.
    pub(crate) fn handle_socket_closed(&mut self, socket: SocketId, close: Option<(u16, String)>, now: Instant) {
        let was_open = self.connection.socket() == Some(socket);
        if !self.connection.handle_closed(socket, close, &mut self.entropy, &mut self.out, now) {
            return;
        }
        if was_open {
            self.lose_socket(socket, now);
        } else if !self.connection.was_ever_open() {
            // Whoever waits for the first connection wants to know; a call in a gap waits for the next attempt.
            self.end_preparing(ErrorCode::ConnectionRefused, |call| !call.is_resuming());
            self.fail_messages(ErrorCode::ConnectionRefused, None);
        }
    }

    /// The peer connection made the description that it was asked for, or could not.
    pub(crate) fn handle_description(&mut self, id: u32, result: Result<String, Box<ErrorInfo>>, now: Instant) {
        if result.is_err() && self.gives_up_renewal(id) {
            return;
        }
        let is_holding = self.is_holding(id);
        match (result, self.calls.get_mut(id).map(|call| &mut call.stage)) {
            (Ok(sdp), _) => self.use_description(id, sdp, now),
            // They asked for a change that we cannot make; the call goes on as it was.
            (Err(_), Some(Stage::Active { session, negotiation: negotiation @ Negotiation::Theirs })) => {
                *negotiation = Negotiation::None;
                let _ = self.agent.answer_offer(*session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now);
                self.begin_hold(id);
            }
            (Err(_), Some(Stage::Inviting { session, asked: asked @ true, delayed: false, .. })) => {
                *asked = false;
                let _ = self.agent.answer_offer(*session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now);
            }
            (Err(error), Some(Stage::Active { negotiation: Negotiation::Making, .. })) if is_holding => {
                self.fail_hold(id, error);
            }
            (Err(_), Some(Stage::Active { negotiation: Negotiation::Replacing(_), .. })) => {
                self.fail_replacing(id, now)
            }
            (Err(error), _) => self.handle_media_failed(id, error, now),
        }
    }

    /// The microphone or the peer connection of a call failed.
    pub(crate) fn handle_media_failed(&mut self, id: u32, error: Box<ErrorInfo>, now: Instant) {
        let refusal = if error.code == ErrorCode::IncompatibleMedia { 488 } else { 480 };
        self.leave(id, refusal, None, now);
        self.end(id, failed(error));
    }

    /// The peer connection's `connectionState`.
    pub(crate) fn handle_media_state(&mut self, call: u32, state: &str, now: Instant) {
        if !self.calls.has(call) {
            return;
        }
        self.out.push_back(Output::Event(CoreEvent::MediaChange { call, state: state.to_owned() }));
        if state == "failed" {
            self.handle_media_failed(call, ErrorInfo::new(ErrorCode::MediaFailed), now);
        }
    }

    /// The other side's sound is there.
    pub(crate) fn handle_remote_track(&mut self, call: u32) {
        if self.calls.has(call) {
            self.out.push_back(Output::Event(CoreEvent::RemoteTrack { call }));
        }
    }

    /// A telephone event left.
    pub(crate) fn handle_digit_sent(&mut self, call: u32, digit: String) {
        if self.calls.has(call) {
            self.out.push_back(Output::Event(CoreEvent::DigitSent { call, digit }));
        }
    }

    /// The page was shown, came back from the cache, or the network came back.
    pub(crate) fn handle_wake(&mut self, now: Instant) {
        self.handle_timeout(now);
        self.connection.wake(&mut self.entropy, &mut self.out, now);
    }

    /// A deadline may have passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some(dead) = self.connection.handle_timeout(&mut self.entropy, &mut self.out, now) {
            self.out.push_back(Output::CloseSocket(dead));
            self.handle_socket_closed(dead, None, now);
        }
        let flow = self.flow();
        self.registration.handle_timeout(&mut self.agent, &self.settings, flow, now);
        self.end_preparing(
            ErrorCode::ConnectionLost,
            |call| matches!(&call.stage, Stage::Preparing { offer: Some((_, until)), .. } if *until <= now),
        );
        self.fail_messages(ErrorCode::ConnectionLost, Some(now));
        self.end_unanswered(now);
        self.agent.handle_timeout(now);
        self.handle_digit_timeouts(now);
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self, now: Instant) -> Output {
        let agent = self.drain_agent(now);
        self.out.pop_front().unwrap_or_else(|| Output::Timeout(earliest(agent, self.next_timeout())))
    }

    /// Queues what the agent has to say. Returns its next deadline.
    fn drain_agent(&mut self, now: Instant) -> Option<Instant> {
        loop {
            match self.agent.poll_output() {
                agent::Output::Transmit { flow, bytes } => {
                    self.out.push_back(Output::Send { socket: flow.socket, bytes })
                }
                agent::Output::Event(event) => self.handle_event(event, now),
                agent::Output::Timeout(at) => {
                    if !self.send_reports(now) {
                        return at;
                    }
                }
            }
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let calls = self.calls.iter().filter_map(|call| match &call.stage {
            Stage::Preparing { offer: Some((_, until)), .. } => Some(*until),
            _ => earliest(call.digits.due(), call.unanswered_at()),
        });
        let own = earliest(self.connection.next_timeout(), self.registration.next_timeout());
        earliest(earliest(own, calls.min()), self.messages.next_timeout())
    }

    fn handle_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Registration { id, event } => {
                let effect = self.registration.handle_event(id, event, &mut self.entropy, &mut self.out, now);
                self.follow_registrar(effect, now);
            }
            Event::IncomingCall { session, request, offer, replaces: Some(old), .. } => {
                self.handle_replacing((session, old), &request, offer, now);
            }
            Event::Transfer { id, session, event } => self.handle_transfer(id, session, event, now),
            Event::IncomingCall { session, request, offer, .. } => self.handle_incoming(session, &request, offer, now),
            Event::Session { id, event } => self.handle_session(id, event, now),
            Event::Request { id, session, request, .. } if request.method == Method::Message => {
                self.handle_incoming_message((id, session), *request, now);
            }
            Event::Subscription { id, event } => self.handle_subscription(id, event),
            Event::Publication { id, event } => self.handle_publication(id, event),
            Event::Request { id, session: Some(session), request, .. } if request.method == Method::Info => {
                self.handle_info(id, session, &request, now);
            }
            Event::Request { id, session: None, request, .. } => self.handle_unasked(id, *request, now),
            Event::Request { id, .. } => {
                let _ = self.agent.respond(id, Reply::new(StatusCode::METHOD_NOT_ALLOWED), now);
            }
            Event::Response { id, response } if response.status.is_final() => {
                self.handle_request_outcome(id, Ok(&response), now);
            }
            Event::RequestFailed { id, failure } => self.handle_request_outcome(id, Err(&failure), now),
            _ => {}
        }
    }

    /// Lets go of the SIP side of a call: rejects, cancels or hangs up, as its stage asks for.
    fn leave(&mut self, id: u32, refusal: u16, reason: Option<Reason>, now: Instant) {
        let Some(call) = self.calls.get(id) else {
            return;
        };
        match (&call.stage, call.session()) {
            (Stage::Ringing { .. } | Stage::Answering { .. }, Some(session)) => {
                let status = StatusCode::new(refusal).unwrap_or(StatusCode::BUSY_HERE);
                let rows = reason.map(|reason| (HeaderName::Reason, reason.to_string())).into_iter().collect();
                let _ = self.agent.reject(session, status, None, rows, now);
            }
            (Stage::Active { negotiation: Negotiation::Replacing(replacing), .. }, Some(session)) => {
                let new = replacing.session;
                let _ = self.agent.reject(new, StatusCode::DECLINE, None, Vec::new(), now);
                let _ = self.agent.hang_up(session, reason, now);
            }
            (_, Some(session)) => drop(self.agent.hang_up(session, reason, now)),
            (_, None) => {}
        }
    }

    /// The last event of a call, once.
    fn end(&mut self, call: u32, end: CallEnd) {
        if !self.calls.remove(call) {
            return;
        }
        self.forget_transfers(call, &end);
        self.out.push_back(Output::CloseMedia { call });
        self.out.push_back(Output::Event(CoreEvent::CallChange {
            call,
            state: CallState::Ended,
            status: end.status,
            remote: None,
        }));
        self.out.push_back(Output::Event(CoreEvent::CallEnded { call, end }));
    }

    fn end_preparing(&mut self, code: ErrorCode, is_meant: impl Fn(&Call) -> bool) {
        for call in self.calls.preparing() {
            if self.calls.get(call).is_some_and(&is_meant) {
                self.end(call, failed(ErrorInfo::new(code)));
            }
        }
    }

    /// The server does not answer on a connection that seems to be open.
    fn drop_dead_socket(&mut self, now: Instant) {
        if let Some(socket) = self.connection.socket() {
            self.out.push_back(Output::CloseSocket(socket));
            self.handle_socket_closed(socket, None, now);
        }
    }

    fn follow_registrar(&mut self, effect: Effect, now: Instant) {
        match effect {
            Effect::None => {}
            Effect::Settled(flow_timer) => {
                if let Some(timer) = flow_timer {
                    self.connection.handle_flow_timer(timer, &mut self.entropy, now);
                }
                self.bring_calls_back(now);
                self.invite_prepared(now);
            }
            Effect::DeadFlow => {
                self.connection.note_failure(None, now);
                self.drop_dead_socket(now);
            }
            Effect::Overloaded(wait) => {
                if self.connection.note_failure(wait.map(|wait| now + wait), now) {
                    self.drop_dead_socket(now);
                }
            }
        }
    }

    /// The connection is gone for now: established calls wait for another.
    fn lose_socket(&mut self, socket: SocketId, now: Instant) {
        self.registration.handle_disconnected(&mut self.out);
        if self.settings.call_recovery.is_zero() {
            return self.agent.handle_socket_closed(socket, now);
        }
        self.agent.handle_socket_lost(socket, self.settings.call_recovery, now);
        self.lost.retain(|lost| self.agent.is_lost(*lost));
        if self.agent.is_lost(socket) {
            self.lost.push(socket);
        }
    }

    /// Nobody comes back any more.
    fn leave_sockets(&mut self, open: Option<SocketId>, now: Instant) {
        self.registration.handle_disconnected(&mut self.out);
        for socket in core::mem::take(&mut self.lost).into_iter().chain(open) {
            self.agent.handle_socket_closed(socket, now);
        }
    }

    fn invite_prepared(&mut self, now: Instant) {
        for call in self.calls.preparing() {
            self.invite(call, now);
        }
    }

    /// Calls that waited go on here, if the other side still knows them: an OPTIONS in each asks (RFC 3261 §12.2.1.2).
    fn bring_calls_back(&mut self, now: Instant) {
        let Some(flow) = self.flow() else {
            return;
        };
        for socket in core::mem::take(&mut self.lost) {
            for session in self.agent.resume(socket, flow, now) {
                let _ = self.agent.session_request(session, Method::Options, Vec::new(), None, now);
            }
        }
    }

    fn tell(&mut self, event: CoreEvent) {
        self.out.push_back(Output::Event(event));
    }

    fn show(&mut self, id: u32, state: CallState, status: Option<u16>, remote: Option<crate::types::Party>) {
        if let Some(call) = self.calls.get_mut(id) {
            call.shown = state;
            self.out.push_back(Output::Event(CoreEvent::CallChange { call: id, state, status, remote }));
        }
    }

    fn flow(&self) -> Option<Flow> {
        self.connection.socket().map(Flow::connection)
    }
}

/// An end that nobody chose.
const fn failed(error: Box<ErrorInfo>) -> CallEnd {
    CallEnd { by: EndedBy::System, status: None, reason: String::new(), q850: None, error: Some(error) }
}

/// The earlier of two deadlines.
fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
