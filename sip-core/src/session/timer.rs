//! The session timer as values (RFC 4028): what requests and responses say about it, and the moments that follow.
//! `refresh` acts on them.

use crate::agent::{Refresher, SessionTimers};
use crate::message::text::decimal;
use crate::message::{HeaderName, Headers, StatusCode};
use crate::time::{Duration, Instant};

/// What a missing Min-SE means (§5).
const USUAL_MINIMUM: u32 = 90;
/// 422s answered for one session: each names a longer interval than the one before.
const MAX_RAISES: u8 = 4;
/// How long before its end a session without refresh is given up, at most (§10).
const MARGIN: Duration = Duration::from_secs(32);

/// The timer of one session.
#[derive(Debug, Default)]
pub(crate) struct SessionTimer {
    /// The longest Min-SE that the other side has told us.
    minimum: u32,
    raises: u8,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// In seconds.
    interval: u32,
    refresher: Refresher,
    /// When to refresh; none while that is under way, or the other side's business.
    refresh: Option<Instant>,
    /// When to give up.
    end: Instant,
}

/// What a deadline of the timer asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Refresh,
    GiveUp,
}

/// Why a request is refused: a status, and the Min-SE that goes with a 422.
pub(crate) type Refusal = (StatusCode, Option<(HeaderName, String)>);

impl SessionTimer {
    /// Writes the wish into a request of ours; with the roles as they are, once there are some (§7.1, §7.4).
    pub(super) fn ask(&self, rows: &mut Headers, config: Option<&SessionTimers>) {
        let Some(config) = config else { return };
        let (interval, refresher) = match &self.running {
            Some(running) => (running.interval, Some(running.refresher)),
            None => (seconds(config.expires), config.refresher),
        };
        let minimum = seconds(config.minimum).max(self.minimum);
        let role = refresher.map(|refresher| if refresher == Refresher::Local { "uac" } else { "uas" });
        rows.set(HeaderName::SessionExpires, value(interval.max(minimum), role));
        if minimum != USUAL_MINIMUM {
            rows.set(HeaderName::MinSe, decimal(minimum));
        }
    }

    /// Whether the other side's request may be looked at (§9).
    pub(crate) fn judge(rows: &Headers, config: Option<&SessionTimers>) -> Result<(), Refusal> {
        let (Some(config), Some(row)) = (config, rows.get(&HeaderName::SessionExpires)) else {
            return Ok(());
        };
        let minimum = seconds(config.minimum);
        match interval(row) {
            None => Err((StatusCode::BAD_REQUEST, None)),
            Some(wish) if wish < minimum && rows.supports("timer") => {
                Err((StatusCode::SESSION_INTERVAL_TOO_SMALL, Some((HeaderName::MinSe, decimal(minimum)))))
            }
            Some(_) => Ok(()),
        }
    }

    /// Writes our decision into the 2xx to a request that passed `judge`, and starts anew (§9). Who knows nothing of
    /// session timers gets none.
    pub(super) fn grant(
        &mut self,
        request: &Headers,
        response: &mut Headers,
        config: Option<&SessionTimers>,
        now: Instant,
    ) {
        let Some(config) = config else { return };
        let row = request.get(&HeaderName::SessionExpires);
        let is_supported = request.supports("timer");
        if row.is_none() && !is_supported {
            return self.running = None;
        }
        let floor = min_se(request).unwrap_or(USUAL_MINIMUM);
        let most = self.running.as_ref().map_or(seconds(config.expires), |running| running.interval).max(floor);
        let granted = row.and_then(interval).map_or(most, |wish| wish.min(most));
        let refresher = match row.and_then(role) {
            _ if !is_supported => Refresher::Local,
            Some("uac") => Refresher::Remote,
            Some(_) => Refresher::Local,
            None => self.refresher(config, Refresher::Remote),
        };
        let role = if refresher == Refresher::Local { "uas" } else { "uac" };
        response.set(HeaderName::SessionExpires, value(granted, Some(role)));
        if is_supported {
            response.push(HeaderName::Require, "timer");
        }
        self.start(granted, refresher, config, now);
    }

