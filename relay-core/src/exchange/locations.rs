//! Where the phones of an account are (RFC 3261 §10.3): bindings in memory, each with its end.

use sip_core::message::{NameAddr, Uri};
use sip_core::{Duration, Flow, Instant};
use std::collections::BTreeMap;

/// Phones of one account; above it the oldest is forgotten.
pub(super) const MAX_PHONES: usize = 10;

/// One phone.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) contact: NameAddr,
    /// Where its REGISTER came from: the way back to it.
    pub(super) flow: Flow,
    pub(super) expires: Instant,
    call_id: String,
    cseq: u32,
}

/// The REGISTER that makes or ends bindings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) flow: Flow,
    pub(super) call_id: &'a str,
    pub(super) cseq: u32,
}

/// A REGISTER that came after a younger one of the same phone (RFC 3261 §10.3 step 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

/// All bindings.
#[derive(Debug, Default)]
pub(super) struct Locations(BTreeMap<String, Vec<Binding>>);

impl Locations {
    /// Makes a binding, replaces it, or ends it where `lifetime` is nothing.
    pub(super) fn bind(
        &mut self,
        account: &str,
        contact: &NameAddr,
        lifetime: Duration,
        origin: Origin<'_>,
        now: Instant,
    ) -> Result<(), OutOfOrder> {
        let phones = self.0.entry(account.to_owned()).or_default();
        if phones.iter().any(|phone| phone.contact.uri.matches(&contact.uri) && origin.is_before(phone)) {
            return Err(OutOfOrder);
        }
        phones.retain(|phone| !phone.contact.uri.matches(&contact.uri));
        if !lifetime.is_zero() {
            if phones.len() >= MAX_PHONES {
                phones.remove(0);
            }
            phones.push(Binding::new(contact, origin, now + lifetime));
        }
        Ok(())
    }

    /// Ends all bindings of an account.
    pub(super) fn clear(&mut self, account: &str) {
        self.0.remove(account);
    }

    /// The phones of an account, the latest first.
    pub(super) fn phones(&self, account: &str, now: Instant) -> Vec<Binding> {
        let phones = self.0.get(account).into_iter().flatten();
        phones.rev().filter(|phone| phone.expires > now).cloned().collect()
    }

    pub(super) fn forget(&mut self, account: &str, contact: &Uri) {
        if let Some(phones) = self.0.get_mut(account) {
            phones.retain(|phone| !phone.contact.uri.matches(contact));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.0.values_mut().for_each(|phones| phones.retain(|phone| phone.expires > now));
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.0.values().flatten().map(|phone| phone.expires).min()
    }

    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl Origin<'_> {
    fn is_before(&self, phone: &Binding) -> bool {
        self.call_id == phone.call_id && self.cseq <= phone.cseq
    }
}

impl Binding {
    fn new(contact: &NameAddr, origin: Origin<'_>, expires: Instant) -> Self {
        Self {
            contact: contact.clone(),
            flow: origin.flow,
            expires,
            call_id: origin.call_id.to_owned(),
            cseq: origin.cseq,
        }
    }
}
