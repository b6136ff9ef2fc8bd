//! A response to an INVITE, sent again until the other side acknowledges it: a 2xx until its ACK (RFC 3261 §13.3.1.4), a
//! reliable provisional one until its PRACK (RFC 3262 §3). On every transport: a proxy on the way may use another one.

use crate::message::Response;
use crate::time::{Duration, Instant};
use crate::transaction::{ServerId, Timers};

/// See the module.
#[derive(Debug)]
pub(super) struct Retransmission {
    pub(super) server: ServerId,
    pub(super) response: Response,
    /// The CSeq number the ACK will have, or the RSeq in the PRACK's RAck.
    pub(super) sequence: u32,
    next: Instant,
    interval: Duration,
    longest: Duration,
    give_up: Instant,
}

/// What a deadline of a retransmission asks for.
pub(super) enum Due {
    Nothing,
    Repeat,
    GiveUp,
}

impl Retransmission {
    /// A 2xx: T1, 2·T1, … up to T2 apart.
    pub(super) fn new(server: ServerId, response: Response, sequence: u32, timers: &Timers, now: Instant) -> Self {
        Self {
            server,
            response,
            sequence,
            next: now + timers.t1,
            interval: timers.t1,
            longest: timers.t2,
            give_up: now + timers.patience(),
        }
    }

    /// A provisional response: T1, 2·T1, … apart, without limit.
    pub(super) fn provisional(server: ServerId, response: Response, rseq: u32, timers: &Timers, now: Instant) -> Self {
        Self { longest: timers.patience(), ..Self::new(server, response, rseq, timers, now) }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.next.min(self.give_up)
    }

    /// After 64·T1 no more.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Due {
        if now >= self.give_up {
            return Due::GiveUp;
        }
        if now < self.next {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(self.longest);
        self.next = now + self.interval;
        Due::Repeat
    }
}
