//! The wait between attempts: exponential with full jitter, so that a crowd of failures does not come back as a crowd.

use std::time::Duration;

use rand::Rng as _;

/// Doubling from `base` up to `max`, each wait drawn between half of it and the whole.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait after the first failure, before jitter.
    pub base: Duration,
    /// The longest wait, before jitter.
    pub max: Duration,
}

impl Backoff {
    /// The wait after the `attempt`th failure (counted from 1), with jitter.
    #[must_use]
    pub fn after(self, attempt: i16) -> Duration {
        let ceiling = self.ceiling(attempt);
        let half = ceiling / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        half + Duration::from_millis(rand::rng().random_range(0..=spread))
    }

    fn ceiling(self, attempt: i16) -> Duration {
        let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or(0);
        self.base.saturating_mul(1 << doublings).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_and_never_come_in_step() {
        let backoff = Backoff { base: Duration::from_secs(2), max: Duration::from_secs(60) };
        for (attempt, ceiling) in [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (i16::MAX, 60)] {
            let waits: HashSet<Duration> = (0..50).map(|_| backoff.after(attempt)).collect();
            assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(ceiling) / 2
                && *wait <= Duration::from_secs(ceiling)));
            assert!(waits.len() > 25, "jitter spreads the waits of attempt {attempt}");
        }
    }
}
