//! Drives the B2BUA: one task, one bounded queue in, one timer. It decides nothing.

use crate::clock::{Clock, unix_now};
use crate::counters::Counters;
use crate::media::MediaWorkers;
use crate::metrics::Tally;
use crate::records::Records;
use crate::resolve::Lookups;
use crate::sip_udp::SipUdp;
use crate::streams::{Stream, StreamId, Streams};
use crate::webhook::Webhook;
use crate::websocket::{Frame, Outbox, Unsendable, Visitor};
use relay_core::b2bua::{
    B2bua, CallFault, CallRecord, CallStatus, FlowFault, GatewayStatus, Health, Input, Occupancy, Output,
};
use relay_core::media::control::{MediaEvent, MediaId, OpenFailure, Side};
use sip_core::{Duration, Flow, Instant, SocketId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Inputs that may wait. A full queue makes sockets wait to be read: WebSockets stop their senders, the system drops
/// datagrams, which SIP sends again.
const MAX_WAITING: usize = 1_024;

/// What comes to the signalling task from the other tasks.
#[derive(Debug)]
enum Arrival {
    WebOpened { socket: SocketId, visitor: Visitor, outbox: Outbox },
    StreamOpened { flow: Flow, stream: Stream },
    StreamClosed { flow: Flow, id: StreamId, fault: FlowFault },
    Input(Input),
    Command(Command),
    Drain,
    Leave,
}

/// What an operator asks, and where the answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    Calls { after: MediaId, limit: usize, reply: oneshot::Sender<Vec<CallStatus>> },
    Call { id: MediaId, reply: oneshot::Sender<Option<CallStatus>> },
    End { id: MediaId, reason: String, reply: oneshot::Sender<Result<(), CallFault>> },
    Dial { id: MediaId, to: Side, digits: String, reply: oneshot::Sender<Result<(), CallFault>> },
}

/// The way to the signalling task.
#[derive(Clone, Debug)]
pub(crate) struct Signaling {
    arrivals: mpsc::Sender<Arrival>,
    status: watch::Receiver<Status>,
    gateways: watch::Receiver<Vec<GatewayStatus>>,
}

/// What `/healthz` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Status {
    occupancy: Occupancy,
    web_sockets: usize,
    streams: usize,
    /// Nothing new is taken on.
    is_draining: bool,
}

impl Signaling {
    pub(crate) async fn web_opened(&self, socket: SocketId, visitor: Visitor, outbox: Outbox) {
        self.arrive(Arrival::WebOpened { socket, visitor, outbox }).await;
    }

    pub(crate) async fn web_message(&self, socket: SocketId, bytes: Vec<u8>) {
        self.input(Input::WebMessage { socket, bytes }).await;
    }

    pub(crate) async fn web_closed(&self, socket: SocketId) {
        self.input(Input::WebClosed { socket }).await;
    }

    /// A PBX has connected.
    pub(crate) async fn stream_opened(&self, flow: Flow, stream: Stream) {
        self.arrive(Arrival::StreamOpened { flow, stream }).await;
    }

    pub(crate) async fn stream_closed(&self, flow: Flow, id: StreamId, fault: FlowFault) {
        self.arrive(Arrival::StreamClosed { flow, id, fault }).await;
    }

    /// Its browser may come back.
    pub(crate) async fn web_lost(&self, socket: SocketId) {
        self.input(Input::WebLost { socket }).await;
    }

    pub(crate) async fn input(&self, input: Input) {
        self.arrive(Arrival::Input(input)).await;
    }

    /// Asks, and waits for the answer; none where signalling is gone.
    pub(crate) async fn command<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.arrive(Arrival::Command(command(reply))).await;
        answer.await.ok()
    }

    /// Takes nothing new from now on.
    pub(crate) async fn drain(&self) {
        self.arrive(Arrival::Drain).await;
    }

    /// Comes back when nothing new is taken on any more and every call is over, or signalling is.
    pub(crate) async fn drained(&self) {
        let _ = self.status.clone().wait_for(|status| status.is_draining && status.occupancy.calls == 0).await;
    }

    /// Hangs up every call; the task ends when they are over.
    pub(crate) async fn leave(&self) {
        self.arrive(Arrival::Leave).await;
    }

    /// Inputs in the queue.
    pub(crate) fn waiting(&self) -> usize {
        self.arrivals.max_capacity() - self.arrivals.capacity()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.arrivals.is_closed()
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        self.status.borrow().occupancy
    }

    pub(crate) fn web_sockets(&self) -> usize {
        self.status.borrow().web_sockets
    }

    /// Connections with PBXs.
    pub(crate) fn streams(&self) -> usize {
        self.status.borrow().streams
    }

    pub(crate) fn gateways(&self) -> Vec<GatewayStatus> {
        self.gateways.borrow().clone()
    }

    /// For somebody who waits for what is known of the gateways.
    pub(crate) fn watch_gateways(&self) -> watch::Receiver<Vec<GatewayStatus>> {
        self.gateways.clone()
    }

    async fn arrive(&self, arrival: Arrival) {
        if self.arrivals.send(arrival).await.is_err() {
            tracing::trace!("signalling is gone");
        }
    }
}

