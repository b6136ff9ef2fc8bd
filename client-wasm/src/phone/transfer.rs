//! Transfers as the page sees them (RFC 3515, RFC 5589), and calls that another takes the place of (RFC 3891).
//!
//! A transfer of ours ends the call once the other side's new one stands, and leaves it alone otherwise. One that we are
//! asked for becomes a call of ours, whose fate is reported to who asked. A call whose place is taken stays the same call
//! for the page: its other side changes, on a peer connection of its own.

use sip_core::Instant;
use sip_core::agent::{Refer, SessionId, TransferEvent, TransferId};
use sip_core::message::{HeaderName, NameAddr, Replaces, Request, StatusCode, StatusLine, Uri};

use super::call::{self, Negotiation, Stage};
use super::commands::over;
use super::{Output, Phone, settings, target};
use crate::errors;
use crate::types::{
    CallEnd, CallOptions, CallState, CoreEvent, EndedBy, ErrorCode, ErrorInfo, TransferOptions, TransferState,
};

/// What is under way, by call.
#[derive(Default)]
pub(super) struct Transfers {
    /// Ours, of which the call may be over.
    ours: Vec<(TransferId, u32)>,
    /// Those that the page decides about.
    asked: Vec<(u32, Asked)>,
    /// Calls that were made because somebody asked.
    made: Vec<(u32, TransferId)>,
    /// What is to be told to who asked.
    reports: Vec<(TransferId, StatusLine)>,
}

/// What we are asked to do.
struct Asked {
    id: TransferId,
    target: Uri,
    replaces: Option<Replaces>,
    referred_by: Option<NameAddr>,
}

impl Phone {
    // Commands.

    /// Has the other side of a call call somebody.
    pub(crate) fn transfer(
        &mut self,
        id: u32,
        target: &str,
        options: &TransferOptions,
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let target = target::parse(target, &self.settings.home)?;
        self.refer(id, target, None, options, now)
    }

    /// Has the other side of a call take our place in another.
    pub(crate) fn transfer_to_call(
        &mut self,
        id: u32,
        other: u32,
        options: &TransferOptions,
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let session = self.calls.get(other).and_then(call::Call::session).ok_or_else(over)?;
        let message = "The other call is not answered yet.";
        let unanswered = || ErrorInfo::with_message(ErrorCode::WrongState, message);
        let replaces = self.agent.replaces(session).ok_or_else(unanswered)?;
        let target = self.agent.session(session).map(|view| view.remote.uri.to_request_uri()).ok_or_else(over)?;
        self.refer(id, target, Some(replaces), options, now)
    }

    fn refer(
        &mut self,
        id: u32,
        target: Uri,
        replaces: Option<Replaces>,
        options: &TransferOptions,
        now: Instant,
    ) -> Result<(), Box<ErrorInfo>> {
        let session = self.calls.get(id).and_then(call::Call::session).ok_or_else(over)?;
        let refer = Refer {
            replaces,
            referred_by: Some(self.settings.from.clone()),
            headers: settings::headers(&options.headers)?,
            subscribe: options.subscribe.unwrap_or(true),
            ..Refer::new(target)
        };
        let message = "A call can be transferred while both sides talk, once at a time.";
        let sent = self.agent.refer(session, refer, now);
        let sent = sent.map_err(|_| ErrorInfo::with_message(ErrorCode::WrongState, message))?;
        self.transfers.ours.push((sent, id));
        Ok(())
    }

    /// Does what the other side of a call asks for. Returns the new call.
    pub(crate) fn accept_transfer(
        &mut self,
        id: u32,
        options: &CallOptions,
        now: Instant,
    ) -> Result<u32, Box<ErrorInfo>> {
        let headers = settings::headers(&options.headers)?;
        let Asked { id: transfer, target, replaces, referred_by } = self.take_asked(id)?;
        // A telephone number belongs to our own server.
        let target = target::parse(&target.to_string(), &self.settings.home)?;
        if self.agent.accept_transfer(transfer, now).is_err() {
            return Err(nothing_asked());
        }
        let mut rows = headers;
        if let Some(replaces) = replaces {
            rows.extend(super::resume::in_place_of(&replaces));
        }
        rows.extend(referred_by.map(|by| (HeaderName::ReferredBy, by.to_string())));
        let call = self.dial(target, rows, options, now);
        self.transfers.made.push((call, transfer));
        Ok(call)
    }

