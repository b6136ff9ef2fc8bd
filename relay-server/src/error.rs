//! Why a relay does not start, or stops by itself.

use crate::config::ConfigError;
use std::fmt;
use std::io;

/// Why the relay cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A socket cannot be had.
    Bind {
        /// What it is for.
        purpose: &'static str,
        /// The address, as configured.
        address: String,
        /// The key that names another.
        key: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system refuses something without which there is no relay.
    System {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// Not one of the configured codecs can be spoken.
    NoCodec,
    /// A key or secret that the settings name is not there.
    Secrets(ConfigError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { purpose, address, key, source } => {
                write!(f, "cannot listen on {address} for {purpose}: {source}; {key} names another address")
            }
            Self::System { what, source } => write!(f, "{what}: {source}"),
            Self::Secrets(error) => error.fmt(f),
            Self::NoCodec => f.write_str(
                "the libraries of all codecs in media.codecs are missing; install libbcg729-0 (G729) or libspeex1 (speex), or \
                 add PCMU or PCMA",
            ),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::System { source, .. } => Some(source),
            Self::Secrets(error) => Some(error),
            Self::NoCodec => None,
        }
    }
}

/// Why a running relay stopped without being asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// A task that must not end did.
    Lost(&'static str),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(task) => write!(f, "the {task} task ended; the log above says why"),
        }
    }
}

impl std::error::Error for RunError {}
