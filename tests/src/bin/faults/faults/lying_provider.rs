//! 13. People withdraw, and the acquirer fails before or after it paid, or is late or silent. Payme repeats its webhook.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng as _;
use rand::rngs::StdRng;
use sandbox::{Call, Effect, End, Multicard, Order, Reply, Status};
use serde_json::{Value, json};
use tests::{Payme, RedisServer};

use crate::load::{Books, Load, Rates, open};
use crate::oracle::{Expected, Verdict, judge};
use crate::plan::Plan;
use crate::world::{Running, World};

/// Payme's impatience.
const WAYS: usize = 16;
/// Lies of one kind that wait to be told.
const READY: usize = 2;

pub(crate) async fn play(plan: Plan) -> Verdict {
    let redis = RedisServer::start().await;
    let patience = [("MULTICARD_TIMEOUT", plan.pick("700ms", "4s"))];
    let world = Arc::new(World::start_with(plan, "provider", &redis.url(), &patience).await);
    let mut workers = world.workers(&["a", "b"], plan.undying()).await;
    let (orders, withdrawals) = (plan.pick(5, 20), plan.pick(6, 10));
    let load = Load::start(&world, Rates { orders, deposits: 1, sales: 1, withdrawals });
    let mut liar = Liar::new(plan, &world);
    let (mut verdict, ()) = tokio::join!(
        webhooks(plan, &world, &load.books),
        lie_while_a_worker_dies(plan, &world, &mut liar, &mut workers)
    );
    let books = load.stop().await;
    let bound = plan.seconds(40, 120);
    world.settle(bound).await;
    // Questions are lied to as well, until it has told enough.
    for _ in 0..3 {
        liar.lie();
        world.advance("2 minutes").await;
        world.settle(bound).await;
    }
    let lies = liar.stop();

    let refused = true;
    let expected = Expected { crashes: 1, retries: true, refused, ..Expected::nothing(bound) };
    verdict.add(judge(&world, &books, &expected).await);
    verdict.injections += lies + 1;
    findings(&world, lies, &mut verdict).await;
    drop(workers);
    world.finish().await;
    verdict
}

/// In the middle of it a worker is killed: what it did outside is found out under the withdrawal's reference.
async fn lie_while_a_worker_dies(
    plan: Plan,
    world: &World,
    liar: &mut Liar,
    workers: &mut [Running],
) {
    let (began, lasts) = (Instant::now(), plan.seconds(8, 120));
    let mut dies = workers.first_mut();
    while began.elapsed() < lasts {
        liar.lie();
        tokio::time::sleep(Duration::from_millis(40)).await;
        if began.elapsed() > lasts / 2
            && let Some(worker) = dies.take()
        {
            worker.process.kill();
            *worker = world.worker("c", plan.undying());
        }
    }
}

/// What was found out although nobody had said it.
async fn findings(world: &World, lies: u64, verdict: &mut Verdict) {
    let count = async |what: &str| {
        let of =
            "SELECT count(*) FROM withdrawals w JOIN transactions t ON t.id = w.transaction_id";
        world.sql.number(&format!("{of} WHERE {what}")).await
    };
    let (all, refused) = (count("true").await, count("t.status = 'failed'").await);
    let unanswered = count("w.unanswered > 0 AND w.settled_at IS NOT NULL").await;
    verdict.require(unanswered > 0, "the acquirer has answered every payout at once");
    verdict.notes.push(format!(
        "{all} withdrawals, {lies} lies, {unanswered} found out by asking later, {refused} came to nothing and were given back"
    ));
}

/// Multicard, ordered to lie about whatever it is asked next.
struct Liar {
    multicard: Multicard,
    dice: StdRng,
    lies: Vec<Order>,
    ordered: usize,
}

impl Liar {
    fn new(plan: Plan, world: &World) -> Self {
        let late = plan.pick(1_500, 6_000);
        let multicard = world.providers.multicard();
        Self { multicard, dice: plan.dice(), lies: lies(late), ordered: 0 }
    }

    /// Has another lie ready, unless enough of its kind wait to be told.
    fn lie(&mut self) {
        let lie = self.lies[self.dice.random_range(0..self.lies.len())].clone();
        let waiting = self.multicard.orders();
        if waiting.iter().filter(|order| order.on == lie.on).count() < READY {
            self.multicard.order(lie);
            self.ordered += 1;
        }
    }

    /// Tells the truth from now on; says how many lies were told.
    fn stop(&self) -> u64 {
        let untold = self.multicard.orders().len();
        self.multicard.forget_orders();
        u64::try_from(self.ordered - untold).expect("few")
    }
}

/// Every way not to say what was done. Whatever is sent twice is paid twice: nothing but the platform keeps it from that.
fn lies(millis: u64) -> Vec<Order> {
    let paid = Effect::AcceptsDuplicate;
    let ends = |end| Effect::SettlesAfter { asks: 2, end };
    let refusal = Reply::Says { status: Some(Status::Error), amount: None };
    let amount = Reply::Says { status: None, amount: Some(1) };
    let payouts = [
        (Reply::Silence, paid),
        (Reply::Silence, Effect::Nothing),
        (Reply::Silence, ends(End::Success)),
        (Reply::Late { millis }, paid),
        (Reply::Cut, paid),
        (Reply::Cut, Effect::Nothing),
        (Reply::Status(500), paid),
        (Reply::Status(500), Effect::Nothing),
        (Reply::Status(502), ends(End::Error)),
        (Reply::Garbage, paid),
        (Reply::DebitUnknown, ends(End::Success)),
        (Reply::DebitUnknown, Effect::Nothing),
        (refusal, paid),
        (amount.clone(), paid),
        (Reply::Proper, ends(End::Error)),
        (Reply::Proper, paid),
    ];
    let questions = [
        (Call::CreditHistory, Reply::Silence),
        (Call::CreditHistory, Reply::Status(500)),
        (Call::CreditHistory, Reply::Garbage),
        (Call::CreditHistory, amount),
        (Call::GetCredit, Reply::Cut),
        (Call::GetCredit, Reply::Status(503)),
    ];
    let payout = |(reply, effect)| Order::on(Call::CreateCredit).reply(reply).effect(effect);
    let question = |(call, reply)| Order::on(call).reply(reply);
    payouts.into_iter().map(payout).chain(questions.into_iter().map(question)).collect()
}

async fn webhooks(plan: Plan, world: &World, books: &Books) -> Verdict {
    let mut verdict = Verdict::default();
    for _ in 0..plan.pick(4, 40) {
        repeat_webhook(world, books, &mut verdict).await;
    }
    verdict
}

/// One deposit whose payment Payme reports sixteen ways at once, and again.
async fn repeat_webhook(world: &World, books: &Books, verdict: &mut Verdict) {
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
    open(&books.deposited).insert(order);
}