/// The ends of the queue, before the task that reads it exists.
#[derive(Debug)]
pub(crate) struct Queue {
    arrivals: mpsc::Receiver<Arrival>,
    status: watch::Sender<Status>,
    gateways: watch::Sender<Vec<GatewayStatus>>,
}

pub(crate) fn queue() -> (Signaling, Queue) {
    let (sender, arrivals) = mpsc::channel(MAX_WAITING);
    let (status, watched) = watch::channel(Status::default());
    let (gateways, seen) = watch::channel(Vec::new());
    (Signaling { arrivals: sender, status: watched, gateways: seen }, Queue { arrivals, status, gateways })
}

/// What the task works with.
pub(crate) struct Parts {
    pub(crate) b2bua: B2bua,
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    /// For what answers later.
    pub(crate) signaling: Signaling,
    pub(crate) media: MediaWorkers,
    pub(crate) media_events: mpsc::Receiver<MediaEvent>,
    pub(crate) udp: BTreeMap<SocketId, Arc<SipUdp>>,
    pub(crate) streams: Streams,
    pub(crate) lookups: Lookups,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) records: Records,
    /// The core asks only where there is one.
    pub(crate) webhook: Option<Webhook>,
    /// How long calls may take to end.
    pub(crate) shutdown: Duration,
}

/// The task.
pub(crate) struct Driver {
    parts: Parts,
    /// Open WebSockets.
    web: BTreeMap<SocketId, Outbox>,
    /// Flows on which sending failed at once.
    failed: VecDeque<(Flow, FlowFault)>,
    /// When to stop waiting for calls to end.
    leaving: Option<Instant>,
    is_draining: bool,
}

impl Driver {
    pub(crate) const fn new(parts: Parts) -> Self {
        Self { parts, web: BTreeMap::new(), failed: VecDeque::new(), leaving: None, is_draining: false }
    }

    /// Until every call is over after [`Signaling::leave`].
    pub(crate) async fn run(mut self) {
        let mut deadline = self.drain();
        self.publish_gateways();
        while !self.is_done() {
            let input = tokio::select! {
                Some(arrival) = self.parts.queue.arrivals.recv() => self.admit(arrival),
                Some(event) = self.parts.media_events.recv() => Some(self.count(event)),
                () = self.parts.clock.sleep_until(earliest(deadline, self.leaving)) => Some(Input::Timeout),
            };
            if let Some(input) = input {
                self.parts.b2bua.handle_input(input, self.parts.clock.now());
            }
            deadline = self.drain();
            self.publish();
        }
        self.close_all();
        // Threads are waited for, which is not for this one to do.
        let (media, records) = (self.parts.media, self.parts.records);
        let stopping = move || {
            media.stop();
            drop(records);
        };
        if tokio::task::spawn_blocking(stopping).await.is_err() {
            tracing::error!("the media threads did not stop");
        }
    }

