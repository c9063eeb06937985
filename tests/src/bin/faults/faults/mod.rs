//! The fifteen.

mod backlog;
mod clock_skew;
mod duplicates;
mod hostile_hands;
mod kill_at_points;
mod kill_at_random;
mod lost_postgres;
mod lying_provider;
mod old_dump;
mod poison;
mod rolling_restarts;
mod schedulers;
mod stopped_redis;
mod wiped_redis;
mod zombies;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::oracle::Verdict;
use crate::plan::Plan;

/// One fault: its number in the design, its name, and how it is played.
pub(crate) struct Fault {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    /// Whether it measures how quick the platform is, and wants the machine for itself.
    pub(crate) alone: bool,
    pub(crate) play: fn(Plan) -> LocalBoxFuture<'static, Verdict>,
}

macro_rules! faults {
    ($($number:literal $name:literal $module:ident $($alone:ident)?;)+) => {
        /// All of them, those that take longest first.
        pub(crate) fn all() -> Vec<Fault> {
            vec![$(Fault {
                number: $number,
                name: $name,
                alone: [$(stringify!($alone))?].contains(&"alone"),
                play: |plan| $module::play(plan).boxed_local(),
            }),+]
        }
    };
}

faults! {
    6 "a deep backlog" backlog alone;
    8 "PostgreSQL crashes" lost_postgres;
    2 "workers killed at named points" kill_at_points;
    1 "workers killed at random" kill_at_random;
    12 "poison" poison;
    15 "hostile hands" hostile_hands;
    7 "workers that wake up late" zombies;
    10 "clocks two hours off" clock_skew;
    13 "a provider that lies" lying_provider;
    14 "rolling restarts of two releases" rolling_restarts;
    5 "Redis restored from an old dump" old_dump;
    11 "three schedulers miss ten minutes" schedulers;
    4 "Redis stopped, back empty" stopped_redis;
    3 "Redis wiped" wiped_redis;
    9 "every message three times" duplicates;
}
