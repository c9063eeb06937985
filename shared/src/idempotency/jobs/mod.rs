//! The kinds of job about idempotency keys.

mod prune_idempotency_keys;

pub use prune_idempotency_keys::PruneIdempotencyKeys;
