//! What a machine works with: the inputs it gets, and the hands it has on timers and outputs.

use std::collections::VecDeque;

use super::timer::{Owner, TimerTable};
use super::{Timer, Timers, TransactionEvent, TransactionOutput};
use crate::flow::Flow;
use crate::message::{Request, Response};
use crate::time::{Duration, Instant};

/// What can happen to a client transaction after its start.
#[derive(Debug)]
pub(super) enum ClientInput {
    /// 1xx.
    Provisional(Response),
    /// 2xx.
    Success(Response),
    /// 3xx to 6xx.
    Failure(Response),
    /// The user has sent a CANCEL for this INVITE.
    CancelSent,
    /// A timer has run out.
    Fired(Timer),
    /// What was sent did not arrive.
    FlowFailed,
    /// Nothing can be sent or received any more.
    SocketClosed,
}

impl From<Response> for ClientInput {
    fn from(response: Response) -> Self {
        match response.status {
            status if status.is_provisional() => Self::Provisional(response),
            status if status.is_success() => Self::Success(response),
            _ => Self::Failure(response),
        }
    }
}

/// What can happen to a server transaction after its start.
#[derive(Debug)]
pub(super) enum ServerInput {
    /// The request came again.
    Repeated,
    /// An ACK that matches the INVITE, and where it came from.
    Acked(Request, Flow),
    /// The user answers 1xx.
    Provisional(Response),
    /// The user answers 2xx.
    Success(Response),
    /// The user answers 3xx to 6xx.
    Failure(Response),
    /// A timer has run out.
    Fired(Timer),
    /// What was sent did not arrive.
    FlowFailed,
    /// Nothing can be sent or received any more.
    SocketClosed,
}

impl From<Response> for ServerInput {
    fn from(response: Response) -> Self {
        match response.status {
            status if status.is_provisional() => Self::Provisional(response),
            status if status.is_success() => Self::Success(response),
            _ => Self::Failure(response),
        }
    }
}

/// What all transactions share.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) timers: Timers,
    pub(super) table: TimerTable,
    pub(super) outputs: VecDeque<TransactionOutput>,
}

impl Outbox {
    pub(super) fn new(timers: Timers) -> Self {
        Self { timers, table: TimerTable::default(), outputs: VecDeque::new() }
    }

    pub(super) fn transmit(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.outputs.push_back(TransactionOutput::Transmit { flow, bytes });
    }

    pub(super) fn emit(&mut self, event: TransactionEvent) {
        self.outputs.push_back(TransactionOutput::Event(event));
    }
}

/// One transaction's view of the [`Outbox`] for one step.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) outbox: &'a mut Outbox,
    pub(super) owner: Owner,
    /// Where its messages go.
    pub(super) flow: Flow,
    pub(super) is_reliable: bool,
    pub(super) now: Instant,
}

impl Context<'_> {
    pub(super) const fn timers(&self) -> &Timers {
        &self.outbox.timers
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.outbox.transmit(self.flow, bytes.to_vec());
    }

    pub(super) fn emit(&mut self, event: TransactionEvent) {
        self.outbox.emit(event);
    }

    pub(super) fn start(&mut self, timer: Timer, after: Duration) {
        self.outbox.table.start(self.owner, timer, self.now + after);
    }

    /// Starts a timer that lasts 64·T1.
    pub(super) fn start_patience(&mut self, timer: Timer) {
        self.start(timer, self.timers().patience());
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.outbox.table.stop(self.owner, timer);
    }

    pub(super) fn stop_all(&mut self) {
        self.outbox.table.stop_all(self.owner);
    }
}
