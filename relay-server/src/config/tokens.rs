//! `[tokens]`: what holds for the tokens of every site.

use super::secret::SecretSource;
use std::time::Duration;

/// Tokens that the relay makes, and bounds for those that others make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// How long the relay's own are good for.
    pub lifetime: Duration,
    /// The longest that any token may be good for.
    pub max_lifetime: Duration,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// Callees that no token reaches.
    pub denied: Vec<String>,
    /// Tokens that one address gets in a minute.
    pub per_address: usize,
    /// What the relay signs with. None: drawn when it starts.
    pub key: SecretSource,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(120),
            max_lifetime: Duration::from_secs(3_600),
            leeway: Duration::from_secs(30),
            denied: DENIED.iter().map(|text| (*text).to_owned()).collect(),
            per_address: 10,
            key: SecretSource::default(),
        }
    }
}

/// Emergency numbers, which must not be called from a web page without a place; numbers at premium rates, satellites
/// and networks without a country, which is where toll fraud earns its money.
#[rustfmt::skip]
const DENIED: [&str; 46] = [
    "000", "108", "110", "112", "113", "115", "117", "118", "119", "122", "133", "144", "190", "191", "192", "193",
    "911", "995", "997", "998", "999",
    "+1900*", "1900*", "+1976*", "0900*", "0190*", "+870*", "+878*", "+881*", "+882*", "+883*", "+979*",
    "+3090*", "+3190*", "+3290*", "+3389*", "+34803*", "+34806*", "+34807*", "+3989*", "+4190*", "+4393*", "+449*",
    "+4870*", "+49137*", "+49900*",
];
