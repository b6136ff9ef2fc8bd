//! The relay is about to leave: it carries the calls that it has to their end, and takes nothing new.
//!
//! Browsers that come back to a call, phones that refresh their registration and transfers of running calls are not new.

use super::B2bua;
use super::cause::Refusal;
use sip_core::message::{HeaderName, StatusCode};

/// By then another relay serves this name, or this one is back.
const RETRY_AFTER: &str = "30";

impl B2bua {
    /// Whether something new may begin.
    pub(super) fn guard_drain(&self) -> Result<(), Refusal> {
        if !self.is_draining {
            return Ok(());
        }
        let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "The Relay Is Leaving");
        refusal.headers.push((HeaderName::RetryAfter, RETRY_AFTER.to_owned()));
        Err(refusal)
    }
}
