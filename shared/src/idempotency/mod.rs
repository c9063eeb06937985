//! `Idempotency-Key`: a request that is repeated has one effect, and one answer.
//!
//! ```text
//!   BEGIN ── claim the key (waits for whoever holds it, 2 s) ── the work ── keep the answer ── COMMIT
//! ```
//!
//! Only what was committed is kept, and only successes: a failure rolls its key back, so the same request simply runs
//! again. Where the answer needs something from outside (a provider's payment page), the transaction keeps what it made,
//! and the answer is kept when it is known; until then a repeat goes on from there, and makes nothing twice.

mod canonical;
mod claim;
mod forget;
pub mod jobs;
mod once;

pub use claim::{KeyedRequest, Stored, Target};
pub use forget::{count_forgotten, forget};
pub use once::{Keep, Once, keep_later, once, read_made};
