//! Browsers that are registered at a PBX through this relay.
//!
//! The PBX knows a binding by a Contact of ours, `sip:<token>@relay`; an INVITE to it leads to the browser's
//! WebSocket. A binding outlives its WebSocket until it expires, so that the PBX keeps one Contact per browser.

use sip_core::message::Uri;
use sip_core::{Duration, Entropy, Flow, Instant, SocketId};
use std::collections::{BTreeMap, BTreeSet};

/// What tells two bindings of one address of record apart: `+sip.instance` and `reg-id` (RFC 5626), else the Contact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BindingKey {
    pub(super) aor: String,
    pub(super) instance: String,
}

/// The user part of our Contact: unguessable, so that only the registrar can ring the browser.
pub(super) type Token = String;

/// One browser at one PBX.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) key: BindingKey,
    /// The Call-ID of our REGISTERs; one per binding (RFC 3261 §10.2).
    pub(super) call_id: String,
    pub(super) from_tag: String,
    pub(super) cseq: u32,
    /// The PBX's address that answered last: a challenge is answered where it came from.
    pub(super) trunk: Option<Flow>,
    /// What the PBX granted; none while it is only asked for, when nobody can be reached by it.
    pub(super) bound: Option<Box<Bound>>,
}

/// A binding that the PBX granted.
#[derive(Debug, PartialEq)]
pub(super) struct Bound {
    /// The browser's Contact: where an INVITE to it is addressed.
    pub(super) contact: Uri,
    /// Its WebSocket; none while it is away.
    pub(super) flow: Option<Flow>,
    /// The address of record as the browser wrote it.
    pub(super) aor: Uri,
    pub(super) until: Instant,
}

/// All bindings, by token and by key.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    by_token: BTreeMap<Token, Binding>,
    by_key: BTreeMap<BindingKey, Token>,
    by_socket: BTreeSet<(SocketId, Token)>,
    by_expiry: BTreeSet<(Instant, Token)>,
}

/// How long an unanswered first REGISTER is remembered: the browser's second, with credentials, comes much sooner.
const PENDING: Duration = Duration::from_secs(64);

impl Bindings {
    pub(super) fn len(&self) -> usize {
        self.by_token.len()
    }

    /// The binding of `key`, made if there is none and `max` allows.
    pub(super) fn claim(&mut self, key: &BindingKey, max: usize, entropy: &mut Entropy, now: Instant) -> Option<Token> {
        if let Some(token) = self.by_key.get(key) {
            return Some(token.clone());
        }
        if self.by_token.len() >= max {
            return None;
        }
        let token = entropy.token(26);
        let binding = Binding {
            key: key.clone(),
            call_id: entropy.token(26),
            from_tag: entropy.token(12),
            cseq: 0,
            trunk: None,
            bound: None,
        };
        self.by_key.insert(key.clone(), token.clone());
        self.by_token.insert(token.clone(), binding);
        self.by_expiry.insert((now + PENDING, token.clone()));
        Some(token)
    }

    pub(super) fn binding(&self, token: &str) -> Option<&Binding> {
        self.by_token.get(token)
    }

    /// Counts the next REGISTER of a binding and returns its Call-ID, From tag and CSeq.
    pub(super) fn next_register(&mut self, token: &str) -> Option<(String, String, u32)> {
        let binding = self.by_token.get_mut(token)?;
        binding.cseq += 1;
        Some((binding.call_id.clone(), binding.from_tag.clone(), binding.cseq))
    }

    /// An address of the PBX answered.
    pub(super) fn note_trunk(&mut self, token: &str, flow: Flow) {
        if let Some(binding) = self.by_token.get_mut(token) {
            binding.trunk = Some(flow);
        }
    }

    /// The PBX granted the binding.
    pub(super) fn bind(&mut self, token: &str, aor: Uri, contact: Uri, flow: Flow, until: Instant) {
        self.unindex(token);
        if let Some(binding) = self.by_token.get_mut(token) {
            binding.bound = Some(Box::new(Bound { contact, flow: Some(flow), aor, until }));
            self.by_socket.insert((flow.socket, token.to_owned()));
            self.by_expiry.insert((until, token.to_owned()));
        }
    }

