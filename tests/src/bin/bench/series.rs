//! The figures of one side over all rounds.

use std::borrow::Cow;
use std::time::Duration;

use crate::meter::Cost;

/// One turn of a side.
pub(crate) struct Turn {
    /// Purchases or jobs per second.
    pub(crate) rate: f64,
    /// How long each took, where that is known.
    pub(crate) latencies: Vec<Duration>,
    /// What each has cost.
    pub(crate) cost: Cost,
}

/// How long a turn took, and everything in it.
pub(crate) struct Timed {
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Vec<Duration>,
}

/// One side: its name and its turns.
pub(crate) struct Series {
    pub(crate) name: Cow<'static, str>,
    turns: Vec<Turn>,
}

impl Series {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), turns: Vec::new() }
    }

    pub(crate) fn add(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    /// The rates of the rounds.
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| turn.rate).collect()
    }

    /// The median rate.
    pub(crate) fn rate(&self) -> Option<f64> {
        median(self.rates())
    }

    /// The median of one cost.
    pub(crate) fn cost(&self, of: impl Fn(&Cost) -> Option<f64>) -> Option<f64> {
        median(self.turns.iter().filter_map(|turn| of(&turn.cost)).collect())
    }

    /// The latencies of all rounds together.
    pub(crate) fn latencies(&self) -> Latencies {
        Latencies::of(self.turns.iter().flat_map(|turn| turn.latencies.iter().copied()).collect())
    }
}

/// The ratio of two sides: of their medians, and of each round.
pub(crate) fn ratio(ours: &Series, theirs: &Series) -> Option<(f64, Vec<f64>)> {
    let rounds =
        ours.rates().iter().zip(theirs.rates()).map(|(ours, theirs)| ours / theirs).collect();
    Some((ours.rate()? / theirs.rate()?, rounds))
}

/// Sorted latencies.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// Them all.
    pub(crate) fn all(self) -> Vec<Duration> {
        self.0
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The latency that this share of a hundred does not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.max(1) - 1).copied()
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (1, upper) => upper.copied(),
        (_, upper) => Some((values.get(middle.checked_sub(1)?)? + upper?) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let all = Latencies::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(all.percentile(50), Some(Duration::from_millis(100)));
        assert_eq!(all.percentile(99), Some(Duration::from_millis(198)));
        assert_eq!(all.percentile(100), Some(Duration::from_millis(200)));
        assert_eq!(Latencies::of(Vec::new()).percentile(50), None);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
