//! PBX names and the addresses last heard for them. A and AAAA only; RFC 3263's NAPTR and SRV are not here yet.

use super::config::NextHop;
use core::net::{IpAddr, SocketAddr};
use sip_core::{Duration, Instant};
use std::collections::BTreeMap;

/// What is known of a next hop at this moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Send there.
    Address(SocketAddr),
    /// Ask for this name; the number comes back with the answer.
    Ask(u64),
    /// Somebody asked already.
    Asked,
}

/// Names asked for, and answers for as long as they are believed.
#[derive(Debug)]
pub(super) struct Resolver {
    names: BTreeMap<NextHop, Entry>,
    queries: u64,
    ttl: Duration,
}

#[derive(Debug)]
enum Entry {
    Asked(u64),
    Known { address: SocketAddr, until: Instant },
}

impl Resolver {
    pub(super) const fn new(ttl: Duration) -> Self {
        Self { names: BTreeMap::new(), queries: 0, ttl }
    }

    /// The address of `hop`, or what to do to get it.
    pub(super) fn lookup(&mut self, hop: &NextHop, now: Instant) -> Lookup {
        if let Ok(ip) = hop.host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Lookup::Address(SocketAddr::new(ip, hop.port));
        }
        match self.names.get(hop) {
            Some(Entry::Known { address, until }) if *until > now => Lookup::Address(*address),
            Some(Entry::Asked(_)) => Lookup::Asked,
            _ => self.ask(hop),
        }
    }

    fn ask(&mut self, hop: &NextHop) -> Lookup {
        self.queries += 1;
        self.names.insert(hop.clone(), Entry::Asked(self.queries));
        Lookup::Ask(self.queries)
    }

    /// An answer came. Returns whose it was, if the question is still open.
    pub(super) fn handle_resolved(&mut self, query: u64, address: Option<SocketAddr>, now: Instant) -> Option<NextHop> {
        let open = |entry: &Entry| matches!(entry, Entry::Asked(number) if *number == query);
        let hop = self.names.iter().find(|(_, entry)| open(entry)).map(|(hop, _)| hop.clone())?;
        match address {
            Some(address) => self.names.insert(hop.clone(), Entry::Known { address, until: now + self.ttl }),
            None => self.names.remove(&hop),
        };
        Some(hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(host: &str) -> NextHop {
        NextHop { host: host.to_owned(), port: 5060 }
    }

    #[test]
    fn an_address_needs_no_question() {
        let mut resolver = Resolver::new(Duration::from_secs(60));

        let v6 = resolver.lookup(&hop("[2001:db8::1]"), Instant::ZERO);

        assert_eq!(v6, Lookup::Address("[2001:db8::1]:5060".parse().unwrap()));
    }

    #[test]
    fn a_name_is_asked_once_and_believed_until_its_time_is_over() {
        let mut resolver = Resolver::new(Duration::from_secs(60));
        let address = "192.0.2.1:5060".parse().unwrap();

        assert_eq!(resolver.lookup(&hop("pbx"), Instant::ZERO), Lookup::Ask(1));
        assert_eq!(resolver.lookup(&hop("pbx"), Instant::ZERO), Lookup::Asked);
        assert_eq!(resolver.handle_resolved(1, Some(address), Instant::ZERO), Some(hop("pbx")));
        assert_eq!(resolver.lookup(&hop("pbx"), Instant::from_millis(59_000)), Lookup::Address(address));
        assert_eq!(resolver.lookup(&hop("pbx"), Instant::from_millis(61_000)), Lookup::Ask(2));
        assert_eq!(resolver.handle_resolved(2, None, Instant::from_millis(61_000)), Some(hop("pbx")));
        assert_eq!(resolver.lookup(&hop("pbx"), Instant::from_millis(61_000)), Lookup::Ask(3));
    }
}