    /// Takes the other side's decision from the 2xx to a request of ours; without one nothing expires (§7.2).
    pub(super) fn take(&mut self, response: &Headers, config: Option<&SessionTimers>, now: Instant) {
        let row = response.get(&HeaderName::SessionExpires);
        let (Some(config), Some((granted, row))) = (config, row.and_then(|row| Some((interval(row)?, row)))) else {
            return self.running = None;
        };
        let refresher = if role(row) == Some("uas") { Refresher::Remote } else { Refresher::Local };
        self.start(granted, refresher, config, now);
    }

    /// A 422: whether the request is worth sending again, with the longer interval (§7.3).
    pub(super) fn raise(&mut self, response: &Headers) -> bool {
        let Some(minimum) = min_se(response).filter(|minimum| *minimum > self.minimum) else {
            return false;
        };
        self.minimum = minimum;
        self.raises += 1;
        self.raises <= MAX_RAISES
    }

    /// The refresh that was due has left, or has to be tried again at `again`.
    pub(super) const fn refreshed(&mut self, again: Option<Instant>) {
        if let Some(running) = &mut self.running {
            running.refresh = again;
        }
    }

    /// A refresh of ours failed: another attempt, in half of the time that is left.
    pub(super) fn try_again(&mut self, now: Instant) {
        if let Some(running) = &mut self.running {
            running.refresh = Some(now + (running.end.since(now) / 2).max(Duration::from_secs(1)));
        }
    }

    pub(super) fn due(&self, now: Instant) -> Due {
        match &self.running {
            Some(running) if running.end <= now => Due::GiveUp,
            Some(Running { refresh: Some(at), .. }) if *at <= now => Due::Refresh,
            _ => Due::Nothing,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        Some(running.refresh.map_or(running.end, |refresh| refresh.min(running.end)))
    }

    /// Half the interval to the refresh (§7.2), and the end a little before the interval's (§10). An interval that is
    /// shorter than we may ask for would be a storm of refreshes: it counts as the shortest.
    fn start(&mut self, interval: u32, refresher: Refresher, config: &SessionTimers, now: Instant) {
        let length = Duration::from_secs(interval.into()).max(config.minimum);
        self.running = Some(Running {
            interval,
            refresher,
            refresh: (refresher == Refresher::Local).then(|| now + length / 2),
            end: now + (length - MARGIN.min(length / 3)),
        });
    }

    /// The role as it was, as the settings want it, or `otherwise`.
    fn refresher(&self, config: &SessionTimers, otherwise: Refresher) -> Refresher {
        self.running.as_ref().map(|running| running.refresher).or(config.refresher).unwrap_or(otherwise)
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

fn value(interval: u32, role: Option<&str>) -> String {
    let mut value = decimal(interval);
    if let Some(role) = role {
        value.push_str(";refresher=");
        value.push_str(role);
    }
    value
}

/// The seconds of a Session-Expires.
fn interval(row: &str) -> Option<u32> {
    let digits = row.split(';').next()?.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}

/// The refresher of a Session-Expires, where it names one.
fn role(row: &str) -> Option<&'static str> {
    let value = row.split(';').skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("refresher").then(|| value.trim())
    })?;
    ["uac", "uas"].into_iter().find(|role| value.eq_ignore_ascii_case(role))
}

