//! What a scan of the business tables found: due work without a job, and due work whose job died.

use std::fmt::Display;

use crate::telemetry::metrics;

/// Counts what one scan found, and reports it.
pub(crate) struct Scanned {
    name: &'static str,
    max: usize,
    missing: Seen,
    stuck: Seen,
}

#[derive(Default)]
struct Seen {
    count: usize,
    first: Option<String>,
}

impl Scanned {
    /// A scan by its name, and how many rows it looks at at most.
    pub(crate) fn new(name: &'static str, max: usize) -> Self {
        Self { name, max, missing: Seen::default(), stuck: Seen::default() }
    }

    /// One due row: without a job, or with one that died or was cancelled.
    pub(crate) fn saw(&mut self, id: impl Display, stuck: bool) {
        let seen = if stuck { &mut self.stuck } else { &mut self.missing };
        seen.count += 1;
        seen.first.get_or_insert_with(|| id.to_string());
    }

    /// Finding anything is counted: events should have made it fast.
    pub(crate) fn report(self) {
        let Self { name, max, missing, stuck } = self;
        let found = u64::try_from(missing.count).unwrap_or(u64::MAX);
        metrics::RECONCILER_FOUND.with_label_values(&[name]).inc_by(found);
        metrics::stamp(&metrics::RECONCILER_SUCCESS.with_label_values(&[name]));
        if let Some(first) = &missing.first {
            tracing::warn!(target: "jobs", scan = name, found, first, "due work had no job; it has one now");
        }
        if let Some(first) = &stuck.first {
            tracing::error!(target: "jobs", scan = name, stuck = stuck.count, first, "due work whose job died or was cancelled: an operator must retry it");
        }
        if missing.count + stuck.count == max {
            tracing::warn!(target: "jobs", scan = name, "the scan is full; the rest waits for the next one");
        }
    }
}
