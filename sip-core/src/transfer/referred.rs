//! The side that is asked (RFC 3515 §2.4.2 to §2.4.5): the application decides, and NOTIFYs say how far its call is.

use super::referring::{refer_sub, says_no_news};
use super::{Fate, Incoming, LIFETIME, SIPFRAG, Transfer, Transfers, emit};
use crate::agent::{AgentError, Endpoint, Failure, Owner, SessionId, TransferEvent, TransferId};
use crate::dialog::Dialog;
use crate::message::text::decimal;
use crate::message::{HeaderName, Method, ReferTo, Request, Response, StatusCode, StatusLine};
use crate::session::Sessions;
use crate::time::{Duration, Instant};

/// A REFER must be answered soon (RFC 4320 §4.1): who is still deciding then is heard of by NOTIFY.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the application may take to decide.
const DECISION: Duration = Duration::from_secs(120);
/// Between the last number that we know of and the next, where requests of ours may have been counted by nobody.
const GAP: u32 = 64;

/// A REFER of theirs.
#[derive(Debug)]
pub(super) struct Referred {
    pub(super) session: SessionId,
    refer: Incoming,
    /// As it was when the REFER came; used when the session is gone.
    dialog: Dialog,
    wants_news: bool,
    stage: Stage,
    /// The NOTIFY under way, as sent, without Via.
    notify: Option<Request>,
    /// What is to be told after it.
    news: Option<StatusLine>,
    pub(super) deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The REFER waits.
    Asked,
    /// It is answered, and the application still decides.
    Pending,
    /// The application calls.
    Trying,
    /// Nothing more will come.
    Over(&'static str),
}

impl Transfers {
    /// A REFER inside a session.
    pub(crate) fn handle_refer(
        &mut self,
        session: SessionId,
        refer: Incoming,
        dialog: Dialog,
        endpoint: &mut Endpoint,
        now: Instant,
    ) {
        let refer_to = match self.judge(session, &refer, endpoint) {
            Ok(refer_to) => refer_to,
            Err(status) => return refer.refuse(status, endpoint, now),
        };
        let ReferTo { target, replaces } = refer_to;
        let headers = &refer.request.headers;
        let referred_by = headers.addresses(&HeaderName::ReferredBy).ok().and_then(|by| by.into_iter().next());
        let request = Box::new(refer.request.clone());
        let event = TransferEvent::Asked {
            target: Box::new(target),
            replaces: replaces.map(Box::new),
            referred_by: referred_by.map(Box::new),
            request,
        };
        let wants_news = !says_no_news(headers);
        let (stage, deadline) = (Stage::Asked, now + PATIENCE);
        let referred = Referred { session, refer, dialog, wants_news, stage, notify: None, news: None, deadline };
        let id = self.add(Transfer::Theirs(Box::new(referred)), endpoint);
        emit(id, session, event, endpoint);
    }

    fn judge(&self, session: SessionId, refer: &Incoming, endpoint: &Endpoint) -> Result<ReferTo, StatusCode> {
        let refer_to = ReferTo::read(&refer.request.headers)?;
        let is_open = |transfer: &Transfer| match transfer {
            Transfer::Theirs(referred) => referred.session == session && !matches!(referred.stage, Stage::Over(_)),
            Transfer::Ours(_) => false,
        };
        if self.is_asking(session) {
            return Err(StatusCode::REQUEST_PENDING);
        }
        if self.all.iter().any(|(_, transfer)| is_open(transfer)) {
            return Err(StatusCode::BUSY_HERE);
        }
        self.check_room(endpoint).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        Ok(refer_to)
    }

    /// The application's decision.
    pub(crate) fn decide(
        &mut self,
        id: TransferId,
        decision: Result<(), StatusCode>,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        if let Err(status) = decision
            && status.as_u16() < 300
        {
            return Err(AgentError::WrongStatus(status.as_u16()));
        }
        self.with_referred(id, |referred| match (referred.stage, decision) {
            (Stage::Asked, Err(status)) => {
                referred.refer.respond(status, None, endpoint, now);
                Ok(Fate::IsOver)
            }
            (Stage::Asked | Stage::Pending, Ok(())) => Ok(referred.take_on(id, Stage::Trying, sessions, endpoint, now)),
            (Stage::Pending, Err(status)) => {
                referred.stage = Stage::Over("rejected");
                Ok(referred.tell(id, StatusLine::new(status), sessions, endpoint, now))
            }
            _ => Err(AgentError::WrongState { command: "transfer", state: "it is decided already" }),
        })
    }

    /// How far the application's call is.
    pub(crate) fn report(
        &mut self,
        id: TransferId,
        line: StatusLine,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<(), AgentError> {
        self.with_referred(id, |referred| {
            if referred.stage != Stage::Trying {
                return Err(AgentError::WrongState { command: "report_transfer", state: "nothing is to be told" });
            }
            if line.status.is_final() {
                referred.stage = Stage::Over("noresource");
            }
            Ok(referred.tell(id, line, sessions, endpoint, now))
        })
    }

    fn with_referred(
        &mut self,
        id: TransferId,
        act: impl FnOnce(&mut Referred) -> Result<Fate, AgentError>,
    ) -> Result<(), AgentError> {
        let mut done = Err(AgentError::UnknownTransfer(id));
        self.with(id, |transfer| {
            let Transfer::Theirs(referred) = transfer else {
                return Fate::Lives;
            };
            let result = act(referred);
            let fate = *result.as_ref().unwrap_or(&Fate::Lives);
            done = result.map(|_| ());
            fate
        });
        done
    }
}

impl Referred {
    /// 202, and the first news, which may not be missing (RFC 3515 §2.4.4).
    fn take_on(
        &mut self,
        id: TransferId,
        stage: Stage,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        if self.stage == Stage::Asked {
            let row = (!self.wants_news).then(|| (refer_sub(), "false"));
            self.refer.respond(StatusCode::ACCEPTED, row, endpoint, now);
        }
        self.stage = stage;
        self.deadline = now + if stage == Stage::Pending { DECISION } else { LIFETIME };
        self.tell(id, StatusLine::new(StatusCode::TRYING), sessions, endpoint, now)
    }

