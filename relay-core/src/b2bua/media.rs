//! What the media workers report, and the deadlines of calls.

use super::call::{Call, MediaRoom, Stage};
use super::cause::{self, Refusal};
use super::{B2bua, Output};
use crate::media::control::{MediaCommand, MediaEvent, MediaId, OpenFailure, Side, TrunkRemote, WebFailure};
use sip_core::Instant;
use sip_core::message::{Method, Reason, StatusCode};

impl B2bua {
    /// A media worker's event.
    pub(super) fn handle_media(&mut self, event: MediaEvent, now: Instant) {
        match event {
            MediaEvent::Opened { id, trunk, web, fingerprint } => {
                let opus = self.terms(id).opus();
                self.media_opened(id, MediaRoom { trunk, web, fingerprint, opus }, now);
            }
            MediaEvent::OpenFailed { id, failure } => self.media_refused(id, &failure, now),
            MediaEvent::WebFailed { id, failure } => self.web_media_failed(id, failure, now),
            MediaEvent::TrunkSilent { id } => self.ask_trunk(id, now),
            MediaEvent::Closed { id, report } => self.media_closed(id, report, now),
            MediaEvent::WebConnected { id } => {
                tracing::debug!(call = id.0, "the browser's media is connected")
            }
            MediaEvent::Digit { id, from, digit, duration } => self.handle_digit(id, from, digit, duration, now),
        }
    }

    /// Tells media what the PBX described, and where that came from.
    pub(super) fn tell_trunk(&mut self, id: MediaId, mut remote: TrunkRemote) {
        let session = self.calls.call(id).and_then(|call| call.trunk).and_then(|trunk| self.trunk.session(trunk));
        remote.signalling = session.and_then(|session| session.flow.remote).map(|address| address.ip());
        self.media(MediaCommand::Trunk { id, remote });
    }

    fn media_opened(&mut self, id: MediaId, room: MediaRoom, now: Instant) {
        let Some(call) = self.calls.call_mut(id) else {
            return;
        };
        call.room = Some(room);
        match call.stage {
            Stage::Preparing(_) => self.dial_if_ready(id, now),
            Stage::PreparingInbound { .. } => self.ring_browser(id, now),
            Stage::Calling(_) | Stage::Ringing { .. } | Stage::Describing(_) | Stage::Talking(_) | Stage::Ending => {}
        }
    }

    fn media_refused(&mut self, id: MediaId, failure: &OpenFailure, now: Instant) {
        tracing::warn!(call = id.0, %failure, "no media for a call");
        self.abandon(id, super::outbound::busy(), now);
    }

    /// Of a browser that has lost its WebSocket as well nothing else was to be expected: its call waits for it.
    fn web_media_failed(&mut self, id: MediaId, failure: WebFailure, now: Instant) {
        if self.calls.call(id).and_then(|call| call.web).is_some_and(|web| self.is_away(web)) {
            return;
        }
        let (code, text) = cause::media_reason(failure);
        self.end_both(id, Refusal::new(StatusCode::REQUEST_TIMEOUT, text), Reason::q850(code, text), now);
    }

    /// Silence alone proves nothing (the far end may be muted), so the PBX is asked whether it still has the call.
    fn ask_trunk(&mut self, id: MediaId, now: Instant) {
        let Some(Call { trunk: Some(trunk), stage: Stage::Talking(_), .. }) = self.calls.call(id) else {
            return;
        };
        let asked = self.trunk.session_request(*trunk, Method::Options, Vec::new(), None, now);
        if let Ok(request) = asked {
            self.probes.insert(request, id);
        }
    }

    fn media_closed(&mut self, id: MediaId, report: crate::media::control::MediaReport, now: Instant) {
        if let Some(call) = self.calls.call_mut(id) {
            call.record.report = report;
            call.room = None;
            call.is_media_closed = true;
        }
        self.forget_if_over(id, now);
    }

    /// Drops a call whose legs and media are all gone, and tells of it.
    pub(super) fn forget_if_over(&mut self, id: MediaId, now: Instant) {
        let is_over = |call: &Call| call.is_media_closed && call.web.is_none() && call.trunk.is_none();
        if self.calls.call(id).is_some_and(is_over) {
            self.guess_of_answered(id, false, now);
            let Some(call) = self.calls.remove(id) else { return };
            self.guest_left(&call);
            self.forget_news(&call);
            self.outputs.push_back(Output::CallEnded(Box::new(call.record)));
        }
    }

    /// Ends inbound calls that rang too long; tells of offers that nobody answers.
    pub(super) fn calls_timeout(&mut self, now: Instant) {
        while let Some(id) = self.calls.pop_due(now) {
            if self.calls.call(id).is_some_and(|call| matches!(call.stage, Stage::Talking(_))) {
                if !self.farewell_timeout(id, now) {
                    self.crossing_timeout(id, now);
                }
                continue;
            }
            if self.target_is_late(id, now) || self.news_timeout(id, now) {
                continue;
            }
            self.abandon(id, Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE, "Nobody Answered"), now);
        }
    }

    /// The relay leaves.
    pub(super) fn handle_shutdown(&mut self, now: Instant) {
        for id in self.calls.ids() {
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "The Relay Is Leaving");
            self.end_both(id, refusal, Reason::q850(41, "The relay is leaving"), now);
        }
        self.end_watches(now);
    }

    /// A probe's fate: any answer but "no such call" is a living PBX.
    pub(super) fn probe_answered(&mut self, id: MediaId, status: Option<StatusCode>, now: Instant) {
        let is_alive = status.is_some_and(|status| !matches!(status.as_u16(), 408 | 481));
        if !is_alive {
            tracing::info!(call = id.0, side = ?Side::Trunk, "the PBX has lost the call");
            let text = "The PBX is gone";
            self.end_both(id, Refusal::new(StatusCode::SERVER_TIMEOUT, text), Reason::q850(41, text), now);
        }
    }
}
