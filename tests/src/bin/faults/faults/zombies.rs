//! 7. Workers freeze in the middle of a release, between claim and effect and just before the commit, and wake up late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::{PROBE_VARIABLE, RedisServer};

use crate::load::{Load, sale};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "zombie", &redis.url()).await);
    let load = Load::idle(&world);
    let mut zombies: Vec<_> = ["after_claim", "before_commit"]
        .into_iter()
        .map(|point| {
            let fault = format!("{point}:1:stop");
            let settings =
                [(PROBE_VARIABLE, &*fault), ("WORKER_QUEUES", "money"), ("JOBS_LEASE", "5s")];
            (point, world.worker(point, &settings))
        })
        .collect();
    for (_, zombie) in &zombies {
        zombie.ready().await;
    }
    // A deal for each: whoever is not frozen yet takes the next one.
    for frozen in 1..=zombies.len() {
        sale(Arc::clone(&world), Arc::clone(&load.books)).await;
        within(Duration::from_secs(20), "a worker freezes in its release", async || {
            zombies.iter().filter(|(_, zombie)| zombie.process.is_stopped()).count() == frozen
        })
        .await;
    }
    let worker = world.workers(&["alive"], &[]).await;
    let paid = world.settle(plan.offered_again_within()).await;
    tokio::time::sleep(plan.seconds(0, 40)).await;

    let mut verdict = Verdict { injections: 2, ..Verdict::default() };
    verdict.notes.push(format!("both sellers were paid {paid:.1?} after the second worker froze"));
    let mut all_refused = 0;
    for (point, zombie) in &mut zombies {
        zombie.process.signal("CONT");
        let mut refused = 0;
        let woke = Instant::now();
        while refused == 0 && woke.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            refused = zombie.metric("job_stale_completion_total", "release_escrow_payment").await;
        }
        verdict
            .notes
            .push(format!("{refused} completions of the worker frozen {point} were refused"));
        all_refused += refused;
        let status = zombie.process.terminate();
        verdict.require(status.success(), format!("the worker frozen {point} left with {status}"));
    }
    // A slow machine may have given one of them both deals; SQL judges that neither was paid twice.
    verdict
        .require((1..=4).contains(&all_refused), format!("{all_refused} completions were refused"));
    let books = load.stop().await;
    // A release may have to wait for the one that the frozen worker holds, longer than a lock is waited for.
    let expected =
        Expected { crashes: 2, retries: true, ..Expected::nothing(plan.seconds(25, 30)) };
    verdict.add(judge(&world, &books, &expected).await);
    verdict.recovered(paid);
    drop(worker);
    world.finish().await;
    verdict
}
