//! Payment methods as staff see and change them.

mod change;
mod config;
mod list;

pub use change::{MethodChange, change_method};
pub use list::{ManagedMethod, all_methods};
