//! Calls of guests that somebody outside decides on: the operator's program hears of each and allows it, denies it, sends
//! it by another trunk or to another number.
//!
//! The call waits meanwhile as it would for the DNS; its ports are being opened. Who is asked, and for how long, is the
//! shell's business: it answers in any case. What no token may reach nobody can be sent to.

use super::call::{Call, Preparing, Stage};
use super::cause::Refusal;
use super::port::Output;
use super::routes::{NextHop, Route};
use super::{B2bua, guests};
use crate::admission::{Callee, Denial, Grant};
use crate::media::control::MediaId;
use sip_core::Instant;
use sip_core::message::{Reason, StatusCode};

/// A call to decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Its number, as in the log and in its record.
    pub id: MediaId,
    /// The site whose token admitted it.
    pub site: String,
    /// Whose it is, where the token says so.
    pub subject: String,
    /// Who the callee would see.
    pub from: String,
    /// Whom it is for.
    pub callee: String,
    /// The trunk that it would leave by.
    pub trunk: String,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be made.
    Allow {
        /// To this number instead.
        callee: Option<String>,
        /// By the trunk of this name instead.
        trunk: Option<String>,
    },
    /// It may not.
    Deny {
        /// The status of the refusal.
        status: StatusCode,
        /// Its reason phrase.
        reason: String,
    },
}

impl B2bua {
    /// Asks about a guest's call, where somebody wants to be asked.
    pub(super) fn ask_about(&mut self, id: MediaId, grant: &Grant) {
        let Some(call) = self.calls.call(id) else { return };
        let Stage::Preparing(preparing) = &call.stage else { return };
        let from = preparing.request.headers.from().map(|from| from.uri.to_string()).unwrap_or_default();
        let trunk = self.config.trunks.get(grant.trunk).map(|trunk| trunk.name.clone()).unwrap_or_default();
        let undecided = Undecided {
            id,
            site: grant.party.site.clone(),
            subject: grant.party.subject.clone(),
            from,
            callee: grant.callee.user.clone(),
            trunk,
        };
        self.outputs.push_back(Output::Decide(Box::new(undecided)));
    }

    /// Somebody has decided. A call that has ended meanwhile stays so.
    pub(super) fn handle_decided(&mut self, id: MediaId, decision: Decision, now: Instant) {
        let Some(call) = self.calls.call_mut(id) else { return };
        let Stage::Preparing(preparing) = &call.stage else { return };
        if preparing.undecided.is_none() {
            return;
        }
        let refusal = match decision {
            Decision::Allow { callee, trunk } => match self.follow(id, callee.as_deref(), trunk.as_deref()) {
                Ok(next_hop) => return self.go_on(id, next_hop, now),
                Err(denial) => self.denied(denial),
            },
            Decision::Deny { status, reason } => {
                self.denied(Denial::Decided);
                Refusal::new(status, &reason)
            }
        };
        let text = refusal.reason.clone().unwrap_or_default();
        // Q.850: call rejected.
        self.end_both(id, refusal, Reason::q850(21, &text), now);
    }

    /// Writes the INVITE anew, for another callee or trunk.
    fn follow(&mut self, id: MediaId, callee: Option<&str>, trunk: Option<&str>) -> Result<NextHop, Denial> {
        let named = |name| self.config.trunks.iter().position(|trunk| trunk.name == name).ok_or(Denial::Decided);
        let trunk = trunk.map(named).transpose()?;
        let callee = callee.map(|callee| Callee::read(callee).ok_or(Denial::Callee)).transpose()?;
        if callee.as_ref().is_some_and(|callee| self.guests.is_forbidden(callee)) {
            return Err(Denial::Forbidden);
        }
        let Some(Call { stage: Stage::Preparing(preparing), record, .. }) = self.calls.call_mut(id) else {
            return Err(Denial::Decided);
        };
        let Preparing { undecided, request, next_hop, .. } = preparing.as_mut();
        let mut grant = undecided.take().ok_or(Denial::Decided)?;
        if let Some(callee) = callee {
            grant.callee.user = callee.user;
        }
        if let Some(trunk) = trunk.filter(|trunk| *trunk != grant.trunk) {
            grant.trunk = trunk;
            grant.callee.host = self.config.domain_of(trunk);
        }
        guests::rewrite(&self.config, request, &grant);
        record.to = request.uri.to_string();
        next_hop.trunk = grant.trunk;
        Ok(*next_hop)
    }

    fn go_on(&mut self, id: MediaId, next_hop: NextHop, now: Instant) {
        match self.route(next_hop, None, now) {
            Route::Targets(targets) => self.find_way(id, targets, now),
            Route::Pending => self.wayless.push(id),
            Route::Nowhere(refusal) => self.abandon(id, refusal, now),
        }
    }
}
