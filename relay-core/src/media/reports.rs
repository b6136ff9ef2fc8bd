//! RTCP of both legs: when reports are due, what they say, what is learnt from the far end's (RFC 3550 §6).

use super::control::LegReport;
use super::drops::DropReason;
use super::rtcp::{self, Compound, Statement};
use super::{Bench, Leg, MediaSession};
use sip_core::{Duration, Instant};

/// The rhythm of one leg's reports, and what the far end reported.
#[derive(Debug)]
pub(super) struct Reporter {
    cname: String,
    /// Varies the interval (§6.3.1): a small generator is random enough for that.
    dice: u64,
    interval: Duration,
    next: Option<Instant>,
    round_trip: Option<Duration>,
    /// Of what we send, in 1/256, smoothed.
    loss: u32,
}

impl Reporter {
    pub(super) fn new(cname: String, dice: u64) -> Self {
        Self { cname, dice: dice | 1, interval: Duration::ZERO, next: None, round_trip: None, loss: 0 }
    }

    /// Reports are due from now on, the first after half an interval; running ones go on.
    pub(super) fn start(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.next = self.next.or(Some(now + interval / 2));
    }

    pub(super) fn stop(&mut self) {
        self.next = None;
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// Whether a report is due; then the next one is planned, between a half and one and a half intervals ahead.
    fn is_due(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = (self.dice >> 54) as u32;
        self.next = Some(now + self.interval / 2 + self.interval * part / 1_024);
        true
    }

    /// Rises at once and falls slowly: redundancy is needed before the next loss.
    fn lost(&mut self, fraction: u8) -> u8 {
        let fraction = u32::from(fraction);
        self.loss = if fraction >= self.loss { fraction } else { (self.loss * 3 + fraction) / 4 };
        (self.loss * 100 / 256) as u8
    }
}

impl Leg {
    /// RTCP from the far end.
    pub(super) fn hear_reports(&mut self, compound: &[u8], now: Instant) -> Result<(), DropReason> {
        let Self { intake, outlet, reporter, .. } = self;
        let heard = rtcp::read(compound, |statement| match statement {
            Statement::Sent { ssrc, clock } => intake.reception.reported(ssrc, clock, now),
            Statement::Received { ssrc, fraction_lost, last_report, delay } if ssrc == outlet.ssrc() => {
                reporter.round_trip = rtcp::round_trip(last_report, delay, now).or(reporter.round_trip);
                outlet.expect_loss(reporter.lost(fraction_lost));
            }
            Statement::Received { .. } | Statement::Bye { .. } => {}
        });
        heard.map_err(|_| DropReason::RtcpMalformed)
    }

    pub(super) fn report(&self) -> LegReport {
        let reception = &self.intake.reception;
        LegReport {
            packets_received: reception.received(),
            packets_sent: self.outlet.packets(),
            packets_lost: reception.lost(),
            packets_late: reception.late(),
            packets_rejected: self.rejected,
            jitter: reception.jitter(self.intake.clock()),
            round_trip: self.reporter.round_trip,
        }
    }

    fn compound(&mut self, now: Instant) -> Compound {
        let (ssrc, sent) = (self.outlet.ssrc(), self.outlet.sent(now));
        Compound::report(ssrc, sent, self.intake.reception.block(now), now).cname(ssrc, &self.reporter.cname)
    }
}

impl MediaSession {
    pub(super) fn handle_report_timeouts(&mut self, bench: &mut Bench, now: Instant) {
        if self.web_leg.reporter.is_due(now) {
            let compound = self.web_leg.compound(now);
            self.web.send_rtcp(compound.as_bytes(), &mut bench.transmits);
        }
        if self.trunk_leg.reporter.is_due(now) {
            let compound = self.trunk_leg.compound(now);
            self.trunk.send_rtcp(compound.as_bytes(), &mut bench.transmits);
        }
    }

    pub(super) fn say_bye(&mut self, bench: &mut Bench, now: Instant) {
        let compound = self.web_leg.compound(now).bye(self.web_leg.outlet.ssrc());
        self.web.send_rtcp(compound.as_bytes(), &mut bench.transmits);
        let compound = self.trunk_leg.compound(now).bye(self.trunk_leg.outlet.ssrc());
        self.trunk.send_rtcp(compound.as_bytes(), &mut bench.transmits);
    }
}
