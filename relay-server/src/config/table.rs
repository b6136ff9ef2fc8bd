//! `[[name]]`: things of which there may be several. Each kind has one table of keys, as for everything else.

use super::error::{ConfigError, Place};
use super::keys::distance;
use super::value::Value;

/// One setting of a thing.
#[derive(Clone, Copy)]
pub struct TableKey<T: 'static> {
    /// Its name, with the table's before it: `trunk.hosts`.
    pub name: &'static str,
    /// What its value is, with an example.
    pub expects: &'static str,
    pub(super) set: fn(&mut T, &Value) -> bool,
}

/// A kind of thing.
pub(super) trait Table: Default + 'static {
    /// `trunk` in `[[trunk]]`.
    const NAME: &'static str;
    /// Its settings.
    const KEYS: &'static [TableKey<Self>];
}

pub(super) const fn key<T>(name: &'static str, expects: &'static str, set: fn(&mut T, &Value) -> bool) -> TableKey<T> {
    TableKey { name, expects, set }
}

/// Puts one row into its place.
pub(super) fn lay<T: Table>(
    thing: &mut T,
    name: &str,
    value: &Value,
    place: impl Fn() -> Place,
) -> Result<(), ConfigError> {
    let full = format!("{}.{name}", T::NAME);
    let Some(key) = T::KEYS.iter().find(|key| key.name == full) else {
        let nearest = T::KEYS.iter().min_by_key(|key| distance(key.name, &full));
        let nearest = nearest.filter(|key| distance(key.name, &full) <= 2).map(|key| key.name);
        return Err(ConfigError::UnknownKey { place: place(), key: full, nearest });
    };
    if (key.set)(thing, value) {
        return Ok(());
    }
    Err(ConfigError::WrongValue { place: place(), key: key.name, found: value.to_string(), expects: key.expects })
}

/// What is wrong with a thing as a whole.
pub(super) fn incomplete(place: &Place, key: &'static str, problem: impl Into<String>, remedy: &str) -> ConfigError {
    ConfigError::Incomplete { place: place.clone(), key, problem: problem.into(), remedy: remedy.to_owned() }
}
