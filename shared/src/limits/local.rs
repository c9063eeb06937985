//! The count of one process: the moments of what was let through, per bucket and caller.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Subject, Verdict};
use crate::settings::Rate;

/// Callers remembered at most. Whoever has more addresses than that has as many limits as well.
const CALLERS_MAX: usize = 50_000;
/// Fewer are not looked through for those that can be forgotten.
const SWEEP_FROM: usize = 1_024;

pub(super) type Key = (&'static str, Subject);

/// Counts in memory. Moments are given by the caller: time since some beginning.
#[derive(Default)]
pub(super) struct Local(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    windows: HashMap<Key, Window>,
    sweep_at: usize,
}

#[derive(Default)]
struct Window {
    /// When requests were let through, the oldest first.
    passed: VecDeque<Duration>,
    /// From then on nothing in it counts.
    over: Duration,
}

impl Local {
    /// Counts one request at `now`, if the rate allows it.
    pub(super) fn take(&self, key: Key, rate: Rate, now: Duration) -> Verdict {
        let mut counts = self.counts();
        counts.make_room(now);
        counts.windows.entry(key).or_default().take(rate, now)
    }

    /// Forgets a request that was counted at `at`: it was refused elsewhere.
    pub(super) fn give_back(&self, key: &Key, at: Duration) {
        if let Some(window) = self.counts().windows.get_mut(key)
            && let Some(index) = window.passed.iter().rposition(|passed| *passed == at)
        {
            window.passed.remove(index);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // What a panic leaves behind is still a count.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Now and then forgets callers that have been quiet, so that memory follows the load.
    fn make_room(&mut self, now: Duration) {
        if self.windows.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.windows.retain(|_, window| window.over > now);
        // Were it full again soon, every request would pay for a look at all of them.
        if self.windows.len() > CALLERS_MAX / 10 * 9 {
            self.windows.clear();
        }
        self.sweep_at = self.windows.len().saturating_mul(2).min(CALLERS_MAX);
    }
}

impl Window {
    fn take(&mut self, rate: Rate, now: Duration) -> Verdict {
        while self.passed.front().is_some_and(|oldest| oldest.saturating_add(rate.window) <= now) {
            self.passed.pop_front();
        }
        let allowed = self.used() < rate.quota;
        if allowed {
            self.passed.push_back(now);
            self.over = now.saturating_add(rate.window);
        }
        let oldest = self.passed.front().copied().unwrap_or(now);
        let reset = oldest.saturating_add(rate.window).saturating_sub(now);
        Verdict::of(rate, allowed, self.used(), reset)
    }

    fn used(&self) -> u32 {
        u32::try_from(self.passed.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const RATE: Rate = Rate { quota: 3, window: Duration::from_secs(60) };

    fn key(number: u32) -> Key {
        ("test", Subject::behind(IpAddr::V4(Ipv4Addr::from_bits(number))))
    }

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn no_stretch_as_long_as_the_window_lets_more_than_the_quota_through() {
        let local = Local::default();
        // Any pattern: every second is tried one to four times.
        let mut passed: Vec<u64> = Vec::new();
        for second in 0..600 {
            for _ in 0..=second % 4 {
                if local.take(key(1), RATE, seconds(second)).allowed {
                    passed.push(second);
                }
            }
        }
        assert_eq!(passed.len(), 30, "and it lets the whole quota through, again and again");
        for (index, first) in passed.iter().enumerate() {
            let within = passed.iter().skip(index).filter(|at| **at < first + 60).count();
            assert!(within <= 3, "{within} from second {first} on");
        }
    }

    #[test]
    fn a_verdict_says_how_many_are_left_and_until_when() {
        let local = Local::default();
        for (now, allowed, remaining, reset) in [
            (0, true, 2, 60),
            (10, true, 1, 50),
            (20, true, 0, 40),
            (30, false, 0, 30),
            (59, false, 0, 1),
            (60, true, 0, 10),
            (69, false, 0, 1),
            (500, true, 2, 60),
        ] {
            let verdict = local.take(key(1), RATE, seconds(now));
            let meant = Verdict { allowed, rate: RATE, remaining, reset: seconds(reset) };
            assert_eq!(verdict, meant, "at {now}");
        }
    }

    #[test]
    fn callers_and_buckets_do_not_share_a_count_and_refusals_cost_nothing() {
        let local = Local::default();
        for _ in 0..50 {
            local.take(key(1), RATE, seconds(0));
        }
        assert!(local.take(key(2), RATE, seconds(0)).allowed);
        assert!(local.take(("other", key(1).1), RATE, seconds(0)).allowed);
        assert!(local.take(key(1), RATE, seconds(60)).allowed, "47 refusals are not counted");
    }

    #[test]
    fn what_was_refused_elsewhere_is_not_counted_here() {
        let local = Local::default();
        for second in 0..100 {
            assert!(local.take(key(1), RATE, seconds(second)).allowed);
            local.give_back(&key(1), seconds(second));
        }
        local.give_back(&key(9), seconds(0));
    }

    #[test]
    fn memory_follows_the_load() {
        let local = Local::default();
        for number in 0..300_000 {
            local.take(key(number), RATE, Duration::from_millis(u64::from(number)));
            assert!(local.counts().windows.len() <= CALLERS_MAX);
        }
        local.take(key(0), RATE, seconds(10_000));
        for number in 0..u32::try_from(CALLERS_MAX).expect("small") {
            local.take(key(number % 2_000), RATE, seconds(20_000));
        }
        assert!(local.counts().windows.len() <= CALLERS_MAX);
    }

    #[test]
    fn quiet_callers_are_forgotten_before_busy_ones() {
        let local = Local::default();
        for number in 0..1_000 {
            local.take(key(number), RATE, seconds(0));
        }
        for _ in 0..3 {
            local.take(key(5_000), RATE, seconds(100));
        }
        for number in 10_000..10_100 {
            local.take(key(number), RATE, seconds(101));
        }
        assert!(local.counts().windows.len() < 1_000, "those of the beginning are gone");
        assert!(!local.take(key(5_000), RATE, seconds(102)).allowed);
    }
}
