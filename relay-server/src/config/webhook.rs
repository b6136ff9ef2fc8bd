//! `[webhook]`: who decides on calls with tokens.

use super::error::ConfigError;
use super::secret::SecretSource;
use super::value::{FromValue, Value};
use std::path::PathBuf;
use std::time::Duration;

/// The program that is asked about each call with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is; none asks nobody.
    pub url: Option<String>,
    /// What questions are signed with.
    pub secret: SecretSource,
    /// Authorities for its certificate; none takes the system's.
    pub ca: Option<PathBuf>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What becomes of a call without an answer.
    pub on_failure: OnFailure,
    /// Questions at once.
    pub max_pending: usize,
}

/// What becomes of a call that nobody decides on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It is refused with 503.
    #[default]
    Deny,
    /// It is made as the token says.
    Allow,
}

impl FromValue for OnFailure {
    fn from_value(value: &Value) -> Option<Self> {
        match String::from_value(value)?.as_str() {
            "deny" => Some(Self::Deny),
            "allow" => Some(Self::Allow),
            _ => None,
        }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            secret: SecretSource::default(),
            ca: None,
            timeout: Duration::from_secs(3),
            on_failure: OnFailure::Deny,
            max_pending: 64,
        }
    }
}

impl Webhook {
    /// What questions are signed with; none where nobody is asked.
    ///
    /// # Errors
    /// It is not there: whoever is asked could not tell the relay from anybody else.
    pub(crate) fn key(&self) -> Result<Option<String>, ConfigError> {
        let fault = |problem| ConfigError::Nonsense {
            key: "webhook.secret_file",
            problem,
            remedy: "name a file with a long random word that webhook.url knows as well".to_owned(),
        };
        match (&self.url, self.secret.read().map_err(fault)?) {
            (Some(_), None) => Err(fault("is missing, and webhook.url is set".to_owned())),
            (_, secret) => Ok(secret),
        }
    }
}
