//! The order in which servers of several priorities and weights are tried (RFC 2782).

use sip_core::Entropy;

/// A server's place in the order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rank {
    /// Lower ones first.
    pub(super) priority: u16,
    /// Among equals, how often first.
    pub(super) weight: u16,
}

/// By priority; among equals each is drawn with a chance in proportion to its weight. A weight of 0 has a small chance.
pub(super) fn in_order<T>(items: Vec<(Rank, T)>, entropy: &mut Entropy) -> Vec<T> {
    let mut items = items;
    items.sort_by_key(|(rank, _)| (rank.priority, rank.weight != 0));
    let mut ordered = Vec::with_capacity(items.len());
    while let Some((first, _)) = items.first() {
        let priority = first.priority;
        let equals = items.iter().take_while(|(rank, _)| rank.priority == priority).count();
        let place = draw(items.iter().take(equals).map(|(rank, _)| rank.weight), entropy);
        ordered.push(items.remove(place).1);
    }
    ordered
}

fn draw(weights: impl Iterator<Item = u16> + Clone, entropy: &mut Entropy) -> usize {
    let total: u64 = weights.clone().map(u64::from).sum();
    let drawn = entropy.number() % (total + 1);
    let mut sum = 0;
    let mut sums = weights.map(|weight| {
        sum += u64::from(weight);
        sum
    });
    sums.position(|sum| sum >= drawn).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(priority: u16, weight: u16) -> Rank {
        Rank { priority, weight }
    }

    #[test]
    fn priorities_come_first_and_weights_decide_how_often() {
        let mut entropy = Entropy::new([5; 32]);
        let mut first = [0; 4];
        for _ in 0..4_000 {
            let items = vec![(rank(10, 60), 0), (rank(20, 0), 3), (rank(10, 20), 1), (rank(10, 20), 2)];
            let ordered = in_order(items, &mut entropy);
            assert_eq!(ordered[3], 3, "the higher priority is the last resort");
            first[ordered[0]] += 1;
        }
        assert!((2_250..2_550).contains(&first[0]), "about six in ten: {first:?}");
        assert!((700..900).contains(&first[1]) && (700..900).contains(&first[2]), "{first:?}");
    }

    #[test]
    fn servers_without_weight_are_all_tried() {
        let items = (0..5).map(|number| (rank(1, 0), number)).collect();
        let mut ordered = in_order(items, &mut Entropy::new([6; 32]));
        ordered.sort_unstable();
        assert_eq!(ordered, [0, 1, 2, 3, 4]);
    }
}
