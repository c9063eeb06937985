//! The states of a job, as stored and as operators ask for them.

use crate::text_enum::text_enum;

text_enum! {
    /// The stored state.
    JobState {
        /// Waits for its time, its turn or its next attempt.
        Pending = "pending",
        /// Handed to the transport.
        Dispatched = "dispatched",
        /// A worker has it.
        Running = "running",
        /// Its effect is committed.
        Done = "done",
        /// It will not run again without an operator.
        Dead = "dead",
        /// No longer wanted.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What a list of jobs may be narrowed to: the stored states, and what is pending by why it waits.
    View {
        /// Waits, for whatever reason.
        Pending = "pending",
        /// Pending, and due.
        Ready = "ready",
        /// Pending, and due later.
        Scheduled = "scheduled",
        /// Pending after an attempt that failed.
        Retrying = "retrying",
        /// Handed to the transport.
        Dispatched = "dispatched",
        /// A worker has it.
        Running = "running",
        /// Its effect is committed.
        Done = "done",
        /// It will not run again without an operator.
        Dead = "dead",
        /// No longer wanted.
        Cancelled = "cancelled",
    }
}

impl View {
    /// The condition, with the state as a literal: the partial indexes of `jobs` are by state, and a parameter would hide
    /// it from the planner.
    pub(super) const fn condition(self) -> &'static str {
        match self {
            Self::Pending => "jobs.state = 'pending'",
            Self::Ready => "jobs.state = 'pending' AND jobs.run_at <= app_now()",
            Self::Scheduled => "jobs.state = 'pending' AND jobs.run_at > app_now()",
            Self::Retrying => "jobs.state = 'pending' AND jobs.attempt > 0",
            Self::Dispatched => "jobs.state = 'dispatched'",
            Self::Running => "jobs.state = 'running'",
            Self::Done => "jobs.state = 'done'",
            Self::Dead => "jobs.state = 'dead'",
            Self::Cancelled => "jobs.state = 'cancelled'",
        }
    }
}
