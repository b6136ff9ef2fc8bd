//! New settings while the relay runs (SIGHUP): sites and tokens. Calls go on; what else has changed needs a restart, and is
//! named.

use crate::app::App;
use crate::config::{Config, ConfigError, Trunk};
use crate::sip_sockets::trunks;
use crate::sites::Sites;
use crate::tokens;
use relay_core::admission::Key;
use relay_core::b2bua::Input;
use std::sync::{PoisonError, Weak};

/// The way to a running relay. It does not keep one alive.
#[derive(Clone, Debug)]
pub struct Reload {
    app: Weak<App>,
    /// As they were when it started: sites name them by their place.
    trunks: Vec<Trunk>,
    /// What it has signed tokens with.
    key: Key,
}

impl Reload {
    pub(crate) fn new(app: Weak<App>, config: &Config, key: Key) -> Self {
        Self { app, trunks: trunks(config), key }
    }

    /// Takes the sites and tokens of these settings.
    ///
    /// # Errors
    /// They cannot be used; then everything stays as it was.
    pub async fn apply(&self, config: &Config) -> Result<(), ConfigError> {
        config.check()?;
        if trunks(config) != self.trunks {
            return Err(ConfigError::Nonsense {
                key: "trunk",
                problem: "has changed, and sip.domains maybe".to_owned(),
                remedy: "restart the relay: only sites and tokens are taken over while it runs".to_owned(),
            });
        }
        let sites = Sites::of(config, Some(&self.key))?;
        let Some(app) = self.app.upgrade() else { return Ok(()) };
        let counter = tokens::Counter::new(sites.mint, &config.sites, config.tokens.per_address);
        *app.counter.write().unwrap_or_else(PoisonError::into_inner) = counter;
        app.signaling.input(Input::Rules(Box::new(sites.rules))).await;
        Ok(())
    }
}
