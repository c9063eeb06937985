//! No connection of the database is free, Redis has no memory, Redis has no disk.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures::future::join_all;
use tests::RedisServer;

use crate::load::{Load, Rates};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{World, within};

/// Connections that somebody else holds and does not use.
const IDLE: usize = 200;
/// What is left for the whole platform.
const LEFT: usize = 2;
const RECOVERED_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let world = Arc::new(World::start(plan, "exhausted", &redis.url()).await);
    let workers = world.workers(&["a", "b"], plan.undying()).await;
    let load = Load::start(&world, Rates::steady(plan.full));
    let mut verdict = Verdict { injections: 3, ..Verdict::default() };
    let length = plan.seconds(2, 30);

    let idle = occupy(&world).await;
    tokio::time::sleep(length).await;
    drop(idle);
    limit(&world, -1).await;
    let recovered = works_again(&world, "connections").await;
    verdict
        .notes
        .push(format!("worked again {recovered:.1?} after its connections were given back"));
    verdict.require(recovered <= RECOVERED_WITHIN, "the pools did not recover in time");

    redis.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    verdict.recovered(world.starts_again(plan.seconds(10, 25), "no-memory").await);
    tokio::time::sleep(length).await;
    redis.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    verdict.recovered(world.starts_again(plan.seconds(10, 25), "memory").await);

    redis.fill_disk().await;
    verdict.recovered(world.starts_again(plan.seconds(10, 25), "no-disk").await);
    tokio::time::sleep(length).await;
    redis.clear_disk().await;
    verdict.recovered(world.starts_again(plan.seconds(10, 25), "disk").await);

    let books = load.stop().await;
    world.settle(plan.offered_again_within()).await;
    let expected =
        Expected { crashes: 1, retries: true, ..Expected::nothing(plan.offered_again_within()) };
    verdict.add(judge(&world, &books, &expected).await);
    drop(workers);
    world.finish().await;
    verdict
}

/// Holds connections, leaves next to none, and takes away those that the platform has.
async fn occupy(world: &World) -> Vec<AsyncPgConnection> {
    let url = format!("{}?application_name=idle", world.database.app_url());
    let idle = join_all((0..IDLE).map(|_| AsyncPgConnection::establish(&url))).await;
    let idle = idle.into_iter().map(|conn| conn.expect("connects")).collect();
    limit(world, i64::try_from(IDLE + LEFT).expect("few")).await;
    let take = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = 'wibe_app' AND application_name <> 'idle'";
    world.database.admin_here().await.batch_execute(take).await.expect("takes connections");
    idle
}

async fn limit(world: &World, connections: i64) {
    let name = &world.database.name;
    let limit = format!("ALTER DATABASE {name} CONNECTION LIMIT {connections}");
    world.database.admin().await.batch_execute(&limit).await.expect("limits");
}

async fn works_again(world: &World, key: &str) -> Duration {
    let answered = within(RECOVERED_WITHIN, "requests are answered again", async || {
        let balance = world.buyer.client.request(reqwest::Method::GET, "payments/balance/");
        world.buyer.client.try_send(balance).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    answered + world.starts_again(RECOVERED_WITHIN, key).await
}
