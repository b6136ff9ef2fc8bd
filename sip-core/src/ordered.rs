//! Ordered maps and sets.
//!
//! On wasm32, where one page has a handful of calls and each kilobyte is fetched before the first of them, they are
//! sorted vectors: the trees' code would be a fifth of the module. Elsewhere they are the standard library's trees,
//! which stay quick with a hundred thousand transactions. Only what the rooms use is there.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use std::collections::{BTreeMap as Map, BTreeSet as Set};

#[cfg(target_arch = "wasm32")]
pub(crate) use sorted::{Map, Set};

#[cfg(any(target_arch = "wasm32", test))]
mod sorted {
    use core::mem::replace;
    use core::ops::{Bound, RangeBounds};

    /// A map of few entries: a vector sorted by key. Values are behind pointers, so that all maps by number share their
    /// code.
    #[derive(Debug)]
    pub(crate) struct Map<K, V>(Vec<(K, Box<V>)>);

    /// A set of few items: a sorted vector.
    #[derive(Debug)]
    pub(crate) struct Set<T>(Map<T, ()>);

    /// A place in a map, taken or free.
    pub(crate) struct Entry<'a, K, V> {
        rows: &'a mut Vec<(K, Box<V>)>,
        at: Result<usize, usize>,
        key: K,
    }

    impl<K, V> Default for Map<K, V> {
        fn default() -> Self {
            Self(Vec::new())
        }
    }

    impl<T> Default for Set<T> {
        fn default() -> Self {
            Self(Map::default())
        }
    }

    impl<K: Ord, V> Map<K, V> {
        pub(crate) const fn new() -> Self {
            Self(Vec::new())
        }

        pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
            match self.find(&key) {
                Ok(at) => self.0.get_mut(at).map(|(_, old)| replace(&mut **old, value)),
                Err(at) => {
                    self.0.insert(at, (key, Box::new(value)));
                    None
                }
            }
        }

        pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
            self.find(key).ok().map(|at| *self.0.remove(at).1)
        }

        pub(crate) fn entry(&mut self, key: K) -> Entry<'_, K, V> {
            Entry { at: self.find(&key), rows: &mut self.0, key }
        }

        pub(crate) fn get(&self, key: &K) -> Option<&V> {
            let (_, value) = self.0.get(self.find(key).ok()?)?;
            Some(value)
        }

        pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
            let at = self.find(key).ok()?;
            self.0.get_mut(at).map(|(_, value)| &mut **value)
        }

        pub(crate) fn contains_key(&self, key: &K) -> bool {
            self.find(key).is_ok()
        }

        #[cfg(target_arch = "wasm32")]
        pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
            self.0.iter().map(|(key, value)| (key, &**value))
        }

        pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
            self.0.iter_mut().map(|(_, value)| &mut **value)
        }

        pub(crate) const fn len(&self) -> usize {
            self.0.len()
        }

        #[cfg(test)]
        pub(crate) const fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(crate) fn range(&self, range: impl RangeBounds<K>) -> impl Iterator<Item = (&K, &V)> {
            let start = match range.start_bound() {
                Bound::Included(key) => self.find(key).unwrap_or_else(|at| at),
                Bound::Excluded(key) => self.find(key).map_or_else(|at| at, |at| at + 1),
                Bound::Unbounded => 0,
            };
            let end = match range.end_bound() {
                Bound::Included(key) => self.find(key).map_or_else(|at| at, |at| at + 1),
                Bound::Excluded(key) => self.find(key).unwrap_or_else(|at| at),
                Bound::Unbounded => self.0.len(),
            };
            self.0.get(start..end).unwrap_or_default().iter().map(|(key, value)| (key, &**value))
        }

        fn find(&self, key: &K) -> Result<usize, usize> {
            self.0.binary_search_by(|(here, _)| here.cmp(key))
        }
    }

    impl<'a, K, V> Entry<'a, K, V> {
        pub(crate) fn or_insert(self, value: V) -> &'a mut V {
            let at = self.at.unwrap_or_else(|at| {
                self.rows.insert(at, (self.key, Box::new(value)));
                at
            });
            let (_, value) = self.rows.get_mut(at).expect("it was found or inserted there");
            value
        }

        pub(crate) fn or_default(self) -> &'a mut V
        where
            V: Default,
        {
            self.or_insert(V::default())
        }
    }

    impl<T: Ord> Set<T> {
        pub(crate) const fn new() -> Self {
            Self(Map::new())
        }

        pub(crate) fn insert(&mut self, item: T) -> bool {
            self.0.insert(item, ()).is_none()
        }

        pub(crate) fn remove(&mut self, item: &T) -> bool {
            self.0.remove(item).is_some()
        }

        pub(crate) fn first(&self) -> Option<&T> {
            self.0.0.first().map(|(item, _)| item)
        }

        pub(crate) fn range(&self, range: impl RangeBounds<T>) -> impl Iterator<Item = &T> {
            self.0.range(range).map(|(item, ())| item)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::sorted;

    /// Numbers that jump about, from a small range, so that keys meet again.
    fn numbers() -> impl Iterator<Item = u32> {
        core::iter::successors(Some(1_u32), |last| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)))
            .map(|number| number >> 27)
            .take(2_000)
    }

    #[test]
    fn a_sorted_map_does_what_a_tree_does() {
        let (mut map, mut tree) = (sorted::Map::new(), BTreeMap::new());
        for (turn, key) in numbers().enumerate() {
            match turn % 3 {
                0 => assert_eq!(map.insert(key, turn), tree.insert(key, turn)),
                1 => assert_eq!(map.remove(&key), tree.remove(&key)),
                _ if key < 16 => assert_eq!(map.entry(key).or_insert(turn), tree.entry(key).or_insert(turn)),
                _ => assert_eq!(map.entry(key).or_default(), tree.entry(key).or_default()),
            }
            assert_eq!(map.get_mut(&key), tree.get_mut(&key));
            assert_eq!((map.get(&key), map.len()), (tree.get(&key), tree.len()));
            assert_eq!(map.is_empty(), tree.is_empty());
            assert_eq!(map.contains_key(&turn_key(turn)), tree.contains_key(&turn_key(turn)));
            assert!(map.values_mut().eq(tree.values_mut()));
            assert!(map.range(3..9).eq(tree.range(3..9)));
            assert!(map.range(..=key).eq(tree.range(..=key)));
        }
    }

    #[test]
    fn a_sorted_set_does_what_a_tree_does() {
        let (mut set, mut tree) = (sorted::Set::new(), BTreeSet::new());
        for (turn, item) in numbers().enumerate() {
            match turn % 2 {
                0 => assert_eq!(set.insert(item), tree.insert(item)),
                _ => assert_eq!(set.remove(&item), tree.remove(&item)),
            }
            assert_eq!(set.first(), tree.first());
            assert!(set.range(item..).eq(tree.range(item..)));
        }
    }

    fn turn_key(turn: usize) -> u32 {
        u32::try_from(turn % 32).unwrap_or_default()
    }
}
