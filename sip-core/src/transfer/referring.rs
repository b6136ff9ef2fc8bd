//! The side that asks (RFC 3515 §2.4.1, RFC 5589 §6): REFER, then the news that NOTIFYs bring.

use super::{AFTERMATH, Fate, Incoming, LIFETIME, SIPFRAG, Transfer, Transfers, emit};
use crate::agent::{AgentError, Endpoint, Failure, Owner, Refer, SessionId, TransferEvent, TransferId};
use crate::dialog::DialogId;
use crate::flow::Flow;
use crate::message::text::decimal;
use crate::message::{HeaderName, Headers, Method, Parameterized, ReferTo, Request, Response, StatusCode, StatusLine};
use crate::session::Sessions;
use crate::time::{Duration, Instant};

/// A REFER of ours.
#[derive(Debug)]
pub(super) struct Referring {
    pub(super) session: SessionId,
    dialog: DialogId,
    /// As last sent, without Via.
    request: Request,
    flow: Flow,
    stage: Stage,
    pub(super) deadline: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// REFER has no final response.
    Asking,
    /// It was accepted; news are to come.
    Subscribed,
    /// The application knows how it ended. What still comes is answered, and no more.
    Told,
}

impl Transfers {
    /// REFER.
    pub(crate) fn refer(
        &mut self,
        session: SessionId,
        refer: Refer,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Result<TransferId, AgentError> {
        self.check_room(endpoint)?;
        if self.is_asking(session) {
            return Err(AgentError::WrongState { command: "refer", state: "another transfer is under way" });
        }
        let patience = endpoint.patience();
        let made = sessions.with(session, |session| {
            let request = session.request(Method::Refer, rows(refer), None)?;
            Ok((request, session.dialog_id(), session.flow()))
        });
        let (request, dialog, flow) = made.unwrap_or(Err(AgentError::UnknownSession(session)))?;
        let flow = endpoint.next_hop(&request, flow);
        let dialog = dialog.ok_or(AgentError::UnknownSession(session))?;
        let stage = Stage::Asking;
        let referring =
            Referring { session, dialog, request: request.clone(), flow, stage, deadline: now + patience * 2 };
        let id = self.add(Transfer::Ours(Box::new(referring)), endpoint);
        let sent = endpoint.send(request, flow, Owner::Transfer(id), now);
        if let Err(error) = sent {
            self.with(id, |_| Fate::IsOver);
            return Err(error);
        }
        Ok(id)
    }

    /// Whether the other side has been asked in this session and has not told how it ended.
    pub(super) fn is_asking(&self, session: SessionId) -> bool {
        let is_it = |transfer: &Transfer| match transfer {
            Transfer::Ours(referring) => referring.session == session && referring.stage != Stage::Told,
            Transfer::Theirs(_) => false,
        };
        self.all.iter().any(|(_, transfer)| is_it(transfer))
    }

    /// Whether a request outside of every session belongs to a subscription that has outlived its own.
    pub(crate) fn takes(&self, request: &Request) -> bool {
        request.method == Method::Notify && self.subscription_of(request).is_some()
    }

    /// A NOTIFY of a transfer; 481 where there is none that it belongs to (RFC 6665 §4.1.3).
    pub(crate) fn handle_notify(&mut self, notify: &Incoming, endpoint: &mut Endpoint, now: Instant) {
        match self.subscription_of(&notify.request) {
            None => notify.refuse(StatusCode::CALL_DOES_NOT_EXIST, endpoint, now),
            Some(id) => self.with(id, |transfer| match transfer {
                Transfer::Ours(referring) => referring.handle_notify(id, notify, endpoint, now),
                Transfer::Theirs(_) => Fate::Lives,
            }),
        }
    }

    /// By dialog and, where the NOTIFY names it, the number of the REFER (RFC 3515 §2.4.6). The newest comes first.
    fn subscription_of(&self, notify: &Request) -> Option<TransferId> {
        let dialog = DialogId::of_request(notify)?;
        let event = notify.headers.parameterized(&HeaderName::Event).filter(|event| event.is("refer"))?;
        let number = event.params.get("id");
        let is_it = |transfer: &Transfer| match transfer {
            Transfer::Ours(referring) => {
                referring.dialog == dialog && number.is_none_or(|number| Some(number) == referring.number().as_deref())
            }
            Transfer::Theirs(_) => false,
        };
        self.all.iter().rev().find(|(_, transfer)| is_it(transfer)).map(|(id, _)| *id)
    }
}

impl Referring {
    fn number(&self) -> Option<String> {
        self.request.headers.cseq().ok().map(|cseq| decimal(cseq.number))
    }

    pub(super) fn handle_outcome(
        &mut self,
        id: TransferId,
        outcome: Result<Response, Failure>,
        sessions: &mut Sessions,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        let response = match outcome {
            Ok(response) => response,
            Err(_) if self.stage == Stage::Told => return Fate::IsOver,
            Err(failure) => return self.tell_last(id, TransferEvent::Lost(failure), endpoint),
        };
        let Self { request, session, .. } = self;
        let answered = sessions.with(*session, |session| session.answer_challenge(request, &response, endpoint));
        if answered == Some(true) {
            return match endpoint.send(request.clone(), self.flow, Owner::Transfer(id), now) {
                Ok(_) => Fate::Lives,
                Err(_) => self.tell_last(id, TransferEvent::Lost(Failure::TransportFailed), endpoint),
            };
        }
        sessions.with(*session, |session| session.note_response(request, response.clone(), endpoint, now));
        let Response { status, reason, headers, .. } = response;
        match (self.stage, status.is_success()) {
            // A NOTIFY may overtake the response.
            (Stage::Told, _) => Fate::Lives,
            (_, true) if says_no_news(&headers) => {
                self.tell_last(id, TransferEvent::Succeeded { status, is_confirmed: false }, endpoint)
            }
            (_, true) => {
                self.stage = Stage::Subscribed;
                self.deadline = now + endpoint.patience();
                self.tell(id, TransferEvent::Accepted, endpoint)
            }
            (_, false) => self.tell_last(id, TransferEvent::Refused { status, reason }, endpoint),
        }
    }