    /// The binding is gone.
    pub(super) fn remove(&mut self, token: &str) {
        self.unindex(token);
        self.by_expiry.retain(|(_, other)| other != token);
        if let Some(binding) = self.by_token.remove(token) {
            self.by_key.remove(&binding.key);
        }
    }

    fn unindex(&mut self, token: &str) {
        let Some(bound) = self.by_token.get(token).and_then(|binding| binding.bound.as_deref()) else { return };
        let (flow, until) = (bound.flow, bound.until);
        self.by_expiry.remove(&(until, token.to_owned()));
        if let Some(flow) = flow {
            self.by_socket.remove(&(flow.socket, token.to_owned()));
        }
    }

    /// A WebSocket is gone: its bindings wait for the browser to come back.
    pub(super) fn handle_socket_closed(&mut self, socket: SocketId) {
        let first = (socket, Token::new());
        let gone: Vec<_> = self.by_socket.range(first..).take_while(|(other, _)| *other == socket).cloned().collect();
        for entry in gone {
            if let Some(bound) = self.by_token.get_mut(&entry.1).and_then(|binding| binding.bound.as_deref_mut()) {
                bound.flow = None;
            }
            self.by_socket.remove(&entry);
        }
    }

    /// Forgets what has expired.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((until, token)) = self.by_expiry.first().cloned() {
            if until > now {
                return;
            }
            self.by_expiry.pop_first();
            if self.has_expired(&token, now) {
                self.remove(&token);
            }
        }
    }

    fn has_expired(&self, token: &str, now: Instant) -> bool {
        self.by_token.get(token).is_some_and(|binding| binding.bound.as_ref().is_none_or(|bound| bound.until <= now))
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.by_expiry.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(aor: &str) -> BindingKey {
        BindingKey { aor: aor.to_owned(), instance: "one".to_owned() }
    }

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    fn bound(bindings: &mut Bindings, aor: &str, socket: u64, until: u64) -> Token {
        let token = bindings.claim(&key(aor), 9, &mut Entropy::new([7; 32]), Instant::ZERO).unwrap();
        let flow = Flow::connection(SocketId(socket));
        bindings.bind(&token, uri("sip:a@example.com"), uri("sip:x@y.invalid"), flow, Instant::from_millis(until));
        token
    }

    fn flow(bindings: &Bindings, token: &str) -> Option<Flow> {
        bindings.binding(token).unwrap().bound.as_ref().and_then(|bound| bound.flow)
    }

    #[test]
    fn a_browser_that_comes_back_keeps_its_token() {
        let mut bindings = Bindings::default();
        let token = bound(&mut bindings, "sip:a@example.com", 1, 60_000);

        bindings.handle_socket_closed(SocketId(1));
        assert_eq!(flow(&bindings, &token), None);
        let again = bound(&mut bindings, "sip:a@example.com", 2, 90_000);

        assert_eq!(again, token);
        assert_eq!(flow(&bindings, &token), Some(Flow::connection(SocketId(2))));
    }

    #[test]
    fn a_refreshed_binding_lives_until_its_new_end() {
        let mut bindings = Bindings::default();
        let token = bound(&mut bindings, "sip:a@example.com", 1, 60_000);
        bound(&mut bindings, "sip:a@example.com", 1, 120_000);

        bindings.handle_timeout(Instant::from_millis(90_000));
        assert!(bindings.binding(&token).is_some());
        bindings.handle_timeout(Instant::from_millis(120_000));

        assert!(bindings.binding(&token).is_none());
        assert_eq!(bindings.next_timeout(), None);
    }

    #[test]
    fn a_binding_that_was_never_granted_is_forgotten() {
        let mut bindings = Bindings::default();
        bindings.claim(&key("sip:a@example.com"), 1, &mut Entropy::new([7; 32]), Instant::ZERO).unwrap();

        assert!(bindings.claim(&key("sip:b@example.com"), 1, &mut Entropy::new([8; 32]), Instant::ZERO).is_none());
        bindings.handle_timeout(Instant::from_millis(64_000));

        assert_eq!(bindings.len(), 0);
    }
}
