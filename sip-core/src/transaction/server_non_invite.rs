//! The server transaction of every request but INVITE and ACK: RFC 3261 §17.2.2 and figure 8.
//!
//! It sends no 100 by itself (RFC 4320 §4.1).

use super::context::{Context, ServerInput};
use super::{Phase, ServerId, Timer, TransactionEvent};
use crate::message::Response;

#[derive(Debug)]
pub(super) struct ServerNonInvite {
    id: ServerId,
    state: State,
}

#[derive(Debug)]
enum State {
    Trying,
    /// Each copy of the request brings `response` again.
    Proceeding {
        response: Vec<u8>,
    },
    /// As in `Proceeding`, with the final response.
    Completed {
        response: Vec<u8>,
    },
    Terminated,
}

impl ServerNonInvite {
    pub(super) const fn start(id: ServerId) -> Self {
        Self { id, state: State::Trying }
    }

    /// The table of `tests/transactions.md`.
    pub(super) fn handle(&mut self, input: ServerInput, cx: &mut Context<'_>) {
        use ServerInput::*;
        use State::*;
        match (&mut self.state, input) {
            (Trying | Proceeding { .. }, Provisional(response)) => self.proceed(&response, cx),
            (Trying | Proceeding { .. }, Success(response) | Failure(response)) => {
                self.complete(&response, cx);
            }
            (Proceeding { response } | Completed { response }, Repeated) => cx.send(response),
            (Trying, SocketClosed) => self.close(cx),
            (Proceeding { .. }, FlowFailed | SocketClosed) => self.close(cx),
            (Completed { .. }, FlowFailed) => self.close(cx),
            (Completed { .. }, Fired(_) | SocketClosed) => self.terminate(),
            (Trying, Repeated | FlowFailed | Fired(_)) => {}
            (Proceeding { .. }, Fired(_)) => {}
            (Completed { .. }, Provisional(_) | Success(_) | Failure(_)) => {}
            (_, Acked(..)) | (Terminated, _) => {}
        }
    }

    /// Whether the user may still answer.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding { .. })
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.state {
            State::Trying => Phase::Trying,
            State::Proceeding { .. } => Phase::Proceeding,
            State::Completed { .. } => Phase::Completed,
            State::Terminated => Phase::Terminated,
        }
    }

    fn proceed(&mut self, response: &Response, cx: &mut Context<'_>) {
        let response = response.write();
        cx.send(&response);
        self.state = State::Proceeding { response };
    }

    fn complete(&mut self, response: &Response, cx: &mut Context<'_>) {
        let response = response.write();
        cx.send(&response);
        if cx.is_reliable {
            self.terminate();
        } else {
            cx.start_patience(Timer::J);
            self.state = State::Completed { response };
        }
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        cx.emit(TransactionEvent::ServerTransportFailed { id: self.id });
        self.terminate();
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
    }
}
