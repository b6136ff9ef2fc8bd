//! A 2xx to an INVITE, sent again until its ACK comes (RFC 3261 §13.3.1.4). On every transport: a proxy on the way may
//! use another one.

use crate::message::Response;
use crate::time::{Duration, Instant};
use crate::transaction::{ServerId, Timers};

/// See the module.
#[derive(Debug)]
pub(super) struct Retransmission {
    pub(super) server: ServerId,
    pub(super) response: Response,
    /// The CSeq number the ACK will have.
    pub(super) sequence: u32,
    next: Instant,
    interval: Duration,
    give_up: Instant,
}

/// What a deadline of a retransmission asks for.
pub(super) enum Due {
    Nothing,
    Repeat,
    GiveUp,
}

impl Retransmission {
    pub(super) fn new(server: ServerId, response: Response, sequence: u32, timers: &Timers, now: Instant) -> Self {
        Self {
            server,
            response,
            sequence,
            next: now + timers.t1,
            interval: timers.t1,
            give_up: now + timers.patience(),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.next.min(self.give_up)
    }

    /// T1, 2·T1, … up to T2 apart; after 64·T1 no more.
    pub(super) fn handle_timeout(&mut self, timers: &Timers, now: Instant) -> Due {
        if now >= self.give_up {
            return Due::GiveUp;
        }
        if now < self.next {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(timers.t2);
        self.next = now + self.interval;
        Due::Repeat
    }
}
