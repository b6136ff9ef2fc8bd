//! The INVITE server transaction: RFC 3261 §17.2.1 and figure 7, as RFC 6026 §8.5 to §8.7 change it.
//!
//! After a 2xx it only absorbs copies of the INVITE; sending the 2xx again until its ACK comes is the business of its
//! user (§13.3.1.4), who hands each copy to [`respond`](super::Transactions::respond).

use super::context::{Context, ServerInput};
use super::{Phase, ServerId, Timer, Timers, TransactionEvent};
use crate::flow::Flow;
use crate::message::{Request, Response, StatusCode};
use crate::time::Duration;

#[derive(Debug)]
pub(super) struct ServerInvite {
    id: ServerId,
    state: State,
}

#[derive(Debug)]
enum State {
    Proceeding(Provisional),
    /// `response` is sent again after each `interval` and for each copy of the INVITE.
    Completed {
        response: Vec<u8>,
        interval: Duration,
    },
    Confirmed,
    Accepted,
    Terminated,
}

#[derive(Debug)]
enum Provisional {
    /// The 100 that is owed when the user says nothing for 200 ms.
    Owed(Vec<u8>),
    /// The last one sent; each copy of the INVITE brings it again.
    Sent(Vec<u8>),
}

impl ServerInvite {
    pub(super) fn start(id: ServerId, request: &Request, cx: &mut Context<'_>) -> Self {
        let trying = request.reply(StatusCode::TRYING, None).write();
        cx.start(Timer::Trying, Timers::TRYING);
        let state = State::Proceeding(Provisional::Owed(trying));
        Self { id, state }
    }

    /// The table of `tests/transactions.md`.
    pub(super) fn handle(&mut self, input: ServerInput, cx: &mut Context<'_>) {
        use ServerInput::*;
        use State::*;
        match (&mut self.state, input) {
            (Proceeding(last), Fired(_)) => last.send_owed(cx),
            (Proceeding(last), Provisional(response)) => last.replace(&response, cx),
            (Proceeding(last), Repeated) => last.repeat(cx),
            (Proceeding(_), Success(response)) => self.accept(&response, cx),
            (Proceeding(_), Failure(response)) => self.complete(&response, cx),
            (Completed { response, .. }, Repeated) => cx.send(response),
            (Completed { response, interval }, Fired(Timer::G)) => repeat(response, interval, cx),
            (Completed { .. }, Fired(_)) => self.give_up(cx),
            (Completed { .. }, Acked(..)) => self.confirm(cx),
            (Accepted, Success(response)) => cx.send(&response.write()),
            (Accepted, Acked(request, flow)) => pass_on(request, flow, cx),
            (Proceeding(_) | Completed { .. } | Accepted, FlowFailed) => self.report_failure(cx),
            (Proceeding(_), SocketClosed) => self.close(cx),
            (Completed { .. } | Confirmed | Accepted, SocketClosed) => self.terminate(),
            (Confirmed | Accepted, Fired(_)) => self.terminate(),
            (Proceeding(_), Acked(..)) | (Accepted, Repeated) => {}
            (Confirmed, Acked(..) | Repeated | FlowFailed) => {}
            (Completed { .. } | Confirmed, Provisional(_) | Success(_) | Failure(_)) => {}
            (Accepted, Provisional(_) | Failure(_)) => {}
            (Terminated, _) => {}
        }
    }

    /// Whether the user may still answer with this status.
    pub(super) const fn is_open_for(&self, status: StatusCode) -> bool {
        match self.state {
            State::Proceeding(_) => true,
            State::Accepted => status.is_success(),
            State::Completed { .. } | State::Confirmed | State::Terminated => false,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.state {
            State::Proceeding(_) => Phase::Proceeding,
            State::Completed { .. } => Phase::Completed,
            State::Confirmed => Phase::Confirmed,
            State::Accepted => Phase::Accepted,
            State::Terminated => Phase::Terminated,
        }
    }

    fn accept(&mut self, response: &Response, cx: &mut Context<'_>) {
        cx.stop_all();
        cx.send(&response.write());
        cx.start_patience(Timer::L);
        self.state = State::Accepted;
    }

    fn complete(&mut self, response: &Response, cx: &mut Context<'_>) {
        let response = response.write();
        let interval = cx.timers().t1;
        cx.stop_all();
        cx.send(&response);
        cx.start_patience(Timer::H);
        if !cx.is_reliable {
            cx.start(Timer::G, interval);
        }
        self.state = State::Completed { response, interval };
    }

    fn confirm(&mut self, cx: &mut Context<'_>) {
        cx.stop_all();
        if cx.is_reliable {
            self.terminate();
        } else {
            cx.start(Timer::I, cx.timers().t4);
            self.state = State::Confirmed;
        }
    }

    fn give_up(&mut self, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::AckTimeout { id: self.id });
        self.terminate();
    }

    fn report_failure(&self, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::ServerTransportFailed { id: self.id });
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        self.report_failure(cx);
        self.terminate();
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
    }
}

impl Provisional {
    fn send_owed(&mut self, cx: &mut Context<'_>) {
        if let Self::Owed(trying) = self {
            cx.send(trying);
            *self = Self::Sent(core::mem::take(trying));
        }
    }

    fn replace(&mut self, response: &Response, cx: &mut Context<'_>) {
        let response = response.write();
        cx.stop(Timer::Trying);
        cx.send(&response);
        *self = Self::Sent(response);
    }

    fn repeat(&self, cx: &mut Context<'_>) {
        if let Self::Sent(response) = self {
            cx.send(response);
        }
    }
}

/// The sender gave the ACK of a 2xx the branch of its INVITE, as RFC 2543 did.
fn pass_on(request: Request, flow: Flow, cx: &mut Context<'_>) {
    cx.emit(TransactionEvent::Ack { request, flow });
}

fn repeat(response: &[u8], interval: &mut Duration, cx: &mut Context<'_>) {
    cx.send(response);
    *interval = cx.timers().back_off(*interval);
    cx.start(Timer::G, *interval);
}
