//! A call that is sent elsewhere (3xx, RFC 3261 §21.3) on one leg: told on the other, or followed on this one.
//!
//! A browser is told addresses that it can call through this relay: the PBX's own address becomes the domain that was
//! called, and so does a name that only `*` serves; domains that no PBX here serves are left out. A PBX is told what the
//! browser named, without what would route it (§19.1.1). Followed are only addresses that a PBX here serves, so that nobody
//! is called through the relay whom a browser could not have called itself.

use super::B2bua;
use super::call::{Calling, Preparing, Stage};
use super::headers::Rows;
use super::routes::{NextHop, Route, Target, without_routing};
use crate::media::control::{MediaId, Side};
use sip_core::Instant;
use sip_core::agent::End;
use sip_core::message::{HeaderName, NameAddr, Response, Scheme, Uri};
use std::collections::VecDeque;

/// Addresses told of one 3xx.
const MAX_TARGETS: usize = 8;
/// Redirections followed in one call.
const MAX_REDIRECTIONS: usize = 5;

impl B2bua {
    /// The Contacts of a 3xx that ended a leg, for the caller on the other.
    pub(super) fn contacts_elsewhere(&self, id: MediaId, caller: Side, end: &End) -> Rows {
        let told_of = self.calls.call(id).filter(|call| call.guest.is_none());
        let called = told_of.and_then(|call| call.record.to.parse::<Uri>().ok());
        let (Some(response), Some(called)) = (&end.response, called) else { return Rows::new() };
        let told = redirection(response).into_iter().filter_map(|contact| match caller {
            Side::Web => self.contact_for_browser(&contact, &called),
            Side::Trunk => contact_for_trunk(&contact),
        });
        told.map(|contact| (HeaderName::Contact, contact.to_string())).collect()
    }

    fn contact_for_browser(&self, contact: &NameAddr, called: &Uri) -> Option<NameAddr> {
        let mut told = contact_for_trunk(contact)?;
        let name = told.uri.host.to_string();
        let is_named = self.config.domains.iter().any(|domain| domain.name.eq_ignore_ascii_case(&name));
        // An address, or a name that only `*` serves, is the PBX's own.
        let is_inner = told.uri.host.ip().is_some() || self.next_hop(&told.uri).is_some();
        if told.uri.scheme != Scheme::Tel && is_inner && !is_named {
            told.uri.host = called.host.clone();
            told.uri.port = called.port;
        }
        // A number belongs to the domain of who is told.
        (told.uri.scheme == Scheme::Tel || self.next_hop(&told.uri).is_some()).then_some(told)
    }

    /// Calls the address that the PBX wants most, where the relay is to do that and knows the way. The browser does not
    /// notice; its credentials stay behind, because they were made for the first address.
    pub(super) fn goes_elsewhere(&mut self, id: MediaId, end: &End, now: Instant) -> bool {
        let Some(response) = end.response.as_ref().filter(|_| self.config.redirects == Redirects::Follow) else {
            return false;
        };
        let Some(call) = self.calls.call(id) else { return false };
        let Stage::Calling(calling) = &call.stage else { return false };
        // Whom a guest may reach is the token's to say, and nobody else's.
        if call.guest.is_some() || call.elsewhere.len() >= MAX_REDIRECTIONS {
            return false;
        }
        let is_new =
            |uri: &Uri| !uri.matches(&calling.request.uri) && !call.elsewhere.iter().any(|tried| tried.matches(uri));
        let candidates = redirection(response).into_iter().map(|contact| without_routing(&contact.uri));
        let way = candidates.filter(is_new).find_map(|uri| Some((self.hop_elsewhere(&uri, calling)?, uri)));
        way.is_some_and(|((next_hop, target), uri)| self.call_elsewhere(id, (uri, next_hop, target), now))
    }

    /// The trunk that serves an address; the PBX itself is where it was.
    fn hop_elsewhere(&self, uri: &Uri, calling: &Calling) -> Option<(NextHop, Option<Target>)> {
        if uri.host.ip() == Some(calling.target.address.ip()) {
            return Some((calling.next_hop, Some(calling.target)));
        }
        self.next_hop(uri).map(|next_hop| (next_hop, None))
    }

    fn call_elsewhere(
        &mut self,
        id: MediaId,
        (uri, next_hop, target): (Uri, NextHop, Option<Target>),
        now: Instant,
    ) -> bool {
        let route = match target {
            Some(target) => Some(VecDeque::from([target])),
            None => match self.route(next_hop, None, now) {
                Route::Targets(targets) => Some(targets),
                Route::Pending => None,
                Route::Nowhere(_) => return false,
            },
        };
        if route.is_none() {
            self.wayless.push(id);
        }
        let Some(call) = self.calls.call_mut(id) else { return false };
        let Stage::Calling(calling) = core::mem::replace(&mut call.stage, Stage::Ending) else { return false };
        let Calling { mut request, offer, untold, answer, .. } = *calling;
        call.elsewhere.push(core::mem::replace(&mut request.uri, uri));
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        let told = untold.is_none().then_some(answer);
        self.call_again(id, Preparing { request, offer, next_hop, route, told, undecided: None }, now);
        true
    }
}

/// The addresses of a 3xx, the most wanted first.
fn redirection(response: &Response) -> Vec<NameAddr> {
    let contacts = response.headers.contacts().ok().filter(|_| response.status.is_redirection());
    let mut contacts: Vec<NameAddr> = contacts.map(|contacts| contacts.list().to_vec()).unwrap_or_default();
    contacts.truncate(MAX_TARGETS);
    contacts.sort_by_key(|contact| core::cmp::Reverse(contact.q().unwrap_or(1_000)));
    contacts
}

fn contact_for_trunk(contact: &NameAddr) -> Option<NameAddr> {
    if let Scheme::Other(_) = contact.uri.scheme {
        return None;
    }
    let mut uri = without_routing(&contact.uri.to_request_uri());
    uri.password = None;
    let mut told = NameAddr::new(uri);
    if let Some(q) = contact.params.get("q") {
        told.params.set("q", Some(q));
    }
    Some(told)
}

/// What the relay does with a 3xx of a PBX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// The browser is told, and decides.
    #[default]
    Pass,
    /// The relay calls there itself.
    Follow,
}