fn min_se(rows: &Headers) -> Option<u32> {
    interval(rows.get(&HeaderName::MinSe)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: SessionTimers =
        SessionTimers { expires: Duration::from_secs(1_800), minimum: Duration::from_secs(90), refresher: None };

    fn rows(rows: &[(HeaderName, &str)]) -> Headers {
        rows.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect()
    }

    /// Table 2 of RFC 4028: whether the caller supports timers, its refresher, and who it becomes.
    #[test]
    fn the_callee_decides_by_table_2() {
        for (supported, wish, granted) in [
            (None, "600", "600;refresher=uas"),
            (Some("timer"), "600", "600;refresher=uac"),
            (Some("timer"), "600;refresher=uac", "600;refresher=uac"),
            (Some("timer"), "600;Refresher = UAS", "600;refresher=uas"),
            (Some("100rel, timer"), "7200", "1800;refresher=uac"),
        ] {
            let mut request = rows(&[(HeaderName::SessionExpires, wish)]);
            request.extend(supported.map(|tag| (HeaderName::Supported, tag.to_owned())));
            let mut response = Headers::new();

            SessionTimer::default().grant(&request, &mut response, Some(&SETTINGS), Instant::ZERO);

            assert_eq!(response.get(&HeaderName::SessionExpires), Some(granted), "{supported:?} {wish}");
            assert_eq!(response.get(&HeaderName::Require), supported.map(|_| "timer"));
        }
    }

    #[test]
    fn an_interval_is_never_granted_below_the_callers_minimum() {
        let request = rows(&[
            (HeaderName::Supported, "timer"),
            (HeaderName::SessionExpires, "7200"),
            (HeaderName::MinSe, "3600"),
        ]);
        let mut response = Headers::new();

        SessionTimer::default().grant(&request, &mut response, Some(&SETTINGS), Instant::ZERO);

        assert_eq!(response.get(&HeaderName::SessionExpires), Some("3600;refresher=uac"));
    }

    #[test]
    fn short_and_unreadable_intervals_are_refused() {
        let judged = |supported: &str, wish: &str| {
            let rows = rows(&[(HeaderName::Supported, supported), (HeaderName::SessionExpires, wish)]);
            SessionTimer::judge(&rows, Some(&SETTINGS)).map_err(|(status, row)| (status.as_u16(), row.map(|row| row.1)))
        };

        assert_eq!(judged("timer", "89"), Err((422, Some("90".to_owned()))));
        assert_eq!(judged("timer", "90;refresher=uac"), Ok(()));
        assert_eq!(judged("timer", "99999999999"), Ok(()));
        assert_eq!(judged("path", "60"), Ok(()), "who does not know timers cannot be told 422");
        assert_eq!(judged("timer", "soon"), Err((400, None)));
    }

    #[test]
    fn a_422_is_answered_as_long_as_it_asks_for_more() {
        let mut timer = SessionTimer::default();
        let told = |timer: &mut SessionTimer, minimum: &str| timer.raise(&rows(&[(HeaderName::MinSe, minimum)]));

        assert!(told(&mut timer, "3600"));
        assert!(!told(&mut timer, "3600"));
        assert!(!timer.raise(&Headers::new()));
        let mut asked = Headers::new();
        timer.ask(&mut asked, Some(&SETTINGS));
        assert_eq!(asked.get(&HeaderName::SessionExpires), Some("3600"));
        assert_eq!(asked.get(&HeaderName::MinSe), Some("3600"));
        assert!(told(&mut timer, "3601") && told(&mut timer, "3602") && told(&mut timer, "3603"));
        assert!(!told(&mut timer, "3604"), "a server that never has enough");
    }

    #[test]
    fn refreshes_and_ends_have_their_moments() {
        let started = |row: &str| {
            let mut timer = SessionTimer::default();
            timer.take(&rows(&[(HeaderName::SessionExpires, row)]), Some(&SETTINGS), Instant::ZERO);
            timer
        };
        let at = |seconds: u64| Instant::from_millis(seconds * 1_000);

        let ours = started("1800;refresher=uac");
        assert_eq!((ours.due(at(899)), ours.due(at(900))), (Due::Nothing, Due::Refresh));
        assert_eq!(ours.due(at(1_768)), Due::GiveUp);
        let theirs = started("90;refresher=uas");
        assert_eq!((theirs.due(at(59)), theirs.due(at(60))), (Due::Nothing, Due::GiveUp));
        assert_eq!(started("1;refresher=uac").due(at(44)), Due::Nothing, "no storm");
        let mut off = started("90");
        off.take(&Headers::new(), Some(&SETTINGS), at(1));
        assert_eq!(off.deadline(), None);
    }
}
