//! The INVITE client transaction: RFC 3261 §17.1.1 and figure 5, as RFC 6026 §8.4 changes it.
//!
//! It acknowledges 3xx to 6xx itself (§17.1.1.3). The ACK of a 2xx is the business of its user, who also sends the
//! CANCEL, in a transaction of its own.

use super::context::{ClientInput, Context};
use super::{ClientId, Phase, Timer, TransactionEvent};
use crate::message::{CSeq, HeaderName, Method, Request, Response};
use crate::time::Duration;

#[derive(Debug)]
pub(super) struct ClientInvite {
    id: ClientId,
    request: Box<Request>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `invite` is sent again after each `interval`.
    Calling {
        invite: Vec<u8>,
        interval: Duration,
    },
    Proceeding,
    /// `ack` is sent for each copy of the final response.
    Completed {
        ack: Vec<u8>,
    },
    Accepted,
    Terminated,
}

impl ClientInvite {
    /// Sends the INVITE.
    pub(super) fn start(id: ClientId, request: Request, cx: &mut Context<'_>) -> Self {
        let invite = request.write();
        let interval = cx.timers().t1;
        cx.send(&invite);
        cx.start_patience(Timer::B);
        if !cx.is_reliable {
            cx.start(Timer::A, interval);
        }
        let state = State::Calling { invite, interval };
        let request = Box::new(request);
        Self { id, request, state }
    }

    /// The table of `tests/transactions.md`.
    pub(super) fn handle(&mut self, input: ClientInput, cx: &mut Context<'_>) {
        use ClientInput::*;
        use State::*;
        match (&mut self.state, input) {
            (Calling { invite, interval }, Fired(Timer::A)) => repeat(invite, interval, cx),
            (Calling { .. }, Provisional(response)) => self.proceed(response, cx),
            (Proceeding, Provisional(response)) => self.report(response, cx),
            (Calling { .. } | Proceeding, Success(response)) => self.accept(response, cx),
            (Calling { .. } | Proceeding, Failure(response)) => self.complete(response, cx),
            (Calling { .. } | Proceeding, CancelSent) => cx.start_patience(Timer::Cancel),
            (Calling { .. }, Fired(_)) | (Proceeding, Fired(_)) => self.time_out(cx),
            (Calling { .. }, FlowFailed | SocketClosed) => self.fail(cx),
            (Proceeding, SocketClosed) => self.fail(cx),
            (Accepted, Success(response)) => self.report(response, cx),
            (Completed { ack }, Failure(_)) => cx.send(ack),
            (Completed { .. }, Fired(_) | FlowFailed | SocketClosed) => self.terminate(),
            (Accepted, Fired(_) | SocketClosed) => self.terminate(),
            (Proceeding | Accepted, FlowFailed) => {}
            (Completed { .. } | Accepted, Provisional(_) | CancelSent) => {}
            (Completed { .. }, Success(_)) | (Accepted, Failure(_)) => {}
            (Terminated, _) => {}
        }
    }

    pub(super) const fn unanswered(&self) -> Option<&[u8]> {
        match &self.state {
            State::Calling { invite, .. } => Some(invite.as_slice()),
            State::Proceeding | State::Completed { .. } | State::Accepted | State::Terminated => None,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.state {
            State::Calling { .. } => Phase::Calling,
            State::Proceeding => Phase::Proceeding,
            State::Completed { .. } => Phase::Completed,
            State::Accepted => Phase::Accepted,
            State::Terminated => Phase::Terminated,
        }
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    fn proceed(&mut self, response: Response, cx: &mut Context<'_>) {
        cx.stop(Timer::A);
        cx.stop(Timer::B);
        self.state = State::Proceeding;
        self.report(response, cx);
    }

    fn accept(&mut self, response: Response, cx: &mut Context<'_>) {
        cx.stop_all();
        cx.start_patience(Timer::M);
        self.state = State::Accepted;
        self.report(response, cx);
    }

    fn complete(&mut self, response: Response, cx: &mut Context<'_>) {
        let ack = ack(&self.request, &response).write();
        cx.stop_all();
        cx.send(&ack);
        self.report(response, cx);
        if cx.is_reliable {
            self.terminate();
        } else {
            cx.start_patience(Timer::D);
            self.state = State::Completed { ack };
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

/// Timer A doubles without T2's limit (§17.1.1.2).
fn repeat(invite: &[u8], interval: &mut Duration, cx: &mut Context<'_>) {
    cx.send(invite);
    *interval *= 2;
    cx.start(Timer::A, *interval);
}

/// The ACK of a response that is no 2xx: from the INVITE, with the To of the response (§17.1.1.3).
fn ack(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    if let Ok(via) = invite.headers.via() {
        ack.headers.push(HeaderName::Via, via.to_string());
    }
    copy(&HeaderName::Route, invite, &mut ack);
    ack.headers.push(HeaderName::MaxForwards, "70");
    copy(&HeaderName::From, invite, &mut ack);
    let to = response.headers.get(&HeaderName::To);
    ack.headers.push(HeaderName::To, to.unwrap_or_default());
    copy(&HeaderName::CallId, invite, &mut ack);
    if let Ok(CSeq { number, .. }) = invite.headers.cseq() {
        let cseq = CSeq { number, method: Method::Ack };
        ack.headers.push(HeaderName::CSeq, cseq.to_string());
    }
    ack
}

fn copy(name: &HeaderName, from: &Request, to: &mut Request) {
    for value in from.headers.get_all(name) {
        to.headers.push(name.clone(), value);
    }
}
