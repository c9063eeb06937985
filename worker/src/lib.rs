//! Jobs in: hands due rows to workers, runs them, and ends them. PostgreSQL decides; Redis only carries hints.
//!
//! ```text
//!   dispatcher ──{id, generation}──▶ apalis-redis ──▶ intake ──▶ claim ──▶ executor ──▶ settle
//!       ▲  bell, poll                                               ▲
//!       └────────── PostgreSQL ──────── direct (no Redis) ──────────┘
//! ```
//!
//! Beside them: leases are renewed, lost work is rescued, Redis is watched and pruned.

mod apalis;
mod batcher;
mod batches;
mod completion;
mod direct;
mod dispatcher;
mod engine;
mod executor;
mod floors;
mod intake;
mod keeper;
mod lane;
mod quarantine;
mod redis;
mod running;
mod shutdown;
mod window;

pub use engine::{Engine, Probe};
pub use shutdown::{run, until_signal};
