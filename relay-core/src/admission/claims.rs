//! What a token says (RFC 7519 §4), as JSON.

use super::{Denial, Rules, UnixTime};
use serde::{Deserialize, Deserializer, Serialize};
use sip_core::message::NameAddr;

/// The longest one-time id, subject or caller.
const MAX_TEXT: usize = 256;

/// The claims of a token. What is not named here is not looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The site.
    pub(super) iss: String,
    /// When it stops being good.
    #[serde(deserialize_with = "numeric_date")]
    pub(super) exp: u64,
    /// When it begins to be.
    #[serde(default, deserialize_with = "maybe_numeric_date", skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<u64>,
    /// Its one-time id.
    pub(super) jti: String,
    /// Whose calls are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// The pages that may use it; none is any that the site names.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub(super) origin: Vec<String>,
    /// Whom it reaches: numbers, names, patterns.
    #[serde(deserialize_with = "one_or_many")]
    pub(super) callee: Vec<String>,
    /// Who the callee sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_duration: Option<u64>,
    /// Calls of this subject at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_calls: Option<usize>,
}

impl Claims {
    /// Whether this can be a token at all: with an id to spend, a callee, and a caller that is a SIP address.
    pub(super) fn is_complete(&self) -> bool {
        let texts = [self.sub.as_ref(), self.caller.as_ref(), Some(&self.jti)];
        let is_text = |text: &String| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
        texts.into_iter().flatten().all(is_text)
            && !self.jti.is_empty()
            && !self.callee.is_empty()
            && (self.caller.is_none() || self.caller().is_some())
    }

    pub(super) fn check_times(&self, rules: &Rules, at: UnixTime) -> Result<(), Denial> {
        let (leeway, exp) = (rules.leeway, UnixTime(self.exp));
        if exp.plus(leeway) <= at {
            return Err(Denial::Expired);
        }
        if self.nbf.is_some_and(|nbf| UnixTime(nbf) > at.plus(leeway)) {
            return Err(Denial::Early);
        }
        if exp > at.plus(rules.max_lifetime).plus(leeway) {
            return Err(Denial::Lasting);
        }
        Ok(())
    }

    /// Who the callee sees, without anything but a name and an address.
    pub(super) fn caller(&self) -> Option<NameAddr> {
        let caller: NameAddr = self.caller.as_deref()?.parse().ok()?;
        let is_plain = caller.params.is_empty() && caller.uri.is_sip() && caller.uri.headers.is_empty();
        (is_plain && caller.uri.user.is_some()).then_some(caller)
    }
}

/// Seconds since 1970, maybe with a fraction (RFC 7519 §2).
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    let is_time = (0.0..=9_007_199_254_740_991.0).contains(&seconds);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within the range of whole numbers"
    )]
    is_time.then_some(seconds as u64).ok_or_else(|| serde::de::Error::custom("no time"))
}

fn maybe_numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    numeric_date(deserializer).map(Some)
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}
