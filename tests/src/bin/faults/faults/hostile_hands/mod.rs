//! 15. Hostile hands: the table of jobs is emptied, operators press every button, and what the platform lives on runs out.

mod exhausted;
mod operators;
mod truncated;

use crate::oracle::Verdict;
use crate::plan::Plan;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let (mut truncated, operated, exhausted) =
        futures::join!(truncated::play(plan), operators::play(plan), exhausted::play(plan));
    truncated.add(operated);
    truncated.add(exhausted);
    truncated
}
