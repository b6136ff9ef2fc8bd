//! Secrets: the settings say where one is, in a file or in an environment variable, and never what it is.

use sip_core::digest::Secret;
use std::fmt;
use std::path::PathBuf;

/// Where a secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretSource {
    /// In this file; white space around it does not belong to it.
    pub file: Option<PathBuf>,
    /// In this environment variable.
    pub env: Option<String>,
    /// Here: made by the relay itself.
    pub own: Option<Own>,
}

/// A secret that the relay made.
#[derive(Clone, PartialEq, Eq)]
pub struct Own(pub(crate) String);

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}

impl SecretSource {
    /// Whether a place is named at all.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.file.is_some() || self.env.is_some() || self.own.is_some()
    }

    /// What is there.
    ///
    /// # Errors
    /// Why there is nothing, after the key's name.
    pub fn read(&self) -> Result<Option<String>, String> {
        let text = match (&self.file, &self.env, &self.own) {
            (Some(file), None, None) => std::fs::read_to_string(file)
                .map_err(|error| format!("is {}, which cannot be read ({error})", file.display()))?,
            (None, Some(name), None) => std::env::var(name)
                .map_err(|_| format!("is {name}, and there is no such environment variable, or it is no text"))?,
            (None, None, Some(own)) => own.0.clone(),
            (None, None, None) => return Ok(None),
            _ => return Err("is named twice, as a file and as an environment variable".to_owned()),
        };
        let text = text.trim();
        if text.is_empty() { Err("leads to an empty secret".to_owned()) } else { Ok(Some(text.to_owned())) }
    }

    /// The same as a password.
    ///
    /// # Errors
    /// As for [`SecretSource::read`].
    pub fn password(&self) -> Result<Option<Secret>, String> {
        Ok(self.read()?.map(Secret::new))
    }
}
