//! Business load: orders whose jobs leave marks, deposits through Payme, sales whose releases come due, and withdrawals to
//! a card; and the books of what the load was told.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shared::Money;
use shared::testing::NewListing;
use tests::kinds::{Coin, Mark};
use tests::{Payme, Person, Reply};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// Whoever asks the API does not give up sooner.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait before a client asks again.
const AGAIN_AFTER: Duration = Duration::from_millis(150);
/// An earlier request under the same key, whose answer was lost, is still at work.
const STILL_AT_IT: &str = "IDEMPOTENCY_IN_PROGRESS";
/// What every sold account costs, whole UZS.
const PRICE: i64 = 100_000;
/// The least that is withdrawn, whole UZS. Every withdrawal is of another amount: the same twice at once is one.
const LEAST: i64 = 10_000;
/// The acquirer's own card for tests.
const CARD: &str = sandbox::SANDBOX_UZCARD;

/// How much is done per second.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) orders: u32,
    pub(crate) deposits: u32,
    pub(crate) sales: u32,
    pub(crate) withdrawals: u32,
}

impl Rates {
    /// What two shared cores bear five times beside each other, and more in a full run.
    pub(crate) fn steady(full: bool) -> Self {
        if full {
            Self { orders: 60, deposits: 10, sales: 3, withdrawals: 3 }
        } else {
            Self { orders: 16, deposits: 2, sales: 1, withdrawals: 1 }
        }
    }
}

/// What the load was told. An answer that never came is in nobody's books.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) ordered: Mutex<BTreeSet<String>>,
    /// Deposits that Payme was told are performed.
    pub(crate) deposited: Mutex<BTreeSet<String>>,
    /// Deals whose receipt was confirmed.
    pub(crate) sold: Mutex<BTreeSet<String>>,
    /// Withdrawals that were taken on.
    pub(crate) withdrawn: Mutex<BTreeSet<String>>,
    /// Every request, its answer (0 is none) and how long it took.
    pub(crate) requests: Mutex<Vec<Request>>,
    next: AtomicI64,
}

/// One request.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

