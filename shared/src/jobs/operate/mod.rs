//! What operators do to jobs: the admin API and `wibe jobs` call the same commands.
//!
//! A command says whether it did anything, writes who did it and why, and refuses with a hint what to press instead.
//! None of them waits for a run: an effect holds its job's row until it commits.

mod cancel;
mod dead;
mod discard;
mod drain;
mod inspect;
mod kinds;
mod list;
mod mask;
mod next;
mod operator;
mod pause;
mod queues;
mod retry;
mod retry_dead;
mod row;
mod snooze;
mod state;
mod view;
mod workers;

pub use cancel::cancel;
pub use dead::{Dead, Mass};
pub use discard::{discard, discard_dead};
pub use drain::drain;
pub use inspect::{Attempt, Inspection, StopRequest, inspect};
pub use kinds::{KindRules, KindView, kinds};
pub use list::{COUNTED, Filter, Order, list};
pub use next::Next;
pub use operator::Operator;
pub use pause::{pause, resume};
pub use queues::{Depth, Pause, QueueView, queue, queues};
pub use retry::retry;
pub use retry_dead::retry_dead;
pub use snooze::{SNOOZE_MAX, Wake, snooze};
pub use state::{JobState, View};
pub use view::JobView;
pub use workers::{WorkerQueue, WorkerView, worker, workers};