    /// Refuses what the other side of a call asks for.
    pub(crate) fn reject_transfer(&mut self, id: u32, status: u16, now: Instant) -> Result<(), Box<ErrorInfo>> {
        let message = "A transfer is refused with a status from 400 to 699.";
        let status = StatusCode::new(status).filter(|status| status.as_u16() >= 400);
        let status = status.ok_or_else(|| ErrorInfo::with_message(ErrorCode::InvalidArgument, message))?;
        let asked = self.take_asked(id)?;
        self.agent.reject_transfer(asked.id, status, now).map_err(|_| nothing_asked())
    }

    fn take_asked(&mut self, call: u32) -> Result<Asked, Box<ErrorInfo>> {
        let asked = &mut self.transfers.asked;
        let place = asked.iter().position(|(id, _)| *id == call).ok_or_else(nothing_asked)?;
        Ok(asked.swap_remove(place).1)
    }

    // What happened.

    pub(super) fn handle_transfer(&mut self, id: TransferId, session: SessionId, event: TransferEvent, now: Instant) {
        match event {
            TransferEvent::Asked { target, replaces, referred_by, .. } => {
                let referred_by = referred_by.map(|by| *by);
                let asked = Asked { id, target: *target, replaces: replaces.map(|replaces| *replaces), referred_by };
                match self.calls.of_session(session) {
                    Some(call) => self.ask(call, asked),
                    None => drop(self.agent.reject_transfer(id, StatusCode::DECLINE, now)),
                }
            }
            TransferEvent::Withdrawn => {
                let asked = &mut self.transfers.asked;
                if let Some(place) = asked.iter().position(|(_, asked)| asked.id == id) {
                    let (call, _) = asked.swap_remove(place);
                    self.out.push_back(Output::Event(CoreEvent::TransferWithdrawn { call }));
                }
            }
            event => self.tell_transfer(id, &event, now),
        }
    }

    fn ask(&mut self, call: u32, asked: Asked) {
        let event = CoreEvent::TransferRequest {
            call,
            target: asked.target.to_string(),
            referred_by: asked.referred_by.as_ref().map(call::party),
            replaces: asked.replaces.is_some(),
        };
        self.transfers.asked.push((call, asked));
        self.out.push_back(Output::Event(event));
    }

    fn tell_transfer(&mut self, id: TransferId, event: &TransferEvent, now: Instant) {
        let Some(place) = self.transfers.ours.iter().position(|(transfer, _)| *transfer == id) else {
            return;
        };
        let Some((_, call)) = self.transfers.ours.get(place).copied() else { return };
        let (state, status, error) = match event {
            TransferEvent::Accepted => (TransferState::Accepted, None, None),
            TransferEvent::Progress { status, .. } => (TransferState::Progress, Some(*status), None),
            TransferEvent::Succeeded { status, .. } => (TransferState::Succeeded, Some(*status), None),
            event => (TransferState::Failed, None, Some(errors::transfer(event))),
        };
        let confirmed = !matches!(event, TransferEvent::Succeeded { is_confirmed: false, .. });
        let status = status.map(StatusCode::as_u16);
        self.out.push_back(Output::Event(CoreEvent::TransferChange { call, state, status, confirmed, error }));
        if matches!(state, TransferState::Succeeded | TransferState::Failed) {
            self.transfers.ours.swap_remove(place);
        }
        if state == TransferState::Succeeded {
            self.hang_up(call, now);
        }
    }

    /// A call that somebody asked for has come so far.
    pub(super) fn report(&mut self, call: u32, status: StatusCode, reason: &str) {
        let made = &mut self.transfers.made;
        let Some(place) = made.iter().position(|(id, _)| *id == call) else {
            return;
        };
        let transfer = match status.is_final() {
            true => Some(made.swap_remove(place).1),
            false => made.get(place).map(|(_, id)| *id),
        };
        let line = StatusLine { status, reason: reason.to_owned() };
        self.transfers.reports.extend(transfer.map(|id| (id, line)));
    }

    /// A call is over: what it was made for has failed, and what it was asked cannot be done.
    pub(super) fn forget_transfers(&mut self, call: u32, end: &CallEnd) {
        let status = end.status.filter(|status| *status >= 300).and_then(StatusCode::new);
        let status = status.unwrap_or(match end.by {
            EndedBy::Local => StatusCode::REQUEST_TERMINATED,
            EndedBy::Remote | EndedBy::System => StatusCode::TEMPORARILY_UNAVAILABLE,
        });
        self.report(call, status, status.reason());
        self.transfers.asked.retain(|(id, _)| *id != call);
    }