    /// Does what the core asks for, until it wants nothing more before the moment returned.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.parts.b2bua.poll_output() {
                Output::WebSend { socket, bytes } => self.web_send(socket, bytes),
                Output::TrunkSend { flow, bytes } => self.send(flow, bytes),
                Output::Alias { flow, listener } => self.parts.streams.alias(flow, listener),
                Output::Media(command) => self.parts.media.command(command),
                Output::Resolve { query, question } => {
                    self.parts.lookups.start(query, question, self.parts.signaling.clone())
                }
                Output::GatewayChanged(status) => self.tell(&status),
                Output::Denied(denial) => {
                    self.parts.counters.guests_denied.add_one();
                    self.parts.tally.denied(denial);
                    tracing::info!(reason = denial.name(), "a guest was refused");
                }
                Output::Decide(undecided) => {
                    if let Some(webhook) = &self.parts.webhook {
                        webhook.start(*undecided, self.parts.signaling.clone());
                    }
                }
                Output::CallEnded(record) => self.call_ended(&record),
                Output::Timeout(at) => match self.failed.pop_front() {
                    Some((flow, fault)) => {
                        self.parts.b2bua.handle_input(Input::FlowFailed { flow, fault }, self.parts.clock.now());
                    }
                    None => return at,
                },
            }
        }
    }

    fn admit(&mut self, arrival: Arrival) -> Option<Input> {
        Some(match arrival {
            Arrival::WebOpened { socket, visitor, outbox } => {
                self.web.insert(socket, outbox);
                let Visitor { address: peer, secure, page, access } = visitor;
                // Somebody may set the system's clock while the relay runs.
                self.parts.b2bua.handle_input(Input::WallClock(unix_now()), self.parts.clock.now());
                Input::WebOpened { socket, peer, secure, page, access }
            }
            Arrival::StreamOpened { flow, stream } => {
                self.parts.streams.opened(flow, stream);
                return None;
            }
            Arrival::StreamClosed { flow, id, fault } => {
                let is_current = self.parts.streams.closed(flow, id);
                return is_current.then_some(Input::FlowFailed { flow, fault });
            }
            Arrival::Input(input) => {
                if let Input::WebClosed { socket } | Input::WebLost { socket } = &input {
                    self.web.remove(socket);
                }
                input
            }
            Arrival::Command(command) => {
                self.obey(command);
                return None;
            }
            Arrival::Drain => {
                self.is_draining = true;
                Input::Drain
            }
            Arrival::Leave => {
                self.leaving = Some(self.parts.clock.now() + self.parts.shutdown);
                Input::Shutdown
            }
        })
    }

    /// Who asked may be gone already.
    fn obey(&mut self, command: Command) {
        let (b2bua, now) = (&mut self.parts.b2bua, self.parts.clock.now());
        match command {
            Command::Calls { after, limit, reply } => drop(reply.send(b2bua.call_statuses(after, limit))),
            Command::Call { id, reply } => drop(reply.send(b2bua.call_status(id))),
            Command::End { id, reason, reply } => drop(reply.send(b2bua.end_call(id, &reason, now))),
            Command::Dial { id, to, digits, reply } => drop(reply.send(b2bua.send_digits(id, to, &digits, now))),
        }
    }

    fn count(&self, event: MediaEvent) -> Input {
        match &event {
            MediaEvent::OpenFailed { failure: OpenFailure::Overload, .. } => self.parts.counters.overload.add_one(),
            MediaEvent::OpenFailed { .. } => self.parts.counters.ports_exhausted.add_one(),
            _ => {}
        }
        Input::Media(event)
    }

    fn web_send(&mut self, socket: SocketId, bytes: Vec<u8>) {
        let sent = self.web.get(&socket).ok_or(Unsendable::Gone).and_then(|outbox| outbox.send(Frame::Message(bytes)));
        if sent.is_err() {
            self.parts.counters.web_unsendable.add_one();
            self.web.remove(&socket);
        }
    }

    fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        let sent = match (self.parts.udp.get(&flow.socket), flow.remote) {
            (Some(udp), Some(to)) => udp.send(to, &bytes).map_err(|error| {
                tracing::debug!(%error, %to, "cannot be sent");
                self.parts.counters.unreachable.add_one();
                FlowFault::Unreachable
            }),
            _ if self.parts.streams.has(flow.socket) => self.parts.streams.send(flow, bytes),
            _ => Err(FlowFault::Unreachable),
        };
        if let Err(fault) = sent {
            self.failed.push_back((flow, fault));
        }
    }

    fn call_ended(&self, record: &CallRecord) {
        log(record);
        self.parts.tally.ended(record);
        self.parts.records.ended(record, self.parts.clock.now());
    }

    fn tell(&self, status: &GatewayStatus) {
        let GatewayStatus { trunk, host, health, reason } = status;
        match health {
            Health::Down => tracing::warn!(trunk, host, reason, "a gateway is down"),
            _ => tracing::info!(trunk, host, health = health.as_str(), "a gateway is there"),
        }
        self.publish_gateways();
    }

    fn publish_gateways(&self) {
        self.parts.queue.gateways.send_replace(self.parts.b2bua.gateways());
    }

    fn is_done(&self) -> bool {
        let is_late = |limit: Instant| self.parts.clock.now() >= limit;
        self.leaving.is_some_and(|limit| self.parts.b2bua.occupancy().calls == 0 || is_late(limit))
    }

    /// RFC 6455 §7.4.1: 1001, the server goes away.
    fn close_all(&mut self) {
        for outbox in self.web.values() {
            let close = Frame::Close { code: 1001, reason: "the relay stops" };
            if outbox.send(close).is_err() {
                tracing::trace!("a WebSocket was full when the relay stopped");
            }
        }
        self.web.clear();
    }

    fn publish(&self) {
        let (occupancy, web_sockets, streams) =
            (self.parts.b2bua.occupancy(), self.web.len(), self.parts.streams.len());
        let status = Status { occupancy, web_sockets, streams, is_draining: self.is_draining };
        self.parts.queue.status.send_if_modified(|shown| std::mem::replace(shown, status) != status);
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    [a, b].into_iter().flatten().min()
}

/// One line for each call. Who called whom is for `debug` only.
fn log(record: &CallRecord) {
    let status = record.status.map(sip_core::message::StatusCode::as_u16);
    let (web, trunk) = (&record.report.web, &record.report.trunk);
    tracing::info!(
        call = record.id.0,
        direction = ?record.direction,
        site = record.site,
        status,
        reason = record.reason,
        ended_by = ?record.ended_by,
        rang_ms = record.answered.unwrap_or(record.ended).since(record.started).as_millis(),
        talked_ms = record.answered.map(|answered| record.ended.since(answered).as_millis()),
        web_lost = web.packets_lost,
        trunk_lost = trunk.packets_lost,
        "call ended"
    );
    tracing::debug!(call = record.id.0, from = record.from, to = record.to, "call ended");
}
