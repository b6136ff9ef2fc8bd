//! REGISTER (RFC 3261 §10.3), for the accounts of this exchange.

use super::Exchange;
use super::accounts::Refusal;
use super::locations::{Origin, OutOfOrder};
use sip_core::agent::{IncomingId, Reply};
use sip_core::message::{Contacts, HeaderName, NameAddr, Request, StatusCode};
use sip_core::{Duration, Flow, Instant};

/// Without any wish (RFC 3261 §10.2.1.1 leaves it to the registrar).
const DEFAULT_EXPIRES: u32 = 3_600;

impl Exchange {
    /// Answers a REGISTER.
    pub(super) fn register(&mut self, id: IncomingId, flow: Flow, request: &Request, now: Instant) {
        let reply = match self.gate.admit_registration(request, now) {
            Ok(account) => self.bind(&account, flow, request, now),
            Err(Refusal { status, headers }) => Reply { headers, ..Reply::new(status) },
        };
        self.respond(id, reply, now);
    }

    fn bind(&mut self, account: &str, flow: Flow, request: &Request, now: Instant) -> Reply {
        let (Ok(contacts), Ok(call_id), Ok(cseq)) =
            (request.headers.contacts(), request.headers.call_id(), request.headers.cseq())
        else {
            return Reply::new(StatusCode::BAD_REQUEST);
        };
        let origin = Origin { flow, call_id, cseq: cseq.number };
        let wish = request.headers.expires();
        match contacts {
            Contacts::Star if wish == Some(0) => self.locations.clear(account),
            Contacts::Star => return Reply::new(StatusCode::BAD_REQUEST),
            Contacts::List(contacts) => {
                if contacts.iter().any(|contact| self.is_too_brief(contact, wish)) {
                    let least = self.config.min_expires.as_secs().to_string();
                    return Reply::new(StatusCode::INTERVAL_TOO_BRIEF).header(HeaderName::MinExpires, least);
                }
                if self.bind_each(account, &contacts, wish, origin, now).is_err() {
                    return Reply::new(StatusCode::SERVER_INTERNAL_ERROR);
                }
            }
        }
        self.bindings_reply(account, now)
    }

    fn bind_each(
        &mut self,
        account: &str,
        contacts: &[NameAddr],
        wish: Option<u32>,
        origin: Origin<'_>,
        now: Instant,
    ) -> Result<(), OutOfOrder> {
        for contact in contacts {
            let lifetime = Duration::from_secs(lifetime(contact, wish).into()).min(self.config.max_expires);
            self.locations.bind(account, contact, lifetime, origin, now)?;
        }
        Ok(())
    }

    fn is_too_brief(&self, contact: &NameAddr, wish: Option<u32>) -> bool {
        let lifetime = lifetime(contact, wish);
        lifetime > 0 && u64::from(lifetime) < self.config.min_expires.as_secs()
    }

    /// 200 with all bindings of the account (step 8).
    fn bindings_reply(&self, account: &str, now: Instant) -> Reply {
        let row = |binding: super::locations::Binding| {
            let mut contact = binding.contact;
            let seconds = binding.expires.since(now).as_secs().to_string();
            contact.params.set("expires", Some(&seconds));
            (HeaderName::Contact, contact.to_string())
        };
        let headers = self.locations.phones(account, now).into_iter().map(row).collect();
        Reply { headers, ..Reply::new(StatusCode::OK) }
    }
}

fn lifetime(contact: &NameAddr, wish: Option<u32>) -> u32 {
    contact.expires().or(wish).unwrap_or(DEFAULT_EXPIRES)
}
