//! `[api]`: who may ask the relay what it does, and tell it what to do.

use super::error::ConfigError;
use super::secret::SecretSource;

/// The operator's own requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The key that they show; none refuses them all.
    pub secret: SecretSource,
    /// Requests of one address in a minute, with a good key or without.
    pub requests_per_minute: usize,
}

impl Default for Api {
    fn default() -> Self {
        Self { secret: SecretSource::default(), requests_per_minute: 600 }
    }
}

/// What can be guessed is no key.
const SHORTEST: usize = 16;

impl Api {
    /// The key.
    ///
    /// # Errors
    /// It is not there, or could be guessed.
    pub(crate) fn key(&self) -> Result<Option<String>, ConfigError> {
        let fault = |problem| ConfigError::Nonsense {
            key: "api.secret_file",
            problem,
            remedy: "name a file with a long random word, such as `openssl rand -hex 32` makes".to_owned(),
        };
        match self.secret.read().map_err(fault)? {
            Some(key) if key.len() < SHORTEST => Err(fault(format!("leads to a key of less than {SHORTEST} letters"))),
            key => Ok(key),
        }
    }
}
