//! 11. Three schedulers tick beside each other, are killed, miss ten minutes of business time, and start again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use scheduler::schedule::{CatchUp, Scheduled, schedule};
use tests::RedisServer;

use crate::load::Books;
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{Running, World};

/// A tick fires within this.
const TICKS_WITHIN: Duration = Duration::from_secs(10);
/// The clock stops here after a full or a half minute: far from the next tick.
const PAST: &str = "5 seconds";

/// Schedule and time of a tick.
type Tick = (String, DateTime<Utc>);

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = World::start(plan, "ticks", &redis.url()).await;
    let told = [&[("WORKER_QUEUES", "money,default,bulk")], plan.undying()].concat();
    let workers = world.workers(&["a"], &told).await;
    let mut calendar = Calendar::default();
    let mut verdict = Verdict::default();

    world.land("30 seconds").await;
    let mut trio = three(&world, "first").await;
    calendar.begin(world.now().await);
    for _ in 0..plan.pick(3, 20) {
        world.land("30 seconds").await;
        verdict.recovered(calendar.passes(&world).await);
    }
    trio.iter_mut().for_each(|scheduler| scheduler.process.kill());
    verdict.injections = 3;
    world.land("10 minutes").await;
    let trio = three(&world, "second").await;
    calendar.forget_unborn(world.now().await);
    verdict.recovered(calendar.passes(&world).await);
    for _ in 0..plan.pick(2, 20) {
        world.land("30 seconds").await;
        verdict.recovered(calendar.passes(&world).await);
    }
    // Whoever would fire a tick twice, or one too many, has time to.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    drop(trio);

    let fired = ticks(&world).await;
    let expected = calendar.expected.clone();
    let missing: Vec<_> = expected.difference(&fired).take(5).collect();
    let surplus: Vec<_> = fired.difference(&expected).take(5).collect();
    verdict.require(missing.is_empty(), format!("did not fire: {missing:?}"));
    verdict.require(surplus.is_empty(), format!("fired by no policy: {surplus:?}"));
    verdict.notes.push(format!(
        "{} ticks of {} schedules, as expected",
        fired.len(),
        schedule().len()
    ));
    let jobs = "SELECT t.schedule FROM cron_ticks t GROUP BY t.schedule
                HAVING count(*) <> (SELECT count(*) FROM jobs j WHERE j.kind = t.schedule)";
    let uneven = world.sql.texts(jobs).await;
    verdict.require(uneven.is_empty(), format!("ticks and jobs differ: {uneven:?}"));
    verdict.add(judge(&world, &Books::default(), &Expected::nothing(TICKS_WITHIN)).await);
    drop(workers);
    world.finish().await;
    verdict
}

/// Three schedulers that have all had their first look: where a schedule that never ticked begins.
async fn three(world: &World, name: &str) -> Vec<Running> {
    let trio: Vec<_> =
        (1..=3).map(|number| world.scheduler(&format!("{name}-{number}"), &[])).collect();
    for scheduler in &trio {
        scheduler.ready().await;
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    trio
}

async fn ticks(world: &World) -> BTreeSet<Tick> {
    let rows = "SELECT schedule || ' ' || to_char(tick_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM cron_ticks";
    let rows = world.sql.texts(rows).await;
    let tick = |row: &String| {
        let (schedule, at) = row.split_once(' ').expect("two words");
        (schedule.to_owned(), at.parse().expect("a time"))
    };
    rows.iter().map(tick).collect()
}

/// Which ticks must have fired by now, worked out from the schedule and what every policy says.
#[derive(Default)]
struct Calendar {
    expected: BTreeSet<Tick>,
    seen: BTreeMap<&'static str, DateTime<Utc>>,
}

impl Calendar {
    fn begin(&mut self, now: DateTime<Utc>) {
        self.seen.extend(schedule().iter().map(|line| (line.name, now)));
    }

    /// Who started again remembers what has ticked; a schedule that never has begins anew.
    fn forget_unborn(&mut self, now: DateTime<Utc>) {
        for (name, seen) in &mut self.seen {
            if !self.expected.iter().any(|(schedule, _)| schedule == name) {
                *seen = now;
            }
        }
    }

    /// The clock was moved: waits until the ticks that it has passed have fired; says how long it took.
    async fn passes(&mut self, world: &World) -> Duration {
        let now = world.now().await;
        for line in schedule() {
            let last = self.seen.insert(line.name, now).expect("has begun");
            self.expected
                .extend(kept(&line, last, now).into_iter().map(|at| (line.name.to_owned(), at)));
        }
        let started = Instant::now();
        let mut missing = self.expected.clone();
        while !missing.is_empty() {
            assert!(started.elapsed() < TICKS_WITHIN, "by {now} did not fire: {missing:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            let fired = ticks(world).await;
            missing.retain(|tick| !fired.contains(tick));
        }
        let took = started.elapsed();
        // The next tick of a kind is another job only when this one is done.
        world.settle(TICKS_WITHIN).await;
        took
    }
}

/// What a policy keeps of the ticks between two moments.
fn kept(line: &Scheduled, last: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let passed: Vec<_> = line.cron.after(&last).take_while(|at| *at <= now).collect();
    let next = line.cron.after(&now).next();
    let keep = match line.catch_up {
        // The last one, while the next is not nearer than one distance away from it.
        CatchUp::Skip => usize::from(
            passed.last().zip(next).is_some_and(|(last, next)| now - *last < next - *last),
        ),
        CatchUp::Once => 1,
        CatchUp::All(most) => most,
    };
    let skipped = passed.len().saturating_sub(keep);
    passed.into_iter().skip(skipped).collect()
}

impl World {
    /// Moves business time past the next multiple of this interval.
    async fn land(&self, interval: &str) {
        self.sql.execute(&format!(
            "UPDATE app_clock SET shift = shift +
             (date_bin('30 seconds', app_now(), '2000-01-01T00:00:00Z') + interval '{interval}' + interval '{PAST}' - app_now())"
        ))
        .await;
    }

    /// Business time.
    async fn now(&self) -> DateTime<Utc> {
        self.app.db.transaction(async |tx| Ok(tx.now())).await.expect("answers")
    }
}
