//! Browsers that are registered at a PBX through this relay.
//!
//! The PBX knows a binding by a Contact of ours, `sip:<token>@relay`; an INVITE to it leads to the browser's
//! WebSocket. A binding outlives its WebSocket until it expires, so that the PBX keeps one Contact per browser; what was
//! never granted goes with its WebSocket.

use sip_core::message::{NameAddr, Uri};
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
    /// REGISTERs without an answer: one at a time (RFC 3261 §10.2), and one that a browser in a hurry repeats.
    in_flight: u8,
    /// The WebSocket that asked for it, while it is only asked for.
    asker: Option<SocketId>,
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
    /// The WebSocket it had last.
    last: SocketId,
    /// The proxies that its calls pass (RFC 3608), nearest first.
    pub(super) service_route: Vec<NameAddr>,
    /// The address of record as the browser wrote it.
    pub(super) aor: Uri,
    pub(super) until: Instant,
}

/// What the PBX granted, and to whom.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) aor: Uri,
    pub(super) contact: Uri,
    pub(super) flow: Flow,
    pub(super) service_route: Vec<NameAddr>,
    pub(super) until: Instant,
}

/// Where a browser was before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) socket: SocketId,
    /// A page keeps its Contact as long as it lives.
    pub(super) is_same_page: bool,
}

/// Why there is no binding for a REGISTER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The relay has too many, or this WebSocket asks for too many at once.
    Relay,
    /// The address of record has too many.
    Account,
    /// The last REGISTER of this binding has no answer yet.
    Busy,
}

/// All bindings, by token and by key.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    by_token: BTreeMap<Token, Binding>,
    by_key: BTreeMap<BindingKey, Token>,
    by_socket: BTreeSet<(SocketId, Token)>,
    by_expiry: BTreeSet<(Instant, Token)>,
    /// Those that are only asked for, by who asks.
    by_asker: BTreeSet<(SocketId, Token)>,
}

/// What one WebSocket may ask for at once without having been granted it.
const MAX_ASKED: usize = 16;
/// REGISTERs of one binding without an answer.
const MAX_IN_FLIGHT: u8 = 2;

/// How long an unanswered first REGISTER is remembered: the browser's second, with credentials, comes much sooner.
const PENDING: Duration = Duration::from_secs(64);

impl Bindings {
    pub(super) fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Whether there is a binding that a REGISTER would refresh or take away.
    pub(super) fn has(&self, key: &BindingKey) -> bool {
        self.by_key.contains_key(key)
    }

    /// The binding of `key` for a REGISTER on `socket`, made if there is none and the limits allow: `max` in all, and
    /// `per_aor` of one address of record.
    pub(super) fn claim(
        &mut self,
        key: &BindingKey,
        socket: SocketId,
        (max, per_aor): (usize, usize),
        entropy: &mut Entropy,
        now: Instant,
    ) -> Result<Token, Full> {
        if let Some(token) = self.by_key.get(key) {
            let Some(binding) = self.by_token.get_mut(token).filter(|binding| binding.in_flight < MAX_IN_FLIGHT) else {
                return Err(Full::Busy);
            };
            binding.in_flight += 1;
            return Ok(token.clone());
        }
        if self.by_token.len() >= max || self.of_socket(&self.by_asker, socket).count() >= MAX_ASKED {
            return Err(Full::Relay);
        }
        // Those that are only asked for do not count, or anybody could fill somebody's account.
        let is_bound = |token: &&Token| self.by_token.get(*token).is_some_and(|binding| binding.bound.is_some());
        if self.of_aor(&key.aor).filter(is_bound).count() >= per_aor {
            return Err(Full::Account);
        }
        let token = entropy.token(26);
        let binding = Binding {
            key: key.clone(),
            call_id: entropy.token(26),
            from_tag: entropy.token(12),
            cseq: 0,
            trunk: None,
            in_flight: 1,
            asker: Some(socket),
            bound: None,
        };
        self.by_key.insert(key.clone(), token.clone());
        self.by_asker.insert((socket, token.clone()));
        self.by_token.insert(token.clone(), binding);
        self.by_expiry.insert((now + PENDING, token.clone()));
        Ok(token)
    }