/// The books are complete lines, whoever panicked while writing the next one.
pub(crate) fn open<T>(book: &Mutex<T>) -> MutexGuard<'_, T> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    /// The 99th percentile of the requests between two moments.
    pub(crate) fn p99(&self, from: Instant, to: Instant) -> Duration {
        let mut took: Vec<_> = open(&self.requests)
            .iter()
            .filter(|request| (from..to).contains(&request.at))
            .map(|request| request.took)
            .collect();
        took.sort();
        took.get(took.len() * 99 / 100).or(took.last()).copied().unwrap_or_default()
    }

    /// A number that nothing else of this load has.
    pub(crate) fn number(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Load that goes on until it is stopped.
pub(crate) struct Load {
    world: Arc<World>,
    pub(crate) books: Arc<Books>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts all kinds of load.
    pub(crate) fn start(world: &Arc<World>, rates: Rates) -> Self {
        let mut load = Self::idle(world);
        load.repeat(rates.orders, order);
        load.repeat(rates.deposits, deposit);
        load.repeat(rates.sales, sale);
        load.repeat(rates.withdrawals, withdrawal);
        load
    }

    /// Books without load yet.
    pub(crate) fn idle(world: &Arc<World>) -> Self {
        Self {
            world: Arc::clone(world),
            books: Arc::default(),
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Does `work` this often per second, one after the other, until the load is stopped.
    pub(crate) fn repeat<Fut>(&mut self, rate: u32, work: fn(Arc<World>, Arc<Books>) -> Fut)
    where
        Fut: Future<Output = ()> + 'static,
    {
        if rate == 0 {
            return;
        }
        let (world, books) = (Arc::clone(&self.world), Arc::clone(&self.books));
        let (stop, mut pace) =
            (self.stop.clone(), tokio::time::interval(Duration::from_secs(1) / rate));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.tasks.spawn_local(async move {
            while !stop.is_cancelled() {
                pace.tick().await;
                work(Arc::clone(&world), Arc::clone(&books)).await;
            }
        });
    }

    /// Finishes what it is in the middle of, and returns the books.
    pub(crate) async fn stop(mut self) -> Arc<Books> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        self.books
    }
}

/// An order, of money or of anything.
async fn order(world: Arc<World>, books: Arc<Books>) {
    let number = books.number();
    if number % 3 != 0 {
        return mark(world, books).await;
    }
    let key = format!("coin-{number}");
    if world.order(&key, &Coin { key: key.clone() }).await {
        open(&books.ordered).insert(key);
    }
}

/// An order of a mark.
pub(crate) async fn mark(world: Arc<World>, books: Arc<Books>) {
    let key = format!("mark-{}", books.number());
    if world.order(&key, &Mark { key: key.clone(), takes_ms: 0 }).await {
        open(&books.ordered).insert(key);
    }
}

/// A deposit of the buyer's, as Payme performs it.
pub(crate) async fn deposit(world: Arc<World>, books: Arc<Books>) {
    pay_in(&world, &books, 5_000).await;
}

/// A sale, up to the receipt: the release is due a moment later.
pub(crate) async fn sale(world: Arc<World>, books: Arc<Books>) {
    let listing = insist("a listing", async || {
        let inserted = world.app.db.transaction(async |tx| {
            let listing = NewListing::of(world.seller.id).price(Money::from_soum(PRICE));
            listing.insert(tx, &world.app.vault).await
        });
        inserted.await.ok()
    })
    .await;
    pay_in(&world, &books, PRICE).await;
    let body = json!({ "listing_id": listing.id });
    let deal =
        answer(&books, "a purchase", || post(&world.buyer, "payments/purchase/", &body)).await;
    let deal = deal.text_at("/id").to_owned();
    let step = |action: &str| format!("payments/escrow/{deal}/{action}");
    let (hand_over, receive) = (step("seller-confirm-trade/"), step("buyer-confirm/"));
    answer(&books, "a hand-over", || post(&world.seller, &hand_over, &Value::Null)).await;
    answer(&books, "a receipt", || post(&world.buyer, &receive, &Value::Null)).await;
    open(&books.sold).insert(deal);
}

/// A withdrawal of what the buyer has just paid in.
async fn withdrawal(world: Arc<World>, books: Arc<Books>) {
    let number = books.number();
    let soum = LEAST + number;
    pay_in(&world, &books, soum).await;
    let (body, key) = (Person::withdrawal(soum, CARD), format!("withdrawal-{number}"));
    let asked = answer(&books, "a withdrawal", || {
        let (person, request) = post(&world.buyer, "payments/withdrawal/create/", &body);
        (person, request.header("Idempotency-Key", &key))
    })
    .await;
    open(&books.withdrawn).insert(asked.text_at("/id").to_owned());
}

/// Begins a deposit and pays it, until Payme was told that it is performed.
async fn pay_in(world: &World, books: &Books, soum: i64) {
    let body = json!({ "amount": soum, "payment_method": "payme" });
    let begun = answer(books, "a deposit", || post(&world.buyer, "payments/deposit/", &body)).await;
    let order = begun.text_at("/id").to_owned();
    let id = Payme::transaction_id();
    let create = json!({ "id": id, "time": Payme::now_ms(), "amount": soum * 100, "account": { "order_id": order } });
    rpc(world, books, "CreateTransaction", &create).await;
    rpc(world, books, "PerformTransaction", &json!({ "id": id })).await;
    open(&books.deposited).insert(order);
}

/// Payme repeats a call until it is answered with a result.
async fn rpc(world: &World, books: &Books, method: &str, params: &Value) {
    let request = || world.payme.request(method, params);
    insist(method, async || {
        let reply = send(books, &world.buyer, request()).await?;
        let state = reply.json.pointer("/result/state").and_then(Value::as_i64)?;
        (state == 1 || state == 2).then_some(())
    })
    .await;
}

/// Asks until the API answers with success, as the UI's user would.
async fn answer(
    books: &Books,
    what: &str,
    request: impl Fn() -> (Person, RequestBuilder),
) -> Reply {
    insist(what, async || {
        let (person, request) = request();
        let reply = send(books, &person, request).await?;
        assert!(
            reply.status < 300 || reply.status == 503 || reply.text.contains(STILL_AT_IT),
            "{what} is refused with {}: {}",
            reply.status,
            reply.text
        );
        (reply.status < 300).then_some(reply)
    })
    .await
}

fn post(person: &Person, path: &str, body: &Value) -> (Person, RequestBuilder) {
    let request = person.client.request(Method::POST, path);
    let request = if body.is_null() { request } else { request.json(body) };
    (person.clone(), request)
}

/// Sends a request and notes what came of it.
async fn send(books: &Books, person: &Person, request: RequestBuilder) -> Option<Reply> {
    let at = Instant::now();
    let reply = person.client.try_send(request).await.ok();
    let status = reply.as_ref().map_or(0, |reply| reply.status);
    open(&books.requests).push(Request { at, status, took: at.elapsed() });
    reply
}

/// Asks again and again, for a minute.
async fn insist<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what} was not answered in {PATIENCE:?}");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// How often each status was answered in a stretch of time, for the notes.
pub(crate) fn statuses(requests: &[Request]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        *counts.entry(request.status).or_default() += 1;
    }
    counts
}
