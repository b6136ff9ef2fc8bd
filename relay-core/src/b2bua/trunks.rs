//! The state of the gateways: who is up, who is down, whom to ask, and which addresses are better left alone for a while.
//!
//! A gateway goes down after some failures in a row, of probes or of requests, and comes up again after some answered
//! probes. Without probes nobody could say when it is back; then its addresses are avoided for a while instead.

use super::config::{Config, GatewayId, Trunk};
use super::order::{Rank, in_order};
use super::routes::Target;
use sip_core::agent::RequestId;
use sip_core::{Duration, Entropy, Flow, Instant};
use std::collections::BTreeMap;

/// How long an address that failed is tried last.
const AVOIDANCE: Duration = Duration::from_secs(30);
/// The longest that a Retry-After is obeyed.
const MAX_AVOIDANCE: Duration = Duration::from_secs(600);
const MAX_AVOIDED: usize = 1_024;
/// Between probes while it is not clear whether a gateway is there.
const QUICK: Duration = Duration::from_secs(2);

/// Whether a gateway is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing was heard of it yet.
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

impl Health {
    /// `up`, `down`, `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A gateway as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayStatus {
    /// The trunk's name.
    pub trunk: String,
    /// The gateway's host.
    pub host: String,
    /// Whether it is there.
    pub health: Health,
    /// Why it is down: what the last failure was.
    pub reason: String,
}

#[derive(Debug)]
struct State {
    health: Health,
    failures: u32,
    successes: u32,
    reason: String,
    /// The probe under way and when it counts as failed.
    probe: Option<(RequestId, Target, Instant)>,
    next_probe: Option<Instant>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Trunks {
    states: BTreeMap<GatewayId, State>,
    avoided: BTreeMap<Flow, Instant>,
    changed: Vec<GatewayId>,
}

impl Trunks {
    /// Probes are spread over their interval, the first ones soon.
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        let ids = config.trunks.iter().enumerate().flat_map(|(trunk, settings)| {
            let probed = settings.probe.is_some();
            (0..settings.gateways.len()).map(move |gateway| (GatewayId { trunk, gateway }, probed))
        });
        let state = |number: usize, probed: bool| State {
            health: Health::Unknown,
            failures: 0,
            successes: 0,
            reason: String::new(),
            probe: None,
            next_probe: probed.then(|| now + Duration::from_millis(100) * u32::try_from(number).unwrap_or(u32::MAX)),
        };
        let states = ids.enumerate().map(|(number, (id, probed))| (id, state(number, probed))).collect();
        Self { states, avoided: BTreeMap::new(), changed: Vec::new() }
    }

    /// The gateways of a trunk to try, in order. None of them when probes say that all are down.
    pub(super) fn order(&self, trunk: usize, settings: &Trunk, entropy: &mut Entropy) -> Vec<GatewayId> {
        let is_up = |id: &GatewayId| self.states.get(id).is_none_or(|state| state.health != Health::Down);
        let all = settings.gateways.iter().enumerate().map(|(gateway, settings)| {
            let rank = Rank { priority: settings.priority, weight: settings.weight };
            (rank, GatewayId { trunk, gateway })
        });
        let mut ordered = in_order(all.collect(), entropy);
        if settings.probe.is_some() {
            ordered.retain(is_up);
        } else {
            ordered.sort_by_key(|id| !is_up(id));
        }
        ordered
    }

    /// Puts the addresses that failed lately behind the others.
    pub(super) fn avoid(&self, targets: &mut [Target], now: Instant) {
        let is_avoided = |target: &Target| self.avoided.get(&target.flow()).is_some_and(|until| *until > now);
        targets.sort_by_key(is_avoided);
    }