    fn of_aor<'a>(&'a self, aor: &'a str) -> impl Iterator<Item = &'a Token> {
        let first = BindingKey { aor: aor.to_owned(), instance: String::new() };
        self.by_key.range(first..).take_while(move |(key, _)| key.aor == aor).map(|(_, token)| token)
    }

    fn of_socket<'a>(
        &self,
        index: &'a BTreeSet<(SocketId, Token)>,
        socket: SocketId,
    ) -> impl Iterator<Item = &'a Token> + use<'a> {
        index.range((socket, Token::new())..).take_while(move |(other, _)| *other == socket).map(|(_, token)| token)
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

    /// A REGISTER of a binding got its answer, or none.
    pub(super) fn answered(&mut self, token: &str) {
        if let Some(binding) = self.by_token.get_mut(token) {
            binding.in_flight = binding.in_flight.saturating_sub(1);
        }
    }

    /// The PBX granted the binding. Returns where the browser was before, if it has another WebSocket now.
    pub(super) fn bind(&mut self, token: &str, granted: Granted) -> Option<Before> {
        self.unindex(token);
        let Granted { aor, contact, flow, service_route, until } = granted;
        let binding = self.by_token.get_mut(token)?;
        let bound = Bound { contact: contact.clone(), flow: Some(flow), last: flow.socket, service_route, aor, until };
        let before = binding.bound.replace(Box::new(bound));
        let before = before.map(|before| Before { socket: before.last, is_same_page: before.contact == contact });
        self.by_socket.insert((flow.socket, token.to_owned()));
        self.by_expiry.insert((until, token.to_owned()));
        before.filter(|before| before.socket != flow.socket)
    }

    /// The binding is gone.
    pub(super) fn remove(&mut self, token: &str) {
        self.unindex(token);
        self.by_expiry.retain(|(_, other)| other != token);
        if let Some(binding) = self.by_token.remove(token) {
            self.by_key.remove(&binding.key);
        }
    }

    /// All bindings of an address of record are gone.
    pub(super) fn remove_all(&mut self, aor: &str) {
        let tokens: Vec<Token> = self.of_aor(aor).cloned().collect();
        tokens.iter().for_each(|token| self.remove(token));
    }

    /// What is bound on a WebSocket.
    pub(super) fn bound_on(&self, socket: SocketId) -> impl Iterator<Item = &Bound> {
        let tokens = self.of_socket(&self.by_socket, socket);
        tokens.filter_map(|token| self.by_token.get(token)?.bound.as_deref())
    }

    fn unindex(&mut self, token: &str) {
        if let Some(asker) = self.by_token.get_mut(token).and_then(|binding| binding.asker.take()) {
            self.by_asker.remove(&(asker, token.to_owned()));
        }
        let Some(bound) = self.by_token.get(token).and_then(|binding| binding.bound.as_deref()) else { return };
        let (flow, until) = (bound.flow, bound.until);
        self.by_expiry.remove(&(until, token.to_owned()));
        if let Some(flow) = flow {
            self.by_socket.remove(&(flow.socket, token.to_owned()));
        }
    }

    /// A WebSocket is gone: its bindings wait for the browser to come back.
    pub(super) fn handle_socket_closed(&mut self, socket: SocketId) {
        let asked: Vec<Token> = self.of_socket(&self.by_asker, socket).cloned().collect();
        asked.iter().for_each(|token| self.remove(token));
        let gone: Vec<Token> = self.of_socket(&self.by_socket, socket).cloned().collect();
        for token in gone {
            if let Some(bound) = self.by_token.get_mut(&token).and_then(|binding| binding.bound.as_deref_mut()) {
                bound.flow = None;
            }
            self.by_socket.remove(&(socket, token));
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

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    const LIMITS: (usize, usize) = (99, 3);

    fn claim(bindings: &mut Bindings, aor: &str, instance: &str, socket: u64) -> Result<Token, Full> {
        let key = BindingKey { aor: aor.to_owned(), instance: instance.to_owned() };
        let seed = bindings.len() as u8;
        bindings.claim(&key, SocketId(socket), LIMITS, &mut Entropy::new([seed; 32]), Instant::ZERO)
    }

    fn bind(bindings: &mut Bindings, token: &str, socket: u64, until: u64) -> Option<Before> {
        let granted = Granted {
            aor: uri("sip:a@example.com"),
            contact: uri("sip:x@y.invalid"),
            flow: Flow::connection(SocketId(socket)),
            service_route: Vec::new(),
            until: Instant::from_millis(until),
        };
        bindings.answered(token);
        bindings.answered(token);
        bindings.bind(token, granted)
    }

    fn bound(bindings: &mut Bindings, aor: &str, socket: u64, until: u64) -> Token {
        let token = claim(bindings, aor, "one", socket).unwrap();
        bindings.answered(&token);
        bind(bindings, &token, socket, until);
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
        claim(&mut bindings, "sip:a@example.com", "one", 1).unwrap();
        bindings.handle_timeout(Instant::from_millis(64_000));

        assert_eq!(bindings.len(), 0);
    }

    #[test]
    fn the_last_websocket_is_told_when_another_takes_its_place() {
        let mut bindings = Bindings::default();
        let token = bound(&mut bindings, "sip:a@example.com", 1, 60_000);

        assert_eq!(bind(&mut bindings, &token, 1, 60_000), None);
        let before = |socket| Some(Before { socket: SocketId(socket), is_same_page: true });
        assert_eq!(bind(&mut bindings, &token, 2, 60_000), before(1), "taken over");
        bindings.handle_socket_closed(SocketId(2));
        assert_eq!(bind(&mut bindings, &token, 3, 60_000), before(2), "and after a loss");
        assert_eq!(bindings.bound_on(SocketId(3)).count(), 1);
        assert_eq!(bindings.bound_on(SocketId(2)).count(), 0);
    }

    #[test]
    fn an_account_has_so_many_phones_and_asking_fills_nobodys() {
        let mut bindings = Bindings::default();
        for instance in ["one", "two", "three", "four"] {
            claim(&mut bindings, "sip:a@example.com", instance, 1).unwrap();
        }
        for instance in ["one", "two", "three"] {
            let token = claim(&mut bindings, "sip:a@example.com", instance, 1).unwrap();
            bind(&mut bindings, &token, 1, 60_000);
        }

        assert_eq!(claim(&mut bindings, "sip:a@example.com", "five", 1), Err(Full::Account));
        assert!(claim(&mut bindings, "sip:aa@example.com", "five", 1).is_ok());
        assert!(claim(&mut bindings, "sip:a@example.com", "two", 1).is_ok(), "a refresh");
        bindings.remove_all("sip:a@example.com");
        assert_eq!(bindings.len(), 1);
        assert!(claim(&mut bindings, "sip:a@example.com", "five", 1).is_ok());
    }

    #[test]
    fn one_websocket_can_ask_for_so_much_and_takes_it_along() {
        let mut bindings = Bindings::default();
        for number in 0..MAX_ASKED {
            claim(&mut bindings, "sip:a@example.com", &number.to_string(), 1).unwrap();
        }

        assert_eq!(claim(&mut bindings, "sip:b@example.com", "one", 1), Err(Full::Relay));
        assert!(claim(&mut bindings, "sip:b@example.com", "one", 2).is_ok(), "another does not suffer");
        bindings.handle_socket_closed(SocketId(1));
        assert_eq!(bindings.len(), 1);
    }

    #[test]
    fn registers_of_one_binding_wait_for_their_answers() {
        let mut bindings = Bindings::default();
        let token = claim(&mut bindings, "sip:a@example.com", "one", 1).unwrap();
        claim(&mut bindings, "sip:a@example.com", "one", 1).unwrap();

        assert_eq!(claim(&mut bindings, "sip:a@example.com", "one", 1), Err(Full::Busy));
        bindings.answered(&token);
        assert!(claim(&mut bindings, "sip:a@example.com", "one", 1).is_ok());
    }
}
