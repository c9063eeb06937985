//! Where the next scan of due rows begins during one drain.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use shared::ids::JobId;
use shared::jobs::Floor;

/// A row may become visible below the last one taken, when its transaction was slow; after this long a scan begins at
/// the bottom again.
const TRUSTED_FOR: Duration = Duration::from_millis(250);

/// The floor of one drain, and since when it is trusted.
pub(crate) struct Floors {
    floor: Floor,
    since: Instant,
}

impl Default for Floors {
    fn default() -> Self {
        Self { floor: Floor::NONE, since: Instant::now() }
    }
}

impl Floors {
    /// Where to begin now.
    pub(crate) fn floor(&mut self) -> Floor {
        if self.since.elapsed() > TRUSTED_FOR {
            *self = Self::default();
        }
        self.floor
    }

    /// Begins after these rows from now on.
    pub(crate) fn raise(&mut self, taken: impl Iterator<Item = (DateTime<Utc>, JobId)>) {
        if let Some((run_at, id)) = taken.max() {
            self.floor = Floor { run_at, id };
        }
    }

    /// Whether nothing was left out: finding nothing means that there is nothing.
    pub(crate) fn is_low(&self) -> bool {
        self.floor.id == Floor::NONE.id
    }
}
