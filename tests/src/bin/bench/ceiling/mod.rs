//! Ceilings: what a process of ours really sends is recorded on the wire, and pgbench sends the same.

pub(crate) mod pgbench;
pub(crate) mod script;
mod values;
pub(crate) mod wire;
