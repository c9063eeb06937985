//! The bank test: many clients move money at random while a reader sums everything. Every reading conserves, nothing is
//! negative, and what was acknowledged is there.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tests::{Acquirer, Click, Payme, Person, Reply, TestApp, seed, sell_body};

const WORKERS: u64 = 16;
const PEOPLE: usize = 4;
/// Operations of one worker, unless `WIBE_BANK_OPERATIONS` says otherwise.
const OPERATIONS: usize = 12;

/// All money in one snapshot: the sum of every entry, of every running balance with the derived accounts, and the
/// smallest running balance.
const SNAPSHOT: &str = "SELECT coalesce((SELECT sum(amount) FROM ledger.entry), 0) || ' ' ||
    (SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE running)
    + coalesce((SELECT sum(e.amount) FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id WHERE NOT a.running), 0)
    || ' ' || (SELECT coalesce(min(balance), 0) FROM ledger.account WHERE running)
    || ' ' || (SELECT count(*) FROM ledger.entry)";

/// A listing that is for sale; the same words twice would be the same listing.
async fn listed(app: &TestApp, seller: &Person, number: usize) -> String {
    let games = app.client.get("games/").await.expect(200);
    let mut body = sell_body(games.text_at("/results/0/id"));
    body["title"] = json!(format!("Account number {number}"));
    let listing = seller.client.post("listings/", body).await.expect(201);
    let id = listing.text_at("/id").to_owned();
    let approve = format!("admin-panel/listings/{id}/approve/");
    app.staff().await.client.post_empty(&approve).await.expect(200);
    id
}

/// What the workers share.
struct Bank {
    payme: Payme,
    click: Click,
    traders: Vec<Person>,
    staff: Vec<Person>,
    listings: Vec<String>,
    deals: Mutex<Vec<String>>,
    /// Acknowledged, in whole UZS.
    deposited: AtomicI64,
    bought: Mutex<Vec<String>>,
    settled: Mutex<Vec<String>>,
    /// Asked for, and taken back.
    withdrawn: Mutex<Vec<String>>,
    taken_back: Mutex<Vec<String>>,
    /// No two withdrawals are alike: the same again would be the same one.
    sums: AtomicI64,
    answered: AtomicUsize,
    refused: AtomicUsize,
}

impl Bank {
    async fn open(app: &TestApp) -> Arc<Self> {
        let (mut traders, mut listings) = (Vec::new(), Vec::new());
        for _ in 0..PEOPLE {
            let trader = app.person("trader").await;
            for number in 0..6 {
                listings.push(listed(app, &trader, number).await);
            }
            traders.push(trader);
        }
        Arc::new(Self {
            payme: app.payme(),
            click: app.click(),
            traders,
            staff: vec![app.staff().await, app.staff().await],
            listings,
            deals: Mutex::default(),
            deposited: AtomicI64::default(),
            bought: Mutex::default(),
            settled: Mutex::default(),
            withdrawn: Mutex::default(),
            taken_back: Mutex::default(),
            sums: AtomicI64::default(),
            answered: AtomicUsize::default(),
            refused: AtomicUsize::default(),
        })
    }

    /// One operation of somebody with something.
    async fn operate(&self, dice: &mut StdRng) {
        let who = &self.traders[dice.random_range(0..self.traders.len())];
        let deal = {
            let deals = self.deals.lock().expect("not poisoned");
            (!deals.is_empty()).then(|| deals[dice.random_range(0..deals.len())].clone())
        };
        match (dice.random_range(0..15), deal) {
            (0 | 1, _) => {
                self.deposit(who, dice.random_range(1..=3) * 50_000, dice.random_bool(0.5)).await;
            }
            (12 | 13, _) => self.withdraw(who, dice.random_range(1..=6) * 10_000).await,
            (14, _) => {
                let waiting = {
                    let withdrawn = self.withdrawn.lock().expect("not poisoned");
                    withdrawn.get(dice.random_range(0..=withdrawn.len())).cloned()
                };
                if let Some(waiting) = waiting {
                    self.take_back(who, &waiting).await;
                }
            }
            (2..=4, _) | (_, None) => {
                let listing = &self.listings[dice.random_range(0..self.listings.len())];
                self.buy(who, listing).await;
            }
            (5, Some(deal)) => self.step(who, &deal, "seller-confirm-trade").await,
            (6, Some(deal)) => self.step(who, &deal, "buyer-confirm").await,
            (7, Some(deal)) => self.step(who, &deal, "release").await,
            (8, Some(deal)) => self.step(who, &deal, "seller-cancel").await,
            (9, Some(deal)) => self.step(who, &deal, "dispute").await,
            (_, Some(deal)) => self.settle(&deal, dice.random_range(0..3)).await,
        }
    }

    async fn deposit(&self, who: &Person, soum: i64, by_click: bool) {
        let method = if by_click { "click" } else { "payme" };
        let body = json!({ "amount": soum, "payment_method": method });
        let deposit = self.count(who.client.post("payments/deposit/", body).await);
        if deposit.status == 201 {
            let order = deposit.text_at("/id");
            if by_click {
                self.click.pay(order, &format!("{soum}.00")).await;
            } else {
                self.payme.pay(order, soum * 100).await;
            }
            self.deposited.fetch_add(soum, Ordering::Relaxed);
        }
    }

    async fn withdraw(&self, who: &Person, soum: i64) {
        let sum = soum + self.sums.fetch_add(1, Ordering::Relaxed);
        let body = Person::withdrawal(sum, "8600533364098829");
        let asked = self.count(who.client.post("payments/withdrawal/create/", body).await);
        if asked.status == 201 {
            self.withdrawn.lock().expect("not poisoned").push(asked.text_at("/id").to_owned());
        }
    }

