//! Transfers that the exchange carries out itself (RFC 5589), as a PBX does: who is transferred hears nothing of it but a
//! re-INVITE. The new other side describes itself first (RFC 3725 §4.1), so that descriptions still pass untouched.
//!
//! Who talks to another account can be transferred, to a number that answers by itself, to an account, or to whomever the
//! referrer talks to in another call (RFC 3891). Numbers themselves cannot be transferred.

use super::numbers::Number;
use super::{Exchange, Output, PlayerId, note, sdp};
use core::net::SocketAddr;
use sip_core::agent::{Invite, SessionEvent, SessionId, TransferEvent, TransferId};
use sip_core::message::{NameAddr, Replaces, StatusCode, StatusLine, Uri};
use sip_core::{Duration, Instant};

/// How long the referrer may take to hang up by itself.
const FAREWELL: Duration = Duration::from_secs(5);

/// Those under way.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    all: Vec<Moving>,
    /// Referrers whose transfers succeeded.
    leaving: Vec<(Instant, SessionId)>,
}

/// One of them.
#[derive(Debug)]
struct Moving {
    id: TransferId,
    referrer: SessionId,
    /// Who is transferred.
    moved: SessionId,
    /// The referrer's call with the target, which ends with the transfer.
    consulted: Option<SessionId>,
    target: Target,
}

/// Who is there afterwards.
#[derive(Debug)]
enum Target {
    Player { player: PlayerId, number: Number, address: Option<SocketAddr> },
    Phone { session: SessionId },
}

impl Transfers {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.leaving.iter().map(|(at, _)| *at).min()
    }

    fn take(&mut self, is_it: impl Fn(&Moving) -> bool) -> Option<Moving> {
        let place = self.all.iter().position(is_it)?;
        Some(self.all.swap_remove(place))
    }
}

impl Exchange {
    /// Somebody asks for a transfer, or does not any more.
    pub(super) fn transfer(&mut self, id: TransferId, referrer: SessionId, event: TransferEvent, now: Instant) {
        let TransferEvent::Asked { target, replaces, .. } = event else { return };
        match self.begin_transfer(id, referrer, &target, replaces.as_deref(), now) {
            Ok(moving) => {
                note(self.agent.accept_transfer(id, now), "accept_transfer");
                self.transfers.all.push(moving);
            }
            Err(status) => drop(note(self.agent.reject_transfer(id, status, now), "reject_transfer")),
        }
    }

    fn begin_transfer(
        &mut self,
        id: TransferId,
        referrer: SessionId,
        target: &Uri,
        replaces: Option<&Replaces>,
        now: Instant,
    ) -> Result<Moving, StatusCode> {
        let moved = self.bridges.other(referrer).ok_or(StatusCode::FORBIDDEN)?;
        let gone = StatusCode::CALL_DOES_NOT_EXIST;
        let consulted = replaces.map(|named| self.agent.session_named(named).ok_or(gone)).transpose()?;
        let target = match consulted.map(|session| (self.bridges.other(session), self.applications.number_of(session)))
        {
            Some((Some(phone), _)) => {
                self.agent.ask_offer(phone, now).map_err(|_| StatusCode::REQUEST_PENDING)?;
                Target::Phone { session: phone }
            }
            Some((None, Some(number))) => self.open_target(number)?,
            Some((None, None)) => return Err(gone),
            None => match self.number_of(target) {
                Some(Number::Account(account)) => self.call_target(&account, referrer, now)?,
                Some(Number::Busy) => return Err(StatusCode::BUSY_HERE),
                Some(Number::NoAnswer) => return Err(StatusCode::TEMPORARILY_UNAVAILABLE),
                Some(Number::Reject) => return Err(StatusCode::DECLINE),
                Some(number) => self.open_target(number)?,
                None => return Err(StatusCode::NOT_FOUND),
            },
        };
        Ok(Moving { id, referrer, moved, consulted, target })
    }

    fn open_target(&mut self, number: Number) -> Result<Target, StatusCode> {
        let player = self.open_player(&number).ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        Ok(Target::Player { player, number, address: None })
    }

    /// Calls the account's latest phone, and lets it describe itself first.
    fn call_target(&mut self, account: &str, referrer: SessionId, now: Instant) -> Result<Target, StatusCode> {
        let phone = self.locations.phones(account, now).into_iter().next();
        let phone = phone.ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        let from = self
            .bridges
            .other(referrer)
            .and_then(|moved| self.agent.session(moved))
            .map(|view| view.remote.uri.clone());
        let from = NameAddr::new(from.ok_or(StatusCode::CALL_DOES_NOT_EXIST)?);
        let invite = Invite::new(phone.contact.uri.to_request_uri(), from, phone.flow);
        let session = self.agent.invite(invite, now).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        Ok(Target::Phone { session })
    }

