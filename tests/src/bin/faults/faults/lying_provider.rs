//! 13. A provider that fails before or after it paid, is late or silent; Payme repeats its webhook sixteen ways.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::kinds::{PROVIDER_VARIABLE, Payout};
use tests::{Payme, RedisServer};

use crate::load::{Load, open};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::provider::Provider;
use crate::world::World;

/// Payme's impatience.
const WAYS: usize = 16;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let provider = Provider::start(plan.dice(), plan.seconds(2, 30)).await;
    let world = Arc::new(World::start(plan, "provider", &redis.url()).await);
    let settings = [(PROVIDER_VARIABLE, provider.url.as_str())];
    let mut workers = world.workers(&["a", "b"], &settings).await;
    let load = Load::idle(&world);
    let payouts = plan.pick(40, 400);
    for number in 0..payouts {
        let key = format!("payout-{number}");
        assert!(world.order(&key, &Payout { key: key.clone() }).await, "is recorded");
        open(&load.books.ordered).insert(key);
    }
    let mut verdict = Verdict::default();
    for _ in 0..plan.pick(4, 40) {
        repeat_webhook(&world, &load, &mut verdict).await;
    }
    // In the middle of a call: what it did outside is known by its reference.
    workers[0].process.kill();
    workers[0] = world.worker("c", &settings);
    let bound = plan.seconds(40, 120);
    world.settle(bound).await;
    let books = load.stop().await;

    let expected = Expected { crashes: 1, retries: true, ..Expected::nothing(bound) };
    verdict.add(judge(&world, &books, &expected).await);
    verdict.injections += provider.lies() + 1;
    let paid = provider.paid();
    let twice: Vec<_> = paid.iter().filter(|(_, times)| **times > 1).collect();
    verdict.duplicated += i64::try_from(twice.len()).expect("few");
    verdict.require(twice.is_empty(), format!("paid more than once: {twice:?}"));
    verdict.require(
        paid.len() == payouts && paid.keys().all(|key| open(&books.ordered).contains(key)),
        format!("{} references were paid for {payouts} payouts", paid.len()),
    );
    verdict
        .notes
        .push(format!("{payouts} payouts, {} wrong answers, each paid once", provider.lies()));
    drop(workers);
    world.finish().await;
    verdict
}

/// One deposit whose payment Payme reports sixteen ways at once, and again.
async fn repeat_webhook(world: &World, load: &Load, verdict: &mut Verdict) {
    let body = json!({ "amount": 7_000, "payment_method": "payme" });
    let deposit = world.buyer.client.post("payments/deposit/", body).await.expect(201);
    let (id, order) = (Payme::transaction_id(), deposit.text_at("/id").to_owned());
    let create = json!({ "id": id, "time": Payme::now_ms(), "amount": 700_000, "account": { "order_id": order } });
    assert_eq!(world.payme.call("CreateTransaction", create).await["result"]["state"], 1);
    let mut times = Vec::new();
    for _ in 0..2 {
        let calls = (0..WAYS).map(|_| world.payme.call("PerformTransaction", json!({ "id": id })));
        let answers = tokio::time::timeout(Duration::from_secs(20), join_all(calls)).await;
        for answer in answers.expect("Payme is answered") {
            let busy = answer["error"]["code"] == -32_400;
            verdict.require(
                busy || answer["result"]["state"] == 2,
                format!("Payme is answered {answer}"),
            );
            times.extend(answer.pointer("/result/perform_time").and_then(Value::as_i64));
        }
        verdict.injections += 16;
    }
    times.dedup();
    verdict.require(times.len() == 1, format!("a payment was performed at {times:?}"));
    open(&load.books.deposited).insert(order);
}
