//! Tokens that were used: each admits one call.

use super::{Denial, UnixTime};
use std::collections::BTreeMap;

/// Tokens remembered at once.
const MAX_SPENT: usize = 100_000;

/// Their ids, by site, until they would have expired anyway.
#[derive(Debug, Default)]
pub(super) struct Spent(BTreeMap<(String, String), UnixTime>);

impl Spent {
    /// Spends one. Where no more can be remembered nobody could tell whether it is spent, so it does not count.
    pub(super) fn spend(&mut self, id: (String, String), until: UnixTime, at: UnixTime) -> Result<(), Denial> {
        if self.0.contains_key(&id) {
            return Err(Denial::Spent);
        }
        if self.0.len() >= MAX_SPENT {
            self.0.retain(|_, until| *until > at);
        }
        if self.0.len() >= MAX_SPENT {
            return Err(Denial::Full);
        }
        self.0.insert(id, until);
        Ok(())
    }
}
