//! Which source's RTP the trunk leg believes, and where it sends (symmetric RTP, RFC 4961), without RTP bleed.
//!
//! The signalled address is believed at once. Another one of its network is believed only when it has been sending
//! for a while in which the signalled address stayed silent, and gives way as soon as that speaks. So is the host that
//! signals, wherever it is: behind a translator a PBX describes an address that nobody outside can reach. Where that is
//! plain to see (a private address, signalled from a public one), the first port of that host is believed at once. All
//! other sources, and any other after that, are dropped: nothing re-latches without signalling.

use core::net::{IpAddr, SocketAddr};
use sip_core::{Duration, Instant};

/// How long the signalled address must stay silent before a neighbour is believed.
const PATIENCE: Duration = Duration::from_millis(500);
/// A pause of the neighbour's that starts its trial again.
const PAUSE: Duration = Duration::from_millis(300);

/// The trunk leg's belief about its far end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latch {
    signalled: SocketAddr,
    /// The host that signals.
    signalling: Option<IpAddr>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Trial { source: SocketAddr, since: Instant, seen: Instant },
    Locked { source: SocketAddr },
}

impl Latch {
    pub(super) fn new(signalled: SocketAddr, signalling: Option<IpAddr>) -> Self {
        Self { signalled, signalling, state: State::Open }
    }

    pub(super) fn signalled(&self) -> SocketAddr {
        self.signalled
    }

    /// Whether a valid packet from `source` may pass.
    pub(super) fn admits(&mut self, source: SocketAddr, now: Instant) -> bool {
        if source == self.signalled {
            self.state = State::Locked { source };
            return true;
        }
        match self.state {
            State::Locked { source: locked } => locked == source,
            _ if self.is_translated(source.ip()) => {
                self.state = State::Locked { source };
                true
            }
            _ if !self.may_be(source.ip()) => false,
            State::Trial { source: tried, since, seen } if tried == source && now.since(seen) < PAUSE => {
                self.try_on(source, since, now)
            }
            State::Trial { seen, .. } if now.since(seen) < PAUSE => false,
            _ => self.try_on(source, now, now),
        }
    }

    /// Where media goes: to whom we believe, else to the signalled address.
    pub(super) fn target(&self) -> SocketAddr {
        match self.state {
            State::Locked { source } => source,
            State::Open | State::Trial { .. } => self.signalled,
        }
    }

    fn may_be(&self, source: IpAddr) -> bool {
        is_neighbour(source, self.signalled.ip()) || self.signalling == Some(source)
    }

    /// Whether this is the host that signals, which has described an address that only its own network knows.
    fn is_translated(&self, source: IpAddr) -> bool {
        self.signalling == Some(source) && is_private(self.signalled.ip()) && !is_private(source)
    }

    fn try_on(&mut self, source: SocketAddr, since: Instant, now: Instant) -> bool {
        let believed = now.since(since) >= PATIENCE;
        self.state = if believed { State::Locked { source } } else { State::Trial { source, since, seen: now } };
        believed
    }
}

/// The same host, or one that shares its /24 or /64.
fn is_neighbour(source: IpAddr, signalled: IpAddr) -> bool {
    match (source, signalled) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.octets()[..8] == b.octets()[..8],
        _ => false,
    }
}

/// Not to be reached from outside its network (RFC 1918, RFC 4193, RFC 6598, and addresses of one link or host).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let is_shared = matches!(ip.octets(), [100, 64..=127, ..]);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whether media may be sent there at all: nothing goes to everybody, to nobody, or to a description's `0.0.0.0` (hold
/// of RFC 2543).
pub(super) fn is_target(address: SocketAddr) -> bool {
    let ip = address.ip();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn the_signalled_address_is_believed_at_once_and_nobody_after_it() {
        let mut latch = Latch::new(address("192.0.2.10:4000"), None);
        assert!(latch.admits(address("192.0.2.10:4000"), at(0)));
        for attacker in ["192.0.2.10:4002", "192.0.2.11:4000", "198.51.100.1:4000"] {
            assert!((0..5_000).step_by(20).all(|ms| !latch.admits(address(attacker), at(ms))));
        }
        assert_eq!(latch.target(), address("192.0.2.10:4000"));
    }

    #[test]
    fn an_attacker_who_comes_first_gets_nothing_when_the_signalled_address_speaks() {
        let mut latch = Latch::new(address("192.0.2.10:4000"), None);
        assert!((0..480).step_by(20).all(|ms| !latch.admits(address("192.0.2.66:9"), at(ms))));
        assert_eq!(latch.target(), address("192.0.2.10:4000"));
        assert!(latch.admits(address("192.0.2.10:4000"), at(490)));
        assert!(!latch.admits(address("192.0.2.66:9"), at(2_000)));
    }

    #[test]
    fn a_neighbour_is_believed_when_the_signalled_address_stays_silent() {
        let mut latch = Latch::new(address("192.0.2.10:4000"), None);
        let believed = (0..2_000).step_by(20).find(|ms| latch.admits(address("192.0.2.10:5000"), at(*ms)));
        assert_eq!(believed, Some(500));
        assert_eq!(latch.target(), address("192.0.2.10:5000"));
        assert!(!latch.admits(address("192.0.2.10:5002"), at(3_000)));

        assert!(latch.admits(address("192.0.2.10:4000"), at(3_000)));
        assert!(!latch.admits(address("192.0.2.10:5000"), at(3_020)));
    }

    #[test]
    fn a_foreign_network_is_never_believed() {
        let mut latch = Latch::new(address("192.0.2.10:4000"), None);
        assert!((0..60_000).step_by(20).all(|ms| !latch.admits(address("198.51.100.1:4000"), at(ms))));
    }

    #[test]
    fn behind_a_translator_the_host_that_signals_is_believed_at_once_and_by_one_port() {
        let mut latch = Latch::new(address("10.1.2.3:4000"), Some(address("203.0.113.9:5060").ip()));
        assert!((0..2_000).step_by(20).all(|ms| !latch.admits(address("203.0.113.10:4000"), at(ms))));
        assert!((0..2_000).step_by(20).all(|ms| !latch.admits(address("198.51.100.1:4000"), at(ms))));
        assert!(latch.admits(address("203.0.113.9:61000"), at(2_000)));
        assert_eq!(latch.target(), address("203.0.113.9:61000"));
        assert!((2_000..9_000).step_by(20).all(|ms| !latch.admits(address("203.0.113.9:61002"), at(ms))));

        assert!(latch.admits(address("10.1.2.3:4000"), at(9_000)), "it can be reached after all");
        assert!(!latch.admits(address("203.0.113.9:61000"), at(9_020)));
    }

    #[test]
    fn a_host_that_signals_for_an_address_of_another_network_has_to_wait() {
        for (signalled, signalling) in [("192.0.2.10:4000", "203.0.113.9:5060"), ("10.1.2.3:4000", "172.16.0.9:5060")] {
            let signalling = address(signalling);
            let mut latch = Latch::new(address(signalled), Some(signalling.ip()));
            let believed = (0..2_000).step_by(20).find(|ms| latch.admits(signalling, at(*ms)));
            assert_eq!(believed, Some(500), "{signalled}");
        }
    }

    #[test]
    fn media_goes_to_single_hosts_only() {
        for target in ["0.0.0.0:9", "192.0.2.1:0", "224.0.0.1:5004", "255.255.255.255:9", "[::]:9", "[ff02::1]:9"] {
            assert!(!is_target(address(target)), "{target}");
        }
        assert!(is_target(address("192.0.2.1:9")));
    }
}
