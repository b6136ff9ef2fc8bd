//! Calls to the numbers that answer by themselves: from the INVITE to the player and back.

use super::numbers::Number;
use super::player::Application;
use super::port::{Output, PlayerId};
use super::{Exchange, Rows, cause_row, note, sdp};
use core::net::SocketAddr;
use sip_core::Instant;
use sip_core::agent::{SessionEvent, SessionId};
use sip_core::message::StatusCode;
use std::collections::BTreeMap;

/// One such call.
#[derive(Debug)]
struct Call {
    session: SessionId,
    number: Number,
    stage: Stage,
    /// The caller's description; none for a delayed offer.
    offer: Option<String>,
    /// Grows with each description of ours (RFC 3264 §8).
    version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for its RTP socket.
    Opening,
    /// Rings or plays early media until this moment.
    Ringing { until: Instant, address: Option<SocketAddr> },
    /// Answered.
    Talking { address: SocketAddr },
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Applications {
    calls: BTreeMap<PlayerId, Call>,
    last_player: u64,
}

impl Applications {
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.calls.values().map(|call| call.session).collect()
    }

    pub(super) fn player_of(&self, session: SessionId) -> Option<PlayerId> {
        self.calls.iter().find(|(_, call)| call.session == session).map(|(player, _)| *player)
    }

    /// The number that a session has called.
    pub(super) fn number_of(&self, session: SessionId) -> Option<Number> {
        self.calls.values().find(|call| call.session == session).map(|call| call.number.clone())
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.calls.values().filter_map(Call::deadline).min()
    }

    fn due(&self, now: Instant) -> Option<PlayerId> {
        let is_due = |call: &Call| call.deadline().is_some_and(|deadline| deadline <= now);
        self.calls.iter().find(|(_, call)| is_due(call)).map(|(player, _)| *player)
    }
}

impl Call {
    const fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Ringing { until, .. } => Some(until),
            Stage::Opening | Stage::Talking { .. } => None,
        }
    }

    /// What is described to the caller: an answer, or an offer where it made none.
    fn describe(&mut self, address: SocketAddr) -> Result<String, StatusCode> {
        self.version += 1;
        match &self.offer {
            Some(offer) => sdp::answer(offer, address, self.version),
            None => Ok(sdp::offer(address, self.version)),
        }
    }
}

impl Exchange {
    /// Somebody calls a number that answers by itself, or never.
    pub(super) fn call_application(&mut self, session: SessionId, number: Number, offer: Option<String>, now: Instant) {
        let remote = match offer.as_deref().map(sdp::remote).transpose() {
            Ok(remote) => remote,
            Err(status) => return self.reject(session, status, None, Rows::new(), now),
        };
        self.applications.last_player += 1;
        let player = PlayerId(self.applications.last_player);
        let stage = if number == Number::NoAnswer {
            Stage::Ringing { until: now + self.config.ring_time, address: None }
        } else {
            Stage::Opening
        };
        if let Some(application) = first_application(&number) {
            self.outputs.push_back(Output::OpenPlayer { player, application, seed: self.entropy.number() });
            self.outputs.extend(remote.map(|remote| Output::Retarget { player, remote }));
        }
        if number != Number::Delay {
            note(self.agent.ring(session, StatusCode::RINGING, None, Rows::new(), now), "ring");
        }
        self.applications.calls.insert(player, Call { session, number, stage, offer, version: 0 });
    }

    /// Opens a player for a number that has one, without a call so far.
    pub(super) fn open_player(&mut self, number: &Number) -> Option<PlayerId> {
        let application = first_application(number)?;
        self.applications.last_player += 1;
        let player = PlayerId(self.applications.last_player);
        self.outputs.push_back(Output::OpenPlayer { player, application, seed: self.entropy.number() });
        Some(player)
    }

    /// Gives a player a session that was answered elsewhere.
    pub(super) fn adopt_player(
        &mut self,
        player: PlayerId,
        session: SessionId,
        number: Number,
        address: Option<SocketAddr>,
    ) {
        let stage = address.map_or(Stage::Opening, |address| Stage::Talking { address });
        self.applications.calls.insert(player, Call { session, number, stage, offer: None, version: 1 });
    }

