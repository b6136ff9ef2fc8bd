//! Redirection (RFC 3261 §8.1.3.4, §21.3): calls of ours that are sent elsewhere, and calls of others that we send
//! elsewhere.
//!
//! The addresses of a 3xx are tried one after the other, the most wanted first, as long as none takes the call; none is
//! tried twice. Whether to go at all is the page's decision.

use sip_core::Instant;
use sip_core::agent::{End, EndedBy};
use sip_core::message::{HeaderName, Headers, Host, Scheme, Uri};

use super::call::Stage;
use super::{Output, PATIENCE, Phone, target};
use crate::types::{CoreEvent, ErrorCode, ErrorInfo};

/// Redirections that one call follows.
const MAX_REDIRECTIONS: u32 = 5;
/// Addresses of one redirection that are looked at.
const MAX_TARGETS: usize = 8;

/// Where a call has been, and where it may still go.
#[derive(Default)]
pub(super) struct Elsewhere {
    redirections: u32,
    tried: Vec<Uri>,
    left: Vec<Uri>,
}

impl Elsewhere {
    /// Notes the addresses of a 3xx to an INVITE for `target`. Returns those that are new, the most wanted first.
    fn note(&mut self, target: &Uri, headers: &Headers, home: &Host) -> Vec<String> {
        self.redirections += 1;
        self.tried.push(target.clone());
        let mut found: Vec<(u16, Uri)> = Vec::new();
        if let (Ok(contacts), true) = (headers.contacts(), self.redirections <= MAX_REDIRECTIONS) {
            for contact in contacts.list().iter().take(MAX_TARGETS) {
                let Ok(uri) = target::parse(&contact.uri.to_string(), home) else { continue };
                if let Scheme::Other(_) = contact.uri.scheme {
                    continue;
                }
                // What was to be secured on its way is not called in the open.
                let is_safe = target.scheme != Scheme::Sips || uri.scheme == Scheme::Sips;
                let is_known = self.tried.contains(&uri) || found.iter().any(|(_, other)| *other == uri);
                if is_safe && !is_known {
                    let q = contact.q().unwrap_or(1_000);
                    let place = found.iter().position(|(other, _)| *other < q).unwrap_or(found.len());
                    found.insert(place, (q, uri));
                }
            }
        }
        self.left.retain(|uri| found.iter().all(|(_, other)| other != uri));
        for (place, (_, uri)) in found.iter().enumerate() {
            self.left.insert(place, uri.clone());
        }
        found.into_iter().map(|(_, uri)| uri.to_string()).collect()
    }
}

impl Phone {
    /// Calls the first of the addresses that are left.
    pub(crate) fn follow_redirect(&mut self, id: u32, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let had_media = match &call.stage {
            Stage::Redirected { had_media, .. } => *had_media,
            Stage::Inviting { answer, .. } => answer.is_some(),
            _ => return,
        };
        let Some(mut invite) = call.dialled.take().filter(|invite| !invite.elsewhere.left.is_empty()) else { return };
        invite.target = invite.elsewhere.left.remove(0);
        // A peer connection that has heard one callee cannot take the answer of another.
        let offer = invite.offer.take().filter(|_| !had_media);
        if offer.is_none() {
            self.out.push_back(Output::MakeOffer { call: id, fresh: true });
        }
        call.stage = Stage::Preparing { invite, offer: offer.map(|offer| (offer, now + PATIENCE)) };
        self.invite(id, now);
    }

    /// Ends a call that was to go elsewhere.
    pub(crate) fn refuse_redirect(&mut self, id: u32) {
        if let Some(Stage::Redirected { end, .. }) = self.calls.get(id).map(|call| &call.stage) {
            let end = (**end).clone();
            self.end(id, end);
        }
    }

    /// Whether the end of an INVITE of ours is not the end of its call: it names other addresses, or one of several that
    /// it did not reach.
    pub(super) fn goes_elsewhere(&mut self, id: u32, end: &End, now: Instant) -> bool {
        let ended = Box::new(self.end_of(id, end));
        let Some(call) = self.calls.get_mut(id) else { return false };
        let (Stage::Inviting { answer, delayed, .. }, Some(invite), Some(response), EndedBy::Remote) =
            (&call.stage, &mut call.dialled, &end.response, end.by)
        else {
            return false;
        };
        let had_media = answer.is_some();
        if had_media && *delayed {
            return false;
        }
        let status = response.status.as_u16();
        if response.status.is_redirection() {
            let targets = invite.elsewhere.note(&invite.target, &response.headers, &self.settings.home);
            if !targets.is_empty() {
                call.stage = Stage::Redirected { end: ended, had_media };
                self.tell(CoreEvent::Redirected { call: id, targets, status });
                return true;
            }
        }
        // Who answers 6xx speaks for all of them (RFC 3261 §21.6).
        let has_more = status < 600 && !invite.elsewhere.left.is_empty();
        if has_more {
            self.follow_redirect(id, now);
        }
        has_more
    }
}

/// The Contact of a redirection to these addresses, the first one wanted most.
pub(super) fn contacts(targets: &[String], home: &Host) -> Result<Vec<(HeaderName, String)>, Box<ErrorInfo>> {
    if targets.len() > MAX_TARGETS {
        let message = "A call is redirected to at most eight addresses.";
        return Err(ErrorInfo::with_message(ErrorCode::InvalidArgument, message));
    }
    let mut rows = Vec::new();
    for (target, q) in targets.iter().zip(["", ";q=0.9", ";q=0.8", ";q=0.7", ";q=0.6", ";q=0.5", ";q=0.4", ";q=0.3"]) {
        let uri = target::parse(target, home)?.to_string();
        rows.push((HeaderName::Contact, ["<", &uri, ">", q].concat()));
    }
    Ok(rows)
}
