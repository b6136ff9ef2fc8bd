//! The servers to choose from: the heaviest first, each once before any again.
//!
//! A server that failed is passed over until all have failed, or until the time that it named; one that served for a
//! while clears the others' names, so that the heaviest is the first choice of the next loss.

use sip_core::message::Host;
use sip_core::{Entropy, Instant, Transport};

/// One server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) url: String,
    pub(super) transport: Transport,
    pub(super) host: Host,
    pub(super) weight: u32,
    has_failed: bool,
    /// It asked to be left alone until then.
    not_before: Option<Instant>,
}

impl Server {
    pub(super) fn new(url: String, (transport, host): (Transport, Host), weight: u32) -> Self {
        Self { url, transport, host, weight, has_failed: false, not_before: None }
    }
}

/// All of them; never none.
#[derive(Clone, Debug)]
pub(super) struct Servers {
    all: Vec<Server>,
    current: usize,
}

impl Servers {
    pub(super) const fn new(all: Vec<Server>) -> Self {
        Self { all, current: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    /// The one in use, or used last.
    pub(super) fn current(&self) -> Option<&Server> {
        self.all.get(self.current)
    }

    pub(super) const fn index(&self) -> usize {
        self.current
    }

    /// Takes the next attempt's server.
    pub(super) fn choose(&mut self, entropy: &mut Entropy, now: Instant) {
        let fits = |server: &Server| !server.has_failed && server.not_before.is_none_or(|until| until <= now);
        // Where all ask for patience, a fresh start is as good as any.
        let any = !self.all.iter().any(fits);
        let heaviest = self.all.iter().filter(|server| any || fits(server)).map(|server| server.weight).max();
        let best = |server: &Server| (any || fits(server)) && Some(server.weight) == heaviest;
        let count = self.all.iter().filter(|server| best(server)).count() as u64;
        let drawn = usize::try_from(entropy.number() % count.max(1)).unwrap_or(0);
        let place = self.all.iter().enumerate().filter(|(_, server)| best(server)).nth(drawn);
        self.current = place.map_or(0, |(place, _)| place);
    }

    /// The one in use does not serve. Returns whether another is left that may.
    pub(super) fn note_failure(&mut self, not_before: Option<Instant>, now: Instant) -> bool {
        if let Some(server) = self.all.get_mut(self.current) {
            server.has_failed = true;
            server.not_before = not_before.or(server.not_before);
        }
        let is_left = |server: &Server| !server.has_failed && server.not_before.is_none_or(|until| until <= now);
        let is_any_left = self.all.iter().any(is_left);
        if !is_any_left {
            self.forgive();
        }
        is_any_left
    }

    /// The one in use has served for a while.
    pub(super) fn forgive(&mut self) {
        self.all.iter_mut().for_each(|server| server.has_failed = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(weights: &[u32]) -> Servers {
        let server = |weight: &u32| {
            let at = (Transport::Wss, Host::Name("example.com".to_owned()));
            Server::new(String::new(), at, *weight)
        };
        Servers::new(weights.iter().map(server).collect())
    }

    fn order(servers: &mut Servers, attempts: usize, seed: u8) -> Vec<usize> {
        let mut entropy = Entropy::new([seed; 32]);
        let mut order = Vec::new();
        for _ in 0..attempts {
            servers.choose(&mut entropy, Instant::ZERO);
            order.push(servers.index());
            servers.note_failure(None, Instant::ZERO);
        }
        order
    }

    #[test]
    fn the_heaviest_comes_first_and_each_once() {
        assert_eq!(order(&mut servers(&[1, 5, 3]), 6, 1), [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn equals_are_drawn() {
        let firsts: Vec<usize> = (0..20).map(|seed| order(&mut servers(&[1, 1]), 1, seed)[0]).collect();

        assert!(firsts.contains(&0) && firsts.contains(&1), "{firsts:?}");
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it_while_there_are_others() {
        let mut servers = servers(&[5, 1]);
        let mut entropy = Entropy::new([1; 32]);
        servers.choose(&mut entropy, Instant::ZERO);
        assert!(servers.note_failure(Some(Instant::from_millis(60_000)), Instant::ZERO));
        servers.forgive();

        servers.choose(&mut entropy, Instant::from_millis(59_999));
        assert_eq!(servers.index(), 1);
        servers.choose(&mut entropy, Instant::from_millis(60_000));
        assert_eq!(servers.index(), 0);
    }
}