    /// Sends what is to be told. Returns whether there was something.
    pub(super) fn send_reports(&mut self, now: Instant) -> bool {
        let reports = core::mem::take(&mut self.transfers.reports);
        for (id, line) in &reports {
            // Who asked may not want to know any more.
            let _ = self.agent.report_transfer(*id, line.clone(), now);
        }
        !reports.is_empty()
    }

    // Calls whose place another takes.

    /// An INVITE that wants to take the place of a call: it rings nowhere, because that call is answered already.
    pub(super) fn handle_replacing(
        &mut self,
        (new, old): (SessionId, SessionId),
        request: &Request,
        offer: Option<String>,
        now: Instant,
    ) {
        let id = self.calls.of_session(old);
        let from = request.headers.from().ok();
        let acceptable = offer.as_deref().is_none_or(call::is_acceptable);
        let call = id.and_then(|id| self.calls.get_mut(id));
        let refusal = match (call.map(|call| &mut call.stage), from) {
            (
                Some(stage @ (Stage::Active { negotiation: Negotiation::None, .. } | Stage::Inviting { .. })),
                Some(from),
            ) if acceptable => {
                let replacing = Replacing { session: new, remote: call::party(&from) };
                *stage = Stage::Active { session: old, negotiation: Negotiation::Replacing(Box::new(replacing)) };
                let call = id.unwrap_or_default();
                self.out.push_back(match offer {
                    Some(offer) => Output::MakeAnswer { call, offer, fresh: true },
                    None => Output::MakeOffer { call, fresh: true },
                });
                return;
            }
            (Some(_), _) if acceptable => StatusCode::REQUEST_PENDING,
            (Some(_), _) => StatusCode::NOT_ACCEPTABLE_HERE,
            (None, _) => StatusCode::CALL_DOES_NOT_EXIST,
        };
        let _ = self.agent.reject(new, refusal, None, Vec::new(), now);
    }

    /// Our description for the new other side is there: the old one is hung up by the agent.
    pub(super) fn finish_replacing(&mut self, id: u32, replacing: Replacing, sdp: String, now: Instant) {
        let Replacing { session, remote } = replacing;
        if self.agent.accept(session, sdp, Vec::new(), now).is_err() {
            return self.return_from_replacing(id);
        }
        if let Some(call) = self.calls.get_mut(id) {
            call.stage = Stage::Active { session, negotiation: Negotiation::None };
        }
        self.reset_hold(id);
        self.show(id, CallState::Active, Some(200), None);
        self.out.push_back(Output::Event(CoreEvent::CallReplaced { call: id, remote }));
        self.begin_hold(id);
    }

    /// The browser cannot describe itself to the new other side.
    pub(super) fn fail_replacing(&mut self, id: u32, now: Instant) {
        let stage = self.calls.get(id).map(|call| &call.stage);
        if let Some(Stage::Active { negotiation: Negotiation::Replacing(replacing), .. }) = stage {
            let session = replacing.session;
            let _ = self.agent.reject(session, StatusCode::NOT_ACCEPTABLE_HERE, None, Vec::new(), now);
            self.return_from_replacing(id);
        }
    }

    /// The old other side stays. Its peer connection is gone, so it is offered another.
    fn return_from_replacing(&mut self, id: u32) {
        if let Some(call::Call { stage: Stage::Active { negotiation, .. }, .. }) = self.calls.get_mut(id) {
            *negotiation = Negotiation::Making;
            self.out.push_back(Output::MakeOffer { call: id, fresh: true });
        }
    }

    /// One of the two sessions of a call ended while the other takes its place. Returns whether that was it.
    pub(super) fn ends_replacing(&mut self, ended: SessionId) -> bool {
        let Some(id) = self.calls.ids(|call| call.is_replacing(ended)).first().copied() else {
            return false;
        };
        let Some(call::Call { stage: Stage::Active { session, negotiation }, .. }) = self.calls.get_mut(id) else {
            return false;
        };
        let Negotiation::Replacing(replacing) = negotiation else { return false };
        if replacing.session != ended {
            *session = replacing.session;
            return true;
        }
        // The new one took itself back.
        let is_alone = *session == ended;
        if !is_alone {
            self.return_from_replacing(id);
        }
        !is_alone
    }
}

/// Who takes the place of a call's other side.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Replacing {
    pub(super) session: SessionId,
    remote: crate::types::Party,
}

fn nothing_asked() -> Box<ErrorInfo> {
    ErrorInfo::with_message(ErrorCode::WrongState, "The other side asks for no transfer, or does not any more.")
}
