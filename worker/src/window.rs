//! What a dispatcher may still hand out: counted in the table now and then, and in its own books in between.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::lane::{Lane, count};

/// How long a count is trusted: others hand out and take meanwhile.
const TRUSTED_FOR: Duration = Duration::from_millis(100);

/// This worker's share of what is free of a queue's window.
#[derive(Default)]
pub(crate) struct Window {
    /// What was free when it was counted, less what was handed out, and since when.
    counted: Option<(i64, Instant)>,
}

impl Window {
    /// What is free now; none when it must be counted. What this worker has taken meanwhile is free again.
    pub(crate) fn room(&mut self, lane: &Lane) -> Option<i64> {
        let taken = count(lane.taken.swap(0, Ordering::Relaxed));
        let (room, since) = self.counted.take()?;
        if since.elapsed() > TRUSTED_FOR {
            return None;
        }
        let room = room.saturating_add(taken);
        self.counted = Some((room, since));
        Some(room)
    }

    /// So many rows were handed out, of so many that were free.
    pub(crate) fn handed_out(&mut self, rows: usize, room: i64) {
        let since = self.counted.map_or_else(Instant::now, |(_, since)| since);
        self.counted = Some((room.saturating_sub(count(rows)), since));
    }
}