    fn handle_notify(&mut self, id: TransferId, notify: &Incoming, endpoint: &mut Endpoint, now: Instant) -> Fate {
        let headers = &notify.request.headers;
        let state = headers.parameterized(&HeaderName::SubscriptionState);
        let ended = state.as_ref().is_some_and(|state| state.is("terminated"));
        let line = match fragment(&notify.request) {
            Ok(line) => {
                notify.respond(StatusCode::OK, None, endpoint, now);
                line
            }
            Err(status) => {
                notify.refuse(status, endpoint, now);
                None
            }
        };
        if self.stage == Stage::Told {
            return if ended { Fate::IsOver } else { Fate::Lives };
        }
        let lifetime = state.as_ref().and_then(|state| state.params.get("expires")?.parse().ok());
        // The last news may need some time on their way.
        self.deadline = now + lifetime.map_or(LIFETIME, Duration::from_secs).min(LIFETIME) + endpoint.patience();
        match line {
            Some(StatusLine { status, .. }) if status.is_success() => {
                self.tell_end(id, TransferEvent::Succeeded { status, is_confirmed: true }, ended, endpoint, now)
            }
            Some(StatusLine { status, reason }) if status.is_final() => {
                self.tell_end(id, TransferEvent::Failed { status, reason }, ended, endpoint, now)
            }
            line if ended => {
                drop(line);
                self.tell_last(id, unexplained(state.as_ref()), endpoint)
            }
            Some(StatusLine { status, reason }) => self.tell(id, TransferEvent::Progress { status, reason }, endpoint),
            None => Fate::Lives,
        }
    }

    pub(super) fn handle_session_ended(&mut self, now: Instant) -> Fate {
        self.deadline = self.deadline.min(now + AFTERMATH);
        if self.stage == Stage::Told { Fate::IsOver } else { Fate::Lives }
    }

    pub(super) fn handle_timeout(&self, id: TransferId, endpoint: &mut Endpoint) -> Fate {
        if self.stage != Stage::Told {
            self.tell(id, TransferEvent::Lost(Failure::Timeout), endpoint);
        }
        Fate::IsOver
    }

    /// The application's last event; where the other side may still send something, it will be answered.
    fn tell_end(
        &mut self,
        id: TransferId,
        event: TransferEvent,
        ended: bool,
        endpoint: &mut Endpoint,
        now: Instant,
    ) -> Fate {
        self.tell(id, event, endpoint);
        if ended && self.stage == Stage::Subscribed {
            return Fate::IsOver;
        }
        self.stage = Stage::Told;
        self.deadline = now + AFTERMATH;
        Fate::Lives
    }

    fn tell_last(&self, id: TransferId, event: TransferEvent, endpoint: &mut Endpoint) -> Fate {
        self.tell(id, event, endpoint);
        Fate::IsOver
    }

    fn tell(&self, id: TransferId, event: TransferEvent, endpoint: &mut Endpoint) -> Fate {
        emit(id, self.session, event, endpoint);
        Fate::Lives
    }
}

/// What a REFER carries of its own.
fn rows(refer: Refer) -> Vec<(HeaderName, String)> {
    let Refer { target, replaces, referred_by, headers, subscribe } = refer;
    let mut rows = headers;
    rows.push((HeaderName::ReferTo, ReferTo { target, replaces }.to_string()));
    if let Some(by) = referred_by {
        rows.push((HeaderName::ReferredBy, by.to_string()));
    }
    if !subscribe {
        rows.push((refer_sub(), "false".to_owned()));
    }
    rows
}

/// RFC 4488.
pub(super) fn refer_sub() -> HeaderName {
    HeaderName::other("Refer-Sub")
}

/// `Refer-Sub: false`: there is no subscription.
pub(super) fn says_no_news(headers: &Headers) -> bool {
    headers.parameterized(&refer_sub()).is_some_and(|value| value.is("false"))
}

/// The status in a NOTIFY; none where it has no body.
fn fragment(notify: &Request) -> Result<Option<StatusLine>, StatusCode> {
    if notify.body.is_empty() {
        return Ok(None);
    }
    if !notify.headers.content_type().is_some_and(|kind| kind.is(SIPFRAG)) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    StatusLine::parse(&notify.body).map(Some).ok_or(StatusCode::BAD_REQUEST)
}

/// The subscription ended before the call did (RFC 6665 §4.1.3).
fn unexplained(state: Option<&Parameterized>) -> TransferEvent {
    match state.and_then(|state| state.params.get("reason")) {
        Some(reason) if reason.eq_ignore_ascii_case("rejected") => {
            let StatusLine { status, reason } = StatusLine::new(StatusCode::DECLINE);
            TransferEvent::Failed { status, reason }
        }
        _ => TransferEvent::Lost(Failure::Protocol("the other side stopped telling how the transfer goes")),
    }
}