    /// A request to a target got no answer, or 503.
    pub(super) fn note_failure(
        &mut self,
        (target, settings): (Target, &Trunk),
        reason: &str,
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        if self.avoided.len() >= MAX_AVOIDED {
            self.avoided.retain(|_, until| *until > now);
        }
        if self.avoided.len() < MAX_AVOIDED {
            let time = retry_after.unwrap_or(AVOIDANCE).min(MAX_AVOIDANCE);
            self.avoided.insert(target.flow(), now + time);
        }
        self.count_failure(target.gateway, settings, reason, now);
    }

    /// A gateway has failed once more.
    pub(super) fn count_failure(&mut self, id: GatewayId, settings: &Trunk, reason: &str, now: Instant) {
        let Some(state) = self.states.get_mut(&id) else { return };
        state.successes = 0;
        state.failures = state.failures.saturating_add(1);
        reason.clone_into(&mut state.reason);
        if state.next_probe.is_some() {
            state.next_probe = Some(now + settings.probe.unwrap_or(QUICK).min(QUICK));
        }
        if state.failures >= settings.failures && state.health != Health::Down {
            state.health = Health::Down;
            self.changed.push(id);
        }
    }

    /// A target answered. A gateway that is down stays so until enough probes have been answered.
    pub(super) fn note_success(&mut self, target: Target, settings: &Trunk) {
        self.avoided.remove(&target.flow());
        let Some(state) = self.states.get_mut(&target.gateway) else { return };
        state.failures = 0;
        state.successes = state.successes.saturating_add(1);
        let needed = if state.health == Health::Down && settings.probe.is_some() { settings.recoveries } else { 1 };
        if state.successes >= needed && state.health != Health::Up {
            state.health = Health::Up;
            state.reason.clear();
            self.changed.push(target.gateway);
        }
    }

    /// The next gateway whose probe is due, or is overdue for its answer: then with the target that did not answer.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(GatewayId, Option<Target>)> {
        let due = |state: &State| match state.probe {
            Some((.., until)) => until <= now,
            None => state.next_probe.is_some_and(|at| at <= now),
        };
        let (id, state) = self.states.iter_mut().find(|(_, state)| due(state))?;
        let unanswered = state.probe.take().map(|(_, target, _)| target);
        Some((*id, unanswered))
    }

    /// A probe is sent; or none could be, and the next is tried later.
    pub(super) fn probing(
        &mut self,
        id: GatewayId,
        probe: Option<(RequestId, Target)>,
        settings: &Trunk,
        now: Instant,
    ) {
        let Some(state) = self.states.get_mut(&id) else { return };
        let interval = settings.probe.unwrap_or(AVOIDANCE);
        let is_clear = state.failures == 0 && state.health != Health::Down;
        state.next_probe = Some(now + if is_clear { interval } else { interval.min(QUICK) });
        state.probe = probe.map(|(request, target)| (request, target, now + settings.patience));
    }

    /// Whether a request was a probe: then it is done.
    pub(super) fn take_probe(&mut self, request: RequestId) -> Option<Target> {
        let is_it = |state: &&mut State| state.probe.is_some_and(|(id, ..)| id == request);
        let state = self.states.values_mut().find(is_it)?;
        state.probe.take().map(|(_, target, _)| target)
    }

    /// What changed since the last time.
    pub(super) fn take_changed(&mut self) -> Vec<GatewayId> {
        core::mem::take(&mut self.changed)
    }

    pub(super) fn status(&self, id: GatewayId, config: &Config) -> Option<GatewayStatus> {
        let (state, trunk) = (self.states.get(&id)?, config.trunks.get(id.trunk)?);
        let host = trunk.gateways.get(id.gateway)?.host.clone();
        Some(GatewayStatus { trunk: trunk.name.clone(), host, health: state.health, reason: state.reason.clone() })
    }

    pub(super) fn all(&self, config: &Config) -> Vec<GatewayStatus> {
        self.states.keys().filter_map(|id| self.status(*id, config)).collect()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let of_state = |state: &State| state.probe.map(|(.., until)| until).or(state.next_probe);
        self.states.values().filter_map(of_state).min()
    }
}
