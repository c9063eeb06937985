//! What a process says about itself: logs, metrics, and the id that ties a request to its jobs.

mod gauges;
pub mod health;
pub mod internal;
mod logging;
pub mod metrics;
pub mod trace;
pub mod zeros;

pub use logging::init_logging;
