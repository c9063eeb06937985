//! Races at a barrier: rounds, who was in flight at once, which outcomes came, and the proof that the window was hit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Barrier;

/// The variable that says how many rounds every race runs.
pub const ROUNDS_VARIABLE: &str = "WIBE_RACE_ROUNDS";
/// From this many rounds on, every outcome that may come must have come.
const ROUNDS_FOR_ALL_OUTCOMES: u32 = 20;
/// The longest head start of one side.
const TILT_MAX: i32 = 64;

/// Which side of a duel came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    Left,
    Right,
}

/// A race over some rounds. [`Race::end`] fails it when its window was never hit.
///
/// ```ignore
/// let mut race = Race::new("R6 dispute against release", 6);
/// for _ in race.rounds() {
///     let deal = …;
///     let (reply, runs) = race.duel(dispute(&deal), release(&deal)).await;
///     match status(&deal).await.as_str() {
///         "disputed" => race.won(Winner::Left, "disputed"),
///         "confirmed" => race.won(Winner::Right, "released"),
///         other => race.fail(other),
///     }
/// }
/// race.end(&["disputed", "released"]);
/// ```
pub struct Race {
    name: &'static str,
    rounds: u32,
    /// Rounds in which at least two were in flight at once.
    hits: u32,
    runs: u32,
    outcomes: BTreeMap<String, u32>,
    /// Milliseconds the left side waits; negative, the right one does. Follows the winner, so that both come to win.
    tilt: i32,
    step: i32,
    last: Option<Winner>,
}

impl Race {
    /// A race of so many rounds, or of as many as [`ROUNDS_VARIABLE`] says.
    pub fn new(name: &'static str, rounds: u32) -> Self {
        let rounds = std::env::var(ROUNDS_VARIABLE)
            .ok()
            .map_or(rounds, |text| text.parse().expect("a number of rounds"));
        Self {
            name,
            rounds,
            hits: 0,
            runs: 0,
            outcomes: BTreeMap::new(),
            tilt: 0,
            step: 1,
            last: None,
        }
    }

    /// The rounds to run.
    pub fn rounds(&self) -> std::ops::Range<u32> {
        0..self.rounds
    }

    /// Two sides, let go at a barrier; the one that keeps winning waits a little.
    pub async fn duel<A, B>(
        &mut self,
        left: impl Future<Output = A>,
        right: impl Future<Output = B>,
    ) -> (A, B) {
        let (start, flight) = (Barrier::new(2), Flight::default());
        let wait = |milliseconds: i32| {
            Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
        };
        let (left_waits, right_waits) = (wait(self.tilt), wait(-self.tilt));
        let left = async {
            start.wait().await;
            tokio::time::sleep(left_waits).await;
            flight.of(left).await
        };
        let right = async {
            start.wait().await;
            tokio::time::sleep(right_waits).await;
            flight.of(right).await
        };
        let both = tokio::join!(left, right);
        self.ran(&flight);
        both
    }

    /// Many clients, let go at a barrier.
    pub async fn crowd<T, F: Future<Output = T>>(
        &mut self,
        clients: impl IntoIterator<Item = F>,
    ) -> Vec<T> {
        let clients: Vec<F> = clients.into_iter().collect();
        let (start, flight) = (Barrier::new(clients.len()), Flight::default());
        let (start, flight) = (&start, &flight);
        let answers = join_all(clients.into_iter().map(|client| async move {
            start.wait().await;
            flight.of(client).await
        }))
        .await;
        self.ran(flight);
        answers
    }

    fn ran(&mut self, flight: &Flight) {
        self.runs += 1;
        self.hits += u32::from(flight.most.load(Ordering::Relaxed) > 1);
    }

    /// A permitted outcome came.
    pub fn saw(&mut self, outcome: &str) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// A permitted outcome came, and one side made it: the other gets a head start in the next round.
    pub fn won(&mut self, winner: Winner, outcome: &str) {
        self.saw(outcome);
        self.step = if self.last == Some(winner) {
            (self.step * 2).min(TILT_MAX)
        } else {
            (self.step / 2).max(1)
        };
        let direction = if winner == Winner::Left { 1 } else { -1 };
        self.tilt = (self.tilt + direction * self.step).clamp(-TILT_MAX, TILT_MAX);
        self.last = Some(winner);
    }

    /// Fails the race: this must not happen.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        panic!("{}, round {}: {what}; so far {:?}", self.name, self.runs, self.outcomes)
    }

    /// Ends the race: at least a fifth of its rounds hit the window, nothing came that may not come, and over many
    /// rounds everything came that may.
    #[track_caller]
    pub fn end(self, permitted: &[&str]) {
        if self.runs >= ROUNDS_FOR_ALL_OUTCOMES {
            for outcome in permitted {
                let Self { name, outcomes, .. } = &self;
                assert!(
                    outcomes.contains_key(*outcome),
                    "{name}: {outcome} never came: {outcomes:?}"
                );
            }
        }
        self.end_some(permitted);
    }

    /// The same for a race with more outcomes than any number of rounds must show.
    #[track_caller]
    pub fn end_some(self, permitted: &[&str]) {
        let Self { name, runs, hits, outcomes, .. } = self;
        println!("{name}: {runs} rounds, {hits} hit the window, outcomes {outcomes:?}");
        assert!(
            hits > 0 && hits * 5 >= runs,
            "{name}: the window was hit in {hits} of {runs} rounds"
        );
        for outcome in outcomes.keys() {
            assert!(permitted.contains(&outcome.as_str()), "{name}: {outcome} is not permitted");
        }
    }
}

/// Who is in flight, and how many were at most.
#[derive(Default)]
struct Flight {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Flight {
    async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        let result = work.await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        result
    }
}

/// The seed of a random test: `WIBE_SEED`, or a new one; printed, so that a failure can be replayed.
pub fn seed(name: &str) -> u64 {
    let seed = std::env::var("WIBE_SEED")
        .ok()
        .map_or_else(rand::random, |text| text.parse().expect("a seed"));
    println!("{name}: WIBE_SEED={seed}");
    seed
}
