//! The client transaction of every request but INVITE and ACK: RFC 3261 §17.1.2 and figure 6.

use super::context::{ClientInput, Context};
use super::{ClientId, Phase, Timer, TransactionEvent};
use crate::message::{Request, Response};
use crate::time::Duration;

#[derive(Debug)]
pub(super) struct ClientNonInvite {
    id: ClientId,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `request` is sent again after each `interval`.
    Trying {
        request: Vec<u8>,
        interval: Duration,
    },
    /// `request` is sent again every T2: only that brings the final response again if it was lost.
    Proceeding {
        request: Vec<u8>,
    },
    Completed,
    Terminated,
}

impl ClientNonInvite {
    /// Sends the request.
    pub(super) fn start(id: ClientId, request: &Request, cx: &mut Context<'_>) -> Self {
        let request = request.write();
        let interval = cx.timers().t1;
        cx.send(&request);
        cx.start_patience(Timer::F);
        if !cx.is_reliable {
            cx.start(Timer::E, interval);
        }
        let state = State::Trying { request, interval };
        Self { id, state }
    }

    /// The table of `tests/transactions.md`.
    pub(super) fn handle(&mut self, input: ClientInput, cx: &mut Context<'_>) {
        use ClientInput::*;
        use State::*;
        match (&mut self.state, input) {
            (Trying { request, interval }, Fired(Timer::E)) => repeat(request, interval, cx),
            (Proceeding { request }, Fired(Timer::E)) => repeat_slowly(request, cx),
            (Trying { request, .. }, Provisional(response)) => {
                let request = core::mem::take(request);
                self.proceed(request, response, cx);
            }
            (Proceeding { .. }, Provisional(response)) => self.report(response, cx),
            (Trying { .. } | Proceeding { .. }, Success(response) | Failure(response)) => {
                self.complete(response, cx);
            }
            (Trying { .. } | Proceeding { .. }, Fired(_)) => self.time_out(cx),
            (Trying { .. } | Proceeding { .. }, FlowFailed | SocketClosed) => self.fail(cx),
            (Completed, Fired(_) | SocketClosed) => self.terminate(),
            (Completed, Provisional(_) | Success(_) | Failure(_) | FlowFailed) => {}
            (_, CancelSent) | (Terminated, _) => {}
        }
    }

    pub(super) const fn unanswered(&self) -> Option<&[u8]> {
        match &self.state {
            State::Trying { request, .. } | State::Proceeding { request } => Some(request.as_slice()),
            State::Completed | State::Terminated => None,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.state {
            State::Trying { .. } => Phase::Trying,
            State::Proceeding { .. } => Phase::Proceeding,
            State::Completed => Phase::Completed,
            State::Terminated => Phase::Terminated,
        }
    }

    /// Timer E goes on, from the next time on with T2.
    fn proceed(&mut self, request: Vec<u8>, response: Response, cx: &mut Context<'_>) {
        self.state = State::Proceeding { request };
        self.report(response, cx);
    }

    fn complete(&mut self, response: Response, cx: &mut Context<'_>) {
        cx.stop_all();
        self.report(response, cx);
        if cx.is_reliable {
            self.terminate();
        } else {
            cx.start(Timer::K, cx.timers().t4);
            self.state = State::Completed;
        }
    }

    fn time_out(&mut self, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::Timeout { id: self.id });
        self.terminate();
    }

    fn fail(&mut self, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::TransportFailed { id: self.id });
        self.terminate();
    }

    fn report(&self, response: Response, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::Response { id: self.id, response });
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
    }
}

fn repeat(request: &[u8], interval: &mut Duration, cx: &mut Context<'_>) {
    cx.send(request);
    *interval = cx.timers().back_off(*interval);
    cx.start(Timer::E, *interval);
}

fn repeat_slowly(request: &[u8], cx: &mut Context<'_>) {
    cx.send(request);
    cx.start(Timer::E, cx.timers().t2);
}
