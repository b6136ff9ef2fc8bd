//! What can be wrong with the settings: each error says where, what, and what to do instead.

use std::fmt;
use std::path::PathBuf;

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    Syntax {
        /// Where.
        place: Place,
        /// What the parser said.
        message: String,
    },
    /// There is no such key.
    UnknownKey {
        /// Where.
        place: Place,
        /// The key as given.
        key: String,
        /// The most similar one.
        nearest: Option<&'static str>,
    },
    /// The value cannot be used for this key.
    WrongValue {
        /// Where.
        place: Place,
        /// The key.
        key: &'static str,
        /// The value as given.
        found: String,
        /// What is accepted, with an example.
        expects: &'static str,
    },
    /// Something is missing or twice in a part of the file.
    Incomplete {
        /// Where.
        place: Place,
        /// The key.
        key: &'static str,
        /// What is wrong, after the key's name.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// More than one thing is wrong.
    Several(Vec<ConfigError>),
    /// Each value is good by itself, but they make no sense together or on this machine.
    Nonsense {
        /// The key to change.
        key: &'static str,
        /// What is wrong, after the key's name.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                let remedy = match source.kind() {
                    std::io::ErrorKind::InvalidData => "save it as UTF-8",
                    std::io::ErrorKind::PermissionDenied => "let the relay's user read it",
                    _ => "check the path given with --config",
                };
                write!(f, "{}: cannot be read ({source}); {remedy}", path.display())
            }
            Self::Syntax { place, message } => write!(f, "{place}: not TOML: {message}"),
            Self::UnknownKey { place, key, nearest: Some(nearest) } => {
                write!(f, "{place}: there is no key \"{key}\"; did you mean \"{nearest}\"?")
            }
            Self::UnknownKey { place, key, nearest: None } => {
                write!(f, "{place}: there is no key \"{key}\"; relay.example.toml lists them all")
            }
            Self::WrongValue { place, key, found, expects } => {
                write!(f, "{place}: {key} cannot be {found}: it is {expects}")
            }
            Self::Incomplete { place, key, problem, remedy } => write!(f, "{place}: {key} {problem}; {remedy}"),
            Self::Several(all) => {
                for (index, error) in all.iter().enumerate() {
                    write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            Self::Nonsense { key, problem, remedy } => write!(f, "{key} {problem}; {remedy}"),
        }
    }
}

impl ConfigError {
    /// The line of the file, counted from 1.
    pub(super) const fn line(&self) -> usize {
        match self {
            Self::Syntax { place: Place::File { line, .. }, .. }
            | Self::UnknownKey { place: Place::File { line, .. }, .. }
            | Self::WrongValue { place: Place::File { line, .. }, .. }
            | Self::Incomplete { place: Place::File { line, .. }, .. } => *line,
            _ => 0,
        }
    }

    /// One error for a list of them.
    pub(super) fn of(mut all: Vec<Self>) -> Result<(), Self> {
        match all.len() {
            0 => Ok(()),
            1 => all.pop().map_or(Ok(()), Err),
            _ => Err(Self::Several(all)),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            _ => None,
        }
    }
}