    fn tell(
        &mut self,
        id: TransferId,
        line: StatusLine,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        if !self.wants_news {
            return if let Stage::Over(_) = self.stage { Fate::IsOver } else { Fate::Lives };
        }
        self.news = Some(line);
        self.tell_next(id, sessions, endpoint, now)
    }

    /// One NOTIFY at a time: on an unreliable transport the later could overtake the earlier.
    fn tell_next(&mut self, id: TransferId, sessions: &mut Sessions, endpoint: &mut Endpoint, now: Instant) -> Fate {
        if self.notify.is_some() {
            return Fate::Lives;
        }
        let Some(line) = self.news.take() else {
            return if let Stage::Over(_) = self.stage { Fate::IsOver } else { Fate::Lives };
        };
        let notify = self.notify(&line, sessions, now);
        self.send(id, notify, endpoint, now)
    }

    fn send(&mut self, id: TransferId, notify: Request, endpoint: &mut Endpoint, now: Instant) -> Fate {
        let flow = endpoint.next_hop(&notify, self.refer.flow);
        self.notify = Some(notify.clone());
        match endpoint.send(notify, flow, Owner::Transfer(id), now) {
            Ok(_) => Fate::Lives,
            Err(_) => Fate::IsOver,
        }
    }

    fn notify(&mut self, line: &StatusLine, sessions: &mut Sessions, now: Instant) -> Request {
        let body = Some((SIPFRAG.to_owned() + ";version=2.0", line.to_string().into_bytes()));
        let rows = self.rows(now);
        let made = sessions.with(self.session, |session| session.request(Method::Notify, rows.clone(), body.clone()));
        if let Some(Ok(request)) = made {
            self.dialog.skip_to(request.headers.cseq().map_or(0, |cseq| cseq.number));
            return request;
        }
        let mut request = self.dialog.request(Method::Notify);
        request.headers.push(HeaderName::Contact, ["<", &self.refer.contact.to_string(), ">"].concat());
        request.headers.extend(rows);
        if let Some((kind, content)) = body {
            request.set_body(&kind, content);
        }
        request
    }

    fn rows(&self, now: Instant) -> Vec<(HeaderName, String)> {
        let number = self.refer.request.headers.cseq().map_or(0, |cseq| cseq.number);
        let left = decimal(self.deadline.since(now).as_secs());
        let state = match self.stage {
            Stage::Pending => ["pending;expires=", &left].concat(),
            Stage::Over(reason) => ["terminated;reason=", reason].concat(),
            Stage::Asked | Stage::Trying => ["active;expires=", &left].concat(),
        };
        vec![(HeaderName::Event, ["refer;id=", &decimal(number)].concat()), (HeaderName::SubscriptionState, state)]
    }

    /// The answer to a NOTIFY. Whatever goes wrong here ends the news, never the call they are about.
    pub(super) fn handle_outcome(
        &mut self,
        id: TransferId,
        outcome: Result<Response, Failure>,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        let (Ok(response), Some(mut notify)) = (outcome, self.notify.take()) else {
            return Fate::IsOver;
        };
        if response.status.is_success() {
            return self.tell_next(id, sessions, endpoint, now);
        }
        let answered =
            sessions.with(self.session, |session| session.answer_challenge(&mut notify, &response, endpoint));
        if answered == Some(true) { self.send(id, notify, endpoint, now) } else { Fate::IsOver }
    }

    pub(super) fn handle_session_ended(&mut self, id: TransferId, endpoint: &mut Endpoint, now: Instant) -> Fate {
        self.dialog.skip_to(self.dialog.local_sequence().saturating_add(GAP));
        match self.stage {
            Stage::Asked => self.refer.respond(StatusCode::REQUEST_TERMINATED, None, endpoint, now),
            Stage::Pending => {}
            Stage::Trying | Stage::Over(_) => return Fate::Lives,
        }
        emit(id, self.session, TransferEvent::Withdrawn, endpoint);
        Fate::IsOver
    }

    pub(super) fn handle_timeout(
        &mut self,
        id: TransferId,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        match self.stage {
            Stage::Asked => self.take_on(id, Stage::Pending, sessions, endpoint, now),
            Stage::Pending => {
                emit(id, self.session, TransferEvent::Withdrawn, endpoint);
                self.give_up(id, sessions, endpoint, now)
            }
            Stage::Trying => self.give_up(id, sessions, endpoint, now),
            Stage::Over(_) => Fate::IsOver,
        }
    }

    fn give_up(&mut self, id: TransferId, sessions: &mut Sessions, endpoint: &mut Endpoint, now: Instant) -> Fate {
        self.stage = Stage::Over("giveup");
        self.deadline = now + LIFETIME;
        self.tell(id, StatusLine::new(StatusCode::REQUEST_TIMEOUT), sessions, endpoint, now)
    }
}
