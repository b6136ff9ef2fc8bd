//! Lays file, environment and flags over the defaults, in this order.

use super::keys::{self, KEYS, Key, PREFIX};
use super::table::{self, Table};
use super::{Config, ConfigError, Place, Site, Trunk, Value, site, trunk};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// The process's environment, or a part of it.
    pub environment: Vec<(String, String)>,
    /// Flags: as the user wrote it, the key it stands for, its value.
    pub flags: Vec<(String, String, String)>,
}

/// Settings, and what was odd about their sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences for the log: variables that look like ours and are not.
    pub warnings: Vec<String>,
}

/// Reads all sources.
///
/// # Errors
/// What is wrong in the file, or the first thing that is wrong elsewhere; nothing is ignored that a person may have meant.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut config = Config::default();
    if let Some(path) = &sources.file {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
        lay_file(&mut config, path, &text)?;
    }
    let warnings = lay_environment(&mut config, &sources.environment)?;
    for (flag, key, value) in &sources.flags {
        lay(&mut config, key, &Value::Word(value.clone()), || Place::Flag(flag.clone()))?;
    }
    Ok(Loaded { config, warnings })
}

fn lay_file(config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
    let place = |at: usize| Place::File { path: path.to_owned(), line: line_of(text, at) };
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        place: place(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut sections: Vec<_> = table.get_ref().iter().collect();
    sections.sort_by_key(|(name, _)| name.span().start);
    let mut wrong = Vec::new();
    let (mut trunks, mut sites): (Vec<Found<Trunk>>, Vec<Found<Site>>) = (Vec::new(), Vec::new());
    for (section, value) in sections {
        match (section.get_ref().as_ref(), value.get_ref()) {
            ("trunk", DeValue::Array(tables)) => trunks = lay_tables(tables, &place, &mut wrong),
            ("site", DeValue::Array(tables)) => sites = lay_tables(tables, &place, &mut wrong),
            (name, DeValue::Table(rows)) => lay_section(config, name, rows, &place, &mut wrong),
            (name, _) => wrong.push(unknown(name, place(section.span().start))),
        }
    }
    config.trunks = trunks.iter().map(|found| found.thing.clone()).collect();
    config.sites = sites.iter().map(|found| found.thing.clone()).collect();
    for (found, before) in trunks.iter().zip(0..).filter(|(found, _)| found.is_read) {
        wrong.extend(trunk::check(&found.thing, &config.trunks[..before], &config.sites, &found.place).err());
    }
    for (found, before) in sites.iter().zip(0..).filter(|(found, _)| found.is_read) {
        wrong.extend(site::check(&found.thing, &config.sites[..before], &config.trunks, &found.place).err());
    }
    wrong.sort_by_key(ConfigError::line);
    ConfigError::of(wrong)
}

/// One `[[table]]` and where it begins.
struct Found<T> {
    thing: T,
    place: Place,
    /// Whether each of its rows could be read.
    is_read: bool,
}

fn lay_tables<T: Table>(
    tables: &[Spanned<DeValue<'_>>],
    place: &dyn Fn(usize) -> Place,
    wrong: &mut Vec<ConfigError>,
) -> Vec<Found<T>> {
    let mut all = Vec::new();
    for table in tables {
        let start = table.span().start;
        let DeValue::Table(rows) = table.get_ref() else {
            wrong.push(unknown(T::NAME, place(start)));
            continue;
        };
        let (mut thing, known) = (T::default(), wrong.len());
        for (name, value) in in_order(rows) {
            let here = || place(name.span().start);
            wrong.extend(table::lay(&mut thing, name.get_ref(), &from_toml(value), here).err());
        }
        all.push(Found { thing, place: place(start), is_read: wrong.len() == known });
    }
    all
}

fn lay_section(
    config: &mut Config,
    section: &str,
    rows: &DeTable<'_>,
    place: &dyn Fn(usize) -> Place,
    wrong: &mut Vec<ConfigError>,
) {
    for (name, value) in in_order(rows) {
        let key = format!("{section}.{}", name.get_ref());
        wrong.extend(lay(config, &key, &from_toml(value), || place(name.span().start)).err());
    }
}

/// The rows as they stand in the file.
fn in_order<'a, 'b>(rows: &'a DeTable<'b>) -> Vec<(&'a Spanned<Cow<'b, str>>, &'a Spanned<DeValue<'b>>)> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(name, _)| name.span().start);
    rows
}

/// Returns what was odd.
fn lay_environment(config: &mut Config, environment: &[(String, String)]) -> Result<Vec<String>, ConfigError> {
    let mut warnings = Vec::new();
    for (variable, text) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let place = || Place::Environment(variable.clone());
        if let Some(key) = KEYS.iter().find(|key| key.variable() == *variable) {
            set(config, key, &Value::Word(text.clone()), place)?;
        } else if is_in_a_section(variable) {
            return Err(unknown(&key_of(variable), place()));
        } else if !RESERVED.contains(&variable.as_str()) {
            // Not an error: container platforms invent variables from the names of services.
            warnings.push(format!("the environment variable {variable} is not one of ours; it is ignored"));
        }
    }
    Ok(warnings)
}

/// Read by the command line itself.
const RESERVED: [&str; 1] = ["SWITCHHOOK_CONFIG"];

fn is_in_a_section(variable: &str) -> bool {
    let section = |name: &str| name.split(['.', '_']).next().map(str::to_ascii_lowercase);
    let ours = variable.strip_prefix(PREFIX).and_then(section);
    KEYS.iter().any(|key| section(key.name) == ours)
}

/// `SWITCHHOOK_WEB_MAX_SIZE` is probably meant to be `web.max_size`.
fn key_of(variable: &str) -> String {
    variable.trim_start_matches(PREFIX).to_ascii_lowercase().replacen('_', ".", 1)
}

fn lay(config: &mut Config, key: &str, value: &Value, place: impl Fn() -> Place) -> Result<(), ConfigError> {
    match keys::find(key) {
        Some(key) => set(config, key, value, place),
        None => Err(unknown(key, place())),
    }
}

fn set(config: &mut Config, key: &'static Key, value: &Value, place: impl Fn() -> Place) -> Result<(), ConfigError> {
    if (key.set)(config, value) {
        return Ok(());
    }
    Err(ConfigError::WrongValue { place: place(), key: key.name, found: value.to_string(), expects: key.expects })
}

fn unknown(key: &str, place: Place) -> ConfigError {
    ConfigError::UnknownKey { place, key: key.to_owned(), nearest: keys::nearest(key) }
}

fn from_toml(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Other("number beyond 64 bits".to_owned()), Value::Integer),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Array(items) => texts(items).map_or_else(|| Value::Other("mixed array".to_owned()), Value::List),
        other => Value::Other(other.type_str().to_owned()),
    }
}

fn texts(items: &[Spanned<DeValue<'_>>]) -> Option<Vec<String>> {
    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