    /// The RTP socket is there, or could not be had.
    pub(super) fn player_opened(&mut self, player: PlayerId, address: Option<SocketAddr>, now: Instant) {
        if self.target_opened(player, address, now) {
            return;
        }
        let Some(call) = self.applications.calls.get_mut(&player) else { return };
        let session = call.session;
        let Some(address) = address else {
            return self.reject(session, StatusCode::SERVICE_UNAVAILABLE, None, Rows::new(), now);
        };
        match (&call.number, &call.offer) {
            (Number::Delay, Some(_)) => self.play_early(player, address, now),
            _ => self.answer(player, address, now),
        }
    }

    /// 183 with our description: the caller hears the player before the call is answered.
    fn play_early(&mut self, player: PlayerId, address: SocketAddr, now: Instant) {
        let until = now + self.config.delay;
        let Some(call) = self.applications.calls.get_mut(&player) else { return };
        call.stage = Stage::Ringing { until, address: Some(address) };
        let session = call.session;
        match call.describe(address) {
            Ok(answer) => {
                let rung = self.agent.ring(session, StatusCode::SESSION_PROGRESS, Some(answer), Rows::new(), now);
                note(rung, "ring");
            }
            Err(status) => self.reject(session, status, None, Rows::new(), now),
        }
    }

    fn answer(&mut self, player: PlayerId, address: SocketAddr, now: Instant) {
        let Some(call) = self.applications.calls.get_mut(&player) else { return };
        call.stage = Stage::Talking { address };
        let session = call.session;
        match call.describe(address) {
            Ok(answer) => {
                note(self.agent.accept(session, answer, Rows::new(), now), "accept");
            }
            Err(status) => self.reject(session, status, None, Rows::new(), now),
        }
    }

    /// Nobody answered; or the early tone is over.
    pub(super) fn applications_timeout(&mut self, now: Instant) {
        while let Some(player) = self.applications.due(now) {
            let Some(call) = self.applications.calls.get_mut(&player) else { return };
            let session = call.session;
            match call.stage {
                Stage::Ringing { address: Some(address), .. } => {
                    self.outputs.push_back(Output::Play { player, application: Application::Music });
                    self.answer(player, address, now);
                }
                _ => {
                    call.stage = Stage::Opening;
                    let cause = vec![cause_row(19, "No answer from the user")];
                    self.reject(session, StatusCode::TEMPORARILY_UNAVAILABLE, None, cause, now);
                }
            }
        }
    }

    /// What happened to such a call.
    pub(super) fn application_event(&mut self, player: PlayerId, event: SessionEvent, now: Instant) {
        match event {
            SessionEvent::Confirmed { answer: Some(answer) } => self.retarget(player, &answer),
            SessionEvent::Offered { offer, .. } => self.application_offered(player, offer.as_deref(), now),
            SessionEvent::Ended(end) => {
                tracing::debug!(player = player.0, by = ?end.by, "over");
                self.applications.calls.remove(&player);
                self.outputs.push_back(Output::ClosePlayer { player });
            }
            _ => {}
        }
    }

    /// A re-INVITE: hold, resume, or another address.
    fn application_offered(&mut self, player: PlayerId, offer: Option<&str>, now: Instant) {
        let Some(call) = self.applications.calls.get_mut(&player) else { return };
        let Stage::Talking { address } = call.stage else { return };
        let session = call.session;
        call.version += 1;
        let result = match offer {
            Some(offer) => sdp::answer(offer, address, call.version),
            None => Ok(sdp::offer(address, call.version)),
        };
        if let (Ok(_), Some(offer)) = (&result, offer) {
            self.retarget(player, offer);
        }
        note(self.agent.answer_offer(session, result, now), "answer_offer");
    }

    pub(super) fn retarget(&mut self, player: PlayerId, description: &str) {
        match sdp::remote(description) {
            Ok(remote) => self.outputs.push_back(Output::Retarget { player, remote }),
            Err(status) => tracing::debug!(player = player.0, %status, "a description that cannot be used"),
        }
    }
}

/// What is played first; none where nothing is.
const fn first_application(number: &Number) -> Option<Application> {
    match number {
        Number::Echo => Some(Application::Echo),
        Number::Music => Some(Application::Music),
        Number::Ivr => Some(Application::Ivr),
        Number::Delay => Some(Application::Ringback),
        Number::Busy | Number::NoAnswer | Number::Reject | Number::Account(_) => None,
    }
}
