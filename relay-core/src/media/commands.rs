//! What signalling may tell a session.

use super::control::{MediaEvent, MediaReport, Side, TrunkRemote, WebRemote, telephone_event_at};
use super::drops::DropReason;
use super::payload::{EventFormat, Format};
use super::{Bench, MediaSession};
use core::net::SocketAddr;
use sip_core::{Duration, Instant};

impl MediaSession {
    /// The browser was described, or described anew. Returns the addresses that are no longer valid.
    pub(super) fn describe_web(&mut self, remote: &WebRemote, bench: &mut Bench, now: Instant) -> Vec<SocketAddr> {
        let format = Format::from(remote.codec);
        self.tune(Some(format.kind), self.trunk_leg.outlet.kind());
        let format = format.at(self.rate);
        let event = |(payload_type, rate): (u8, u32)| EventFormat { payload_type, rate: rate.max(1), offered: None };
        let events = remote.telephone_event.map(event);
        let gone = self.web.describe(remote, &bench.settings, now);
        self.web_leg.intake.describe(format, events);
        self.web_leg.outlet.describe(format, events, remote.ptime);
        if self.web_leg.direction != remote.direction {
            self.web_leg.intake.pause();
            self.web_leg.direction = remote.direction;
        }
        self.web.start_dtls(&bench.settings, &bench.identity, &mut bench.transmits, now);
        gone
    }

    /// The PBX was described, or described anew.
    pub(super) fn describe_trunk(&mut self, remote: &TrunkRemote, bench: &mut Bench, now: Instant) {
        let format = Format::from(remote);
        self.tune(self.web_leg.outlet.kind(), Some(format.kind));
        let format = format.at(self.rate);
        let event = |(payload_type, rate): (u8, u32)| {
            let offered = Some(telephone_event_at(rate)).filter(|number| *number != remote.payload_type);
            EventFormat { payload_type, rate: rate.max(1), offered }
        };
        let events = remote.telephone_event.map(event);
        let moved = self.trunk.describe(remote, now);
        self.trunk.agree_on(remote.srtp, &bench.identity);
        self.trunk_leg.intake.describe(format, events);
        self.trunk_leg.outlet.describe(format, events, remote.ptime);
        if moved || self.trunk_leg.direction != remote.direction {
            self.trunk_leg.intake.pause();
            self.trunk_leg.direction = remote.direction;
        }
        self.trunk_leg.reporter.start(bench.settings.rtcp_interval, now);
        self.play_early(bench, now);
    }

    /// Digits for one side.
    pub(super) fn dial(&mut self, to: Side, digits: &str, duration: Duration, bench: &mut Bench, now: Instant) {
        let leg = match to {
            Side::Web => &mut self.web_leg,
            Side::Trunk => &mut self.trunk_leg,
        };
        if !leg.outlet.dial(digits, duration, now) {
            bench.drops.count(DropReason::Digits);
        }
    }

    /// The end: both far ends hear of it by RTCP, signalling by the report.
    pub(super) fn close(&mut self, bench: &mut Bench, now: Instant) {
        self.say_bye(bench, now);
        let report = MediaReport { web: self.web_leg.report(), trunk: self.trunk_leg.report() };
        bench.events.push_back(MediaEvent::Closed { id: self.id, report });
    }
}
