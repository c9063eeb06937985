//! Jobs: how many per second, how soon, and in bad times.
//!
//! Where starts are timed the worker is inside this process; everywhere else it is a process of its own, so that its
//! processor time and its memory are its own too.

pub(crate) mod backlog;
pub(crate) mod burn_down;
mod depth;
pub(crate) mod held;
pub(crate) mod herd;
pub(crate) mod kinds;
pub(crate) mod memory;
pub(crate) mod money;
mod openloop;
pub(crate) mod platform;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod retries;
pub(crate) mod steady;