    async fn take_back(&self, who: &Person, withdrawal: &str) {
        let path = format!("payments/withdrawals/{withdrawal}/cancel/");
        if self.count(who.client.post_empty(&path).await).status == 200 {
            self.taken_back.lock().expect("not poisoned").push(withdrawal.to_owned());
        }
    }

    async fn buy(&self, who: &Person, listing: &str) {
        let body = json!({ "listing_id": listing });
        let bought = self.count(who.client.post("payments/purchase/", body).await);
        if bought.status == 201 {
            let deal = bought.text_at("/id").to_owned();
            self.deals.lock().expect("not poisoned").push(deal.clone());
            self.bought.lock().expect("not poisoned").push(deal);
        }
    }

    async fn step(&self, who: &Person, deal: &str, step: &str) {
        let (path, body) =
            (format!("payments/escrow/{deal}/{step}/"), json!({ "reason": "a test" }));
        let reply = match step {
            "seller-cancel" | "dispute" => who.client.post(&path, body).await,
            _ => who.client.post_empty(&path).await,
        };
        let reply = self.count(reply);
        if reply.status == 200 && matches!(step, "release" | "seller-cancel") {
            self.settled.lock().expect("not poisoned").push(deal.to_owned());
        }
    }

    async fn settle(&self, deal: &str, way: usize) {
        let staff = &self.staff[way % self.staff.len()];
        let (step, body) = [
            ("refund", json!({})),
            ("complete", json!({})),
            ("resolve-dispute", json!({ "winner": "buyer", "refund_amount": "33333.33" })),
        ][way]
            .clone();
        let path = format!("admin-panel/trades/{deal}/{step}/");
        if self.count(staff.client.post(&path, body).await).status == 200 {
            self.settled.lock().expect("not poisoned").push(deal.to_owned());
        }
    }

    /// Whatever is asked, the answer is a success, a refusal, or "come back": never a failure.
    fn count(&self, reply: Reply) -> Reply {
        let fine = reply.status < 500 || (reply.status, reply.code()) == (503, "BUSY");
        assert!(fine, "{} {}", reply.status, reply.text);
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(usize::from(reply.status >= 400), Ordering::Relaxed);
        reply
    }
}

/// Sums everything until told to stop; says how often.
async fn read_all(app: &TestApp, stop: &AtomicBool) -> usize {
    let mut readings = 0;
    while !stop.load(Ordering::Relaxed) {
        let reading = app.database.texts(SNAPSHOT).await.remove(0);
        let parts: Vec<&str> = reading.split(' ').collect();
        let zero = |text: &str| text.chars().all(|c| matches!(c, '0' | '.'));
        assert!(zero(parts[0]) && zero(parts[1]), "money is conserved: {reading}");
        assert!(!parts[2].starts_with('-'), "nothing is negative: {reading}");
        readings += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    readings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_conserved_at_every_moment_of_a_busy_bank() {
    let seed = seed("bank");
    let operations = std::env::var("WIBE_BANK_OPERATIONS")
        .map_or(OPERATIONS, |text| text.parse().expect("a number of operations"));
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[("WITHDRAWAL_HOLD", "0s")]).await;
    let bank = Bank::open(&app).await;
    let stop = AtomicBool::new(false);
    let work = async {
        let workers = (0..WORKERS).map(|worker| {
            let bank = Arc::clone(&bank);
            tokio::spawn(async move {
                let mut dice = StdRng::seed_from_u64(seed.wrapping_add(worker));
                for _ in 0..operations {
                    bank.operate(&mut dice).await;
                }
            })
        });
        let ended = futures::future::join_all(workers).await;
        stop.store(true, Ordering::Relaxed);
        ended
    };
    let (ended, readings) = tokio::join!(work, read_all(&app, &stop));
    for worker in ended {
        worker.expect("no worker failed");
    }
    let (answered, refused) =
        (bank.answered.load(Ordering::Relaxed), bank.refused.load(Ordering::Relaxed));
    println!("bank: {answered} answers, {refused} of them refusals, {readings} readings");
    assert!(readings > 3, "the reader was there");
    assert!(refused < answered, "some operations succeed");
    let cleared = "SELECT -coalesce(sum(e.amount), 0) FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
                   WHERE a.kind = 'provider_clearing'";
    let deposited = bank.deposited.load(Ordering::Relaxed);
    assert_eq!(app.database.number(cleared).await, deposited, "every acknowledged deposit");
    for (name, things) in [
        ("escrow_fund", &bank.bought),
        ("escrow_settle", &bank.settled),
        ("withdraw_hold", &bank.withdrawn),
        ("withdraw_settle", &bank.taken_back),
    ] {
        let things = things.lock().expect("not poisoned").clone();
        println!("bank: {} of {name}", things.len());
        for thing in things {
            let sql = format!("SELECT count(*) FROM ledger.journal WHERE ref = '{name}:{thing}'");
            assert_eq!(app.database.number(&sql).await, 1, "{name} of {thing}");
        }
    }
    app.run_due_jobs().await;
    // What nobody took back is out by now, and Multicard has paid exactly that.
    let paid: i64 = acquirer.multicard.payouts().iter().map(|payout| payout.amount).sum();
    let cleared = app.database.number(cleared).await;
    assert_eq!((deposited - cleared) * 100, paid, "in tiyin");
    let held =
        "SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE kind = 'user_withdrawal_hold'";
    assert_eq!(app.database.number(held).await, 0, "nothing is left on its way");
    app.finish().await;
}
