//! What each leg of a call negotiates for itself: reliable provisional responses (RFC 3262) and session timers (RFC 4028).

use super::ConfigError;
use relay_core::b2bua::LegConfig;
use sip_core::agent::{Refresher, Reliability, SessionTimers};
use std::time::Duration;

/// The shortest interval of RFC 4028 §5.
const RFC_MINIMUM: Duration = Duration::from_secs(90);

/// Reliable provisional responses and session timers, for each leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiation {
    /// The legs to browsers.
    pub web: Leg,
    /// The legs to PBXs.
    pub trunk: Leg,
    /// Whether intervals below the 90 seconds of RFC 4028 are allowed; for tests.
    pub short_intervals: ShortIntervals,
}

/// One leg's wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// RFC 3262.
    pub reliability: Reliability,
    /// The interval to ask for and to grant (RFC 4028); nothing turns the timers off.
    pub session_expires: Duration,
    /// The shortest interval to agree to.
    pub session_minimum: Duration,
    /// Who refreshes, where the relay may choose.
    pub refresher: Wish,
}

/// Whether short intervals are allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShortIntervals {
    /// As RFC 4028 wants it.
    #[default]
    Refused,
    /// In tests.
    Allowed,
}

/// Who refreshes a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Whom the other side names.
    #[default]
    Any,
    /// The relay.
    Relay,
    /// The other side.
    Peer,
}

impl Default for Negotiation {
    fn default() -> Self {
        let web = Leg { refresher: Wish::Relay, ..Leg::default() };
        Self { web, trunk: Leg::default(), short_intervals: ShortIntervals::Refused }
    }
}

impl Default for Leg {
    fn default() -> Self {
        Self {
            reliability: Reliability::Supported,
            session_expires: Duration::from_secs(1_800),
            session_minimum: RFC_MINIMUM,
            refresher: Wish::Any,
        }
    }
}

impl Leg {
    /// The same for the signalling machine.
    #[must_use]
    pub fn for_b2bua(&self) -> LegConfig {
        let refresher = match self.refresher {
            Wish::Any => None,
            Wish::Relay => Some(Refresher::Local),
            Wish::Peer => Some(Refresher::Remote),
        };
        let timers = SessionTimers { expires: self.session_expires, minimum: self.session_minimum, refresher };
        LegConfig {
            reliability: self.reliability,
            session_timers: Some(timers).filter(|_| !self.session_expires.is_zero()),
        }
    }
}

impl Negotiation {
    /// Whether the intervals make sense together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let legs = [("negotiation.web_session_minimum", &self.web), ("negotiation.trunk_session_minimum", &self.trunk)];
        for (key, leg) in legs {
            let is_short = leg.session_minimum < RFC_MINIMUM && self.short_intervals == ShortIntervals::Refused;
            let problem = match leg.session_expires {
                expires if expires.is_zero() => continue,
                _ if is_short => "is below the 90 s of RFC 4028",
                expires if expires < leg.session_minimum => "is above the interval to ask for",
                _ => continue,
            };
            return Err(ConfigError::Nonsense {
                key,
                problem: problem.to_owned(),
                remedy: "name 90s or more, and an interval that is not shorter; 0s turns the timers off".to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_intervals_are_for_tests() {
        let short = Leg { session_minimum: Duration::from_secs(4), ..Leg::default() };
        let mut settings = Negotiation { trunk: short, ..Negotiation::default() };
        assert!(settings.check().is_err());
        settings.short_intervals = ShortIntervals::Allowed;
        assert!(settings.check().is_ok());
        settings.web.session_expires = Duration::from_secs(30);
        assert!(settings.check().is_err(), "it would be refused by its own minimum");
        settings.web.session_expires = Duration::ZERO;
        assert!(settings.check().is_ok() && settings.web.for_b2bua().session_timers.is_none());
    }
}