    /// The RTP socket of a target is there. Returns whether it was for one.
    pub(super) fn target_opened(&mut self, opened: PlayerId, found: Option<SocketAddr>, now: Instant) -> bool {
        let is_it = |moving: &&mut Moving| matches!(moving.target, Target::Player { player, .. } if player == opened);
        let Some(moving) = self.transfers.all.iter_mut().find(is_it) else { return false };
        let moved = moving.moved;
        if let Target::Player { address, .. } = &mut moving.target {
            *address = found;
        }
        let offered = found.and_then(|address| note(self.agent.offer(moved, sdp::offer(address, 1), now), "offer"));
        if offered.is_none() {
            self.fail_transfer(moved, StatusCode::SERVICE_UNAVAILABLE, now);
        }
        true
    }

    /// An event of a session that is part of a transfer. Gives it back where it is somebody else's.
    pub(super) fn transfer_event(
        &mut self,
        session: SessionId,
        event: SessionEvent,
        now: Instant,
    ) -> Option<SessionEvent> {
        self.transfers.leaving.retain(|(_, leaving)| *leaving != session || !matches!(event, SessionEvent::Ended(_)));
        let is_target =
            |moving: &Moving| matches!(moving.target, Target::Phone { session: target } if target == session);
        let is_part = |moving: &&Moving| is_target(moving) || moving.moved == session || moving.referrer == session;
        let Some(moving) = self.transfers.all.iter().find(is_part) else { return Some(event) };
        let (id, moved, is_target) = (moving.id, moving.moved, is_target(moving));
        let is_referrer = moving.referrer == session;
        match event {
            SessionEvent::Progress { response, .. } if is_target => {
                let line = StatusLine { status: response.status, reason: response.reason.clone() };
                note(self.agent.report_transfer(id, line, now), "report_transfer");
            }
            SessionEvent::Accepted { answer: Some(offer), .. } | SessionEvent::Offered { offer: Some(offer), .. }
                if is_target =>
            {
                if note(self.agent.offer(moved, offer, now), "offer").is_none() {
                    self.fail_transfer(moved, StatusCode::REQUEST_PENDING, now);
                }
            }
            SessionEvent::Answered { result: Ok(Some(answer)), .. } if session == moved => {
                self.finish_transfer(moved, answer, now);
            }
            SessionEvent::Answered { result, .. } if session == moved => {
                self.fail_transfer(moved, result.err().unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE), now);
            }
            // Many hang up as soon as they are agreed with; the transfer goes on.
            SessionEvent::Ended(_) if is_referrer => self.bridges.dissolve(moved),
            SessionEvent::Ended(end) => {
                let status = end.status.filter(|status| status.as_u16() >= 300);
                self.fail_transfer(moved, status.unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE), now);
                return Some(SessionEvent::Ended(end));
            }
            event => return Some(event),
        }
        None
    }

    /// Who is transferred has agreed: they talk.
    fn finish_transfer(&mut self, moved: SessionId, answer: String, now: Instant) {
        let Some(moving) = self.transfers.take(|moving| moving.moved == moved) else { return };
        self.bridges.dissolve(moved);
        match moving.target {
            Target::Player { player, number, address } => {
                self.adopt_player(player, moved, number, address);
                self.retarget(player, &answer);
            }
            Target::Phone { session } => {
                note(self.agent.answer_offer(session, Ok(answer), now), "answer_offer");
                self.bridges.dissolve(session);
                let party = |session| self.agent.session(session).map(|view| view.remote.clone());
                if let (Some(from), Some(to)) = (party(moved), party(session)) {
                    self.bridges.join(moved, session, (from, to));
                }
            }
        }
        note(self.agent.report_transfer(moving.id, StatusLine::new(StatusCode::OK), now), "report_transfer");
        if let Some(consulted) = moving.consulted {
            self.hang_up(consulted, None, now);
        }
        self.transfers.leaving.push((now + FAREWELL, moving.referrer));
    }

    /// All is as it was; unless the referrer has left, and nobody is there any more.
    fn fail_transfer(&mut self, moved: SessionId, status: StatusCode, now: Instant) {
        let Some(moving) = self.transfers.take(|moving| moving.moved == moved) else { return };
        note(self.agent.report_transfer(moving.id, StatusLine::new(status), now), "report_transfer");
        if self.bridges.party_of(moved).is_none() {
            self.hang_up(moved, None, now);
        }
        match moving.target {
            Target::Player { player, .. } => self.outputs.push_back(Output::ClosePlayer { player }),
            Target::Phone { session } if moving.consulted.is_none() => self.hang_up(session, None, now),
            Target::Phone { session } => {
                note(self.agent.answer_offer(session, Err(StatusCode::NOT_ACCEPTABLE_HERE), now), "answer_offer");
            }
        }
    }

    /// Referrers that did not hang up.
    pub(super) fn transfers_timeout(&mut self, now: Instant) {
        let (due, rest) = self.transfers.leaving.iter().partition(|(at, _)| *at <= now);
        self.transfers.leaving = rest;
        let due: Vec<(Instant, SessionId)> = due;
        for (_, referrer) in due {
            self.hang_up(referrer, None, now);
        }
    }
}
