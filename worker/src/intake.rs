//! The intake of one lane: hints wait here until there are slots, and those that find some are claimed together.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use shared::error::Result;
use shared::ids::JobId;
use shared::jobs::{self, Claimed};
use shared::telemetry::metrics;
use tokio::sync::{mpsc, oneshot};

use crate::direct::free_slots;
use crate::engine::Engine;
use crate::lane::{Lane, millis};

/// What one message speaks of: jobs, each with the hand-out it means.
pub(crate) type Hints = Vec<(JobId, i32)>;

/// Hints on their way, and who waits until all of them have been looked at.
pub(crate) struct Arrived {
    pub(crate) hints: Hints,
    pub(crate) taken: oneshot::Sender<()>,
}

/// Hints that wait for slots, oldest first, with the messages that end with them.
#[derive(Default)]
struct Waiting {
    hints: VecDeque<(JobId, i32)>,
    /// How many hints must be taken before this message is: counted from the first that waits.
    messages: VecDeque<(usize, oneshot::Sender<()>)>,
}

/// Starts what the hints speak of, as slots come free.
pub(crate) async fn run(
    engine: Arc<Engine>,
    lane: Arc<Lane>,
    mut arrivals: mpsc::Receiver<Arrived>,
) {
    let mut waiting = Waiting::default();
    loop {
        if waiting.hints.is_empty() {
            tokio::select! {
                () = engine.draining.cancelled() => break,
                arrived = arrivals.recv() => match arrived {
                    Some(arrived) => waiting.add(arrived),
                    None => break,
                },
            }
        }
        let slots = tokio::select! {
            () = engine.draining.cancelled() => break,
            slots = free_slots(&lane) => slots,
        };
        while waiting.hints.len() < slots.len()
            && let Ok(arrived) = arrivals.try_recv()
        {
            waiting.add(arrived);
        }
        let hints = waiting.take(slots.len());
        let mut claimed = claim(&engine, &lane, &hints).await;
        for ((job, _), slot) in hints.iter().zip(slots) {
            match claimed.remove(job) {
                Some(job) => engine.start(job, slot),
                None => metrics::JOB_STALE_DELIVERY.with_label_values(&[lane.queue.as_str()]).inc(),
            }
        }
        // The window has room again, and so has the transport.
        lane.taken.fetch_add(hints.len(), Ordering::Relaxed);
        lane.bell.notify_one();
        lane.fetch.notify_one();
    }
    arrivals.close();
    while let Some(arrived) = arrivals.recv().await {
        waiting.add(arrived);
    }
    waiting.hints.into_iter().for_each(|(job, generation)| lane.leave(job, generation));
}

impl Waiting {
    fn add(&mut self, arrived: Arrived) {
        self.hints.extend(arrived.hints);
        self.messages.push_back((self.hints.len(), arrived.taken));
    }

    /// The first hints, at most `limit`; whoever waited for the last of them is told when they are dropped.
    fn take(&mut self, limit: usize) -> Hints {
        let hints: Hints = self.hints.drain(..limit.min(self.hints.len())).collect();
        for (ends_with, _) in &mut self.messages {
            *ends_with = ends_with.saturating_sub(hints.len());
        }
        while self.messages.front().is_some_and(|(ends_with, _)| *ends_with == 0) {
            self.messages.pop_front();
        }
        hints
    }
}

/// Claims the rows of a group of hints, by their ids. What a worker of a newer release has handed out and this one does
/// not know is given back at once: its attempt does not count.
async fn claim(engine: &Engine, lane: &Lane, hints: &Hints) -> HashMap<JobId, Claimed> {
    (engine.probe)("before_claim");
    match rows_of(engine, lane, hints).await {
        Ok(rows) => {
            if !rows.is_empty() {
                (engine.probe)("after_claim");
            }
            rows.into_iter().map(|row| (row.id, row)).collect()
        }
        Err(error) => {
            // The rows stay dispatched and are offered again.
            tracing::warn!(target: "jobs", error = error.causes(), "claims failed");
            HashMap::new()
        }
    }
}

async fn rows_of(engine: &Engine, lane: &Lane, hints: &Hints) -> Result<Vec<Claimed>> {
    let conn = &mut engine.app.db.read().await?;
    let lease = millis(engine.app.settings.jobs.lease);
    let rows = jobs::claim_dispatched(conn, hints, &engine.name, lease).await?;
    let (ours, foreign): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| lane.kinds.contains(&row.kind.as_str()));
    for job in &foreign {
        jobs::hand_back(conn, job).await?;
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{Arrived, Waiting};

    #[test]
    fn a_message_is_taken_with_the_last_of_its_hints_and_not_before() {
        let mut waiting = Waiting::default();
        let mut ends = Vec::new();
        for hints in [vec![(1, 1)], vec![(2, 1), (3, 1), (4, 1)], vec![(5, 1)], vec![]] {
            let (taken, end) = oneshot::channel();
            waiting.add(Arrived { hints, taken });
            ends.push(end);
        }
        let mut open = || {
            ends.iter_mut()
                .filter_map(|end| {
                    matches!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty)).then_some(())
                })
                .count()
        };
        for (limit, taken, still_open) in [
            (2, vec![(1, 1), (2, 1)], 3),
            (1, vec![(3, 1)], 3),
            (1, vec![(4, 1)], 2),
            (9, vec![(5, 1)], 0),
        ] {
            assert_eq!(waiting.take(limit), taken);
            assert_eq!(open(), still_open);
        }
    }
}
