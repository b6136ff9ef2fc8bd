//! When whom to wake: an ordered set with one moment for each owner.
//!
//! Setting, clearing and finding the next are logarithmic in the number of owners that wait.

use crate::ordered::{Map, Set};
use crate::time::Instant;

/// At most one deadline for each `Owner`.
#[derive(Debug)]
pub(crate) struct Deadlines<Owner> {
    ordered: Set<(Instant, Owner)>,
    moments: Map<Owner, Instant>,
}

impl<Owner: Copy + Ord> Deadlines<Owner> {
    pub(crate) const fn new() -> Self {
        Self { ordered: Set::new(), moments: Map::new() }
    }

    /// Replaces the owner's deadline; none removes it.
    pub(crate) fn set(&mut self, owner: Owner, moment: Option<Instant>) {
        if self.moments.get(&owner).copied() == moment {
            return;
        }
        if let Some(before) = self.moments.remove(&owner) {
            self.ordered.remove(&(before, owner));
        }
        if let Some(moment) = moment {
            self.moments.insert(owner, moment);
            self.ordered.insert((moment, owner));
        }
    }

    /// Takes the earliest owner whose moment has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Owner> {
        let (moment, owner) = self.ordered.first().copied()?;
        if moment > now {
            return None;
        }
        self.set(owner, None);
        Some(owner)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.ordered.first().map(|(moment, _)| *moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_woken_in_order_and_once() {
        let mut deadlines = Deadlines::new();
        deadlines.set('a', Some(Instant::from_millis(20)));
        deadlines.set('b', Some(Instant::from_millis(10)));
        deadlines.set('a', Some(Instant::from_millis(5)));
        deadlines.set('c', Some(Instant::from_millis(30)));
        deadlines.set('c', None);

        let woken: Vec<char> = core::iter::from_fn(|| deadlines.pop_due(Instant::from_millis(15))).collect();

        assert_eq!(woken, ['a', 'b']);
        assert_eq!(deadlines.next(), None);
    }
}
