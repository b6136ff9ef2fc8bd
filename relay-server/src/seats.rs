//! How many connections one address may have. Who is on the relay's own machine is not counted: proxies are.

use relay_core::admission::subscriber;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Who has how many.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    taken: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    each: usize,
}

/// One connection's; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    of: Option<IpAddr>,
    seats: Seats,
}

impl Seats {
    pub(crate) fn new(each: usize) -> Self {
        Self { taken: Arc::default(), each }
    }

    /// None where the address has all it may have.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        if address.to_canonical().is_loopback() {
            return Some(Seat { of: None, seats: self.clone() });
        }
        let address = subscriber(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Seat { of: Some(address), seats: self.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(address) = self.of else { return };
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_seats_and_gets_them_back() {
        let (seats, address) = (Seats::new(2), IpAddr::from([192, 0, 2, 1]));
        let first = seats.take(address);
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        let second = seats.take(mapped);
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(address).is_none(), "in either spelling");
        assert!(seats.take(IpAddr::from([192, 0, 2, 2])).is_some());
        drop(first);
        assert!(seats.take(address).is_some());
        drop(second);
        assert!(seats.taken.lock().unwrap().is_empty(), "who has none is forgotten");
    }

    #[test]
    fn the_addresses_of_one_ipv6_subscriber_share_their_seats() {
        let seats = Seats::new(1);
        let seat = |address: &str| seats.take(address.parse().unwrap());
        let first = seat("2001:db8:1:2::1");
        assert!(first.is_some() && seat("2001:db8:1:2:9::1").is_none());
        assert!(seat("2001:db8:1:3::1").is_some());
    }

    #[test]
    fn the_relays_own_machine_is_not_counted() {
        let seats = Seats::new(1);
        let all: Vec<_> = (0..5).map(|_| seats.take(IpAddr::from([127, 0, 0, 1]))).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
