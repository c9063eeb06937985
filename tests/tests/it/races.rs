//! Races over deals and their money, at a barrier: one outcome each, and the window really hit.

use std::pin::Pin;

use serde_json::{Value, json};
use tests::{Payme, Person, Race, Reply, Story, TestApp, Winner};

/// Clients at once.
const CROWD: usize = 16;
/// Rounds, unless told otherwise.
const ROUNDS: u32 = 3;
const PURCHASE: &str = "payments/purchase/";
const PRICE_TIYIN: i64 = 10_000_000;

type Step<'a> = Pin<Box<dyn Future<Output = Option<Reply>> + Send + 'a>>;

async fn status(app: &TestApp, deal: &str) -> String {
    let sql = format!("SELECT status FROM escrows WHERE id = '{deal}'");
    app.database.texts(&sql).await.remove(0)
}

/// How often something was posted under the names of a deal.
async fn postings(app: &TestApp, deal: &str) -> (i64, i64) {
    let count =
        |name: &str| format!("SELECT count(*) FROM ledger.journal WHERE ref = '{name}:{deal}'");
    let funded = app.database.number(&count("escrow_fund")).await;
    (funded, app.database.number(&count("escrow_settle")).await)
}

async fn buyer_with_money(app: &TestApp) -> Person {
    let buyer = app.person("buyer").await;
    app.fund(&buyer, 100_000).await;
    buyer
}

/// A deal that waits for Payme, which has begun: who buys, the deal, the deposit, Payme's id.
async fn reserved(app: &TestApp) -> (Person, String, String) {
    let listing = Story::new(app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let reply = buyer.client.post(PURCHASE, body).await.expect(201);
    let payment = begun(app, reply.text_at("/transaction_id"), PRICE_TIYIN).await;
    (buyer, reply.text_at("/id").to_owned(), payment)
}

/// Payme begins to pay a deposit.
async fn begun(app: &TestApp, order: &str, tiyin: i64) -> String {
    let id = Payme::transaction_id();
    let create = json!({ "id": id, "time": Payme::now_ms(), "amount": tiyin, "account": { "order_id": order } });
    let answer = app.payme().call("CreateTransaction", create).await;
    assert_eq!(answer["result"]["state"], 1, "{answer}");
    id
}

async fn perform(app: &TestApp, payment: &str) -> Value {
    app.payme().call("PerformTransaction", json!({ "id": payment })).await
}

fn post<'a>(person: &'a Person, path: String, body: Value) -> Step<'a> {
    Box::pin(async move { Some(person.client.post(&path, body).await) })
}

fn jobs(app: &TestApp) -> Step<'_> {
    Box::pin(async move {
        app.run_due_jobs().await;
        None
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_one_click_sent_many_times_at_once_is_one_purchase() {
    let app = TestApp::start().await;
    let mut race = Race::new("R1 one click, many times", ROUNDS);
    for _ in race.rounds() {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let buyer = app.person("buyer").await;
        app.fund(&buyer, 150_000).await;
        let body = json!({ "listing_id": listing });
        let clicks = (0..CROWD).map(|_| buyer.client.post(PURCHASE, body.clone()));
        let replies = race.crowd(clicks).await;
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let same = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!((made, same), (1, CROWD - 1), "nobody is refused");
        assert!(replies.iter().all(|reply| reply.at("/id") == replies[0].at("/id")));
        assert_eq!(app.available(&buyer).await, "50000.00");
        assert_eq!(postings(&app, replies[0].text_at("/id")).await, (1, 0));
        race.saw("one deal");
    }
    race.end(&["one deal"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_thirty_two_buyers_race_for_one_listing_and_one_gets_it() {
    let app = TestApp::start().await;
    let mut buyers = Vec::new();
    for _ in 0..32 {
        buyers.push(buyer_with_money(&app).await);
    }
    let mut race = Race::new("R2 many buyers, one listing", ROUNDS);
    for _ in race.rounds() {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let body = json!({ "listing_id": listing, "payment_method": "balance" });
        let attempts = buyers.iter().map(|buyer| buyer.client.post(PURCHASE, body.clone()));
        let replies = race.crowd(attempts).await;
        let won = replies.iter().position(|reply| reply.status == 201).expect("one");
        let lost = replies
            .iter()
            .filter(|reply| (reply.status, reply.code()) == (409, "LISTING_UNAVAILABLE"))
            .count();
        assert_eq!(lost, buyers.len() - 1, "all others hear that it is gone");
        let (winner, deal) = (&buyers[won], replies[won].text_at("/id"));
        let again = race.crowd((0..9).map(|_| winner.client.post(PURCHASE, body.clone()))).await;
        assert!(
            again.iter().all(|reply| reply.status == 200 && reply.text_at("/id") == deal),
            "the winner's clicks are one purchase"
        );
        assert_eq!(app.available(winner).await, "0.00");
        assert_eq!(postings(&app, deal).await, (1, 0));
        buyers.swap_remove(won);
        buyers.push(buyer_with_money(&app).await);
        race.saw("one deal");
    }
    race.end(&["one deal"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_purchase_and_the_end_of_its_listing_have_one_order() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let mut removed = Race::new("R3 purchase against removal", ROUNDS);
    for _ in removed.rounds() {
        let seller = app.person("seller").await;
        let listing = Story::new(&app).listed(&seller).await;
        let buyer = buyer_with_money(&app).await;
        let (path, body) = (format!("listings/{listing}/"), json!({ "listing_id": listing }));
        let remove = seller.client.request(reqwest::Method::DELETE, &path);
        let sides = removed.duel(buyer.client.post(PURCHASE, body), seller.client.send(remove));
        let (bought, gone) = sides.await;
        match (bought.status, gone.status) {
            (201, 409) => removed.won(Winner::Left, "bought"),
            (404 | 409, 200..300) => removed.won(Winner::Right, "removed"),
            other => removed.fail(&format!("{other:?}: {} {}", bought.text, gone.text)),
        }
    }
    removed.end(&["bought", "removed"]);
    let mut blocked = Race::new("R3 purchase against block", ROUNDS);
    for _ in blocked.rounds() {
        let seller = app.person("seller").await;
        let listing = Story::new(&app).listed(&seller).await;
        let buyer = buyer_with_money(&app).await;
        let (path, body) =
            (format!("admin-panel/listings/{listing}/block/"), json!({ "listing_id": listing }));
        let sides =
            blocked.duel(buyer.client.post(PURCHASE, body), staff.client.post_empty(&path)).await;
        match (sides.0.status, sides.1.status) {
            (201, 200) => {
                let deal = sides.0.text_at("/id");
                assert_eq!(status(&app, deal).await, "disputed", "never undone silently");
                blocked.won(Winner::Left, "bought and stopped");
            }
            (404 | 409, 200) => {
                assert_eq!(app.available(&buyer).await, "100000.00");
                blocked.won(Winner::Right, "blocked");
            }
            other => blocked.fail(&format!("{other:?}: {} {}", sides.0.text, sides.1.text)),
        }
    }
    blocked.end(&["bought and stopped", "blocked"]);
    app.run_due_jobs().await;
    app.finish().await;
}

/// Goes to the moment after a window has closed, with nothing else left to do.
async fn at_the_mark(app: &TestApp, hours: u32) {
    app.run_due_jobs().await;
    app.advance(&format!("{hours} hours -30 seconds")).await;
    app.run_due_jobs().await;
    app.advance("31 seconds").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_a_receipt_and_the_timer_that_assumes_it_are_one_step() {
    let app = TestApp::start().await;
    let mut race = Race::new("R5 receipt against its timer", ROUNDS);
    for _ in race.rounds() {
        let deal = Story::new(&app).handed_over().await;
        at_the_mark(&app, 72).await;
        let path = deal.path("buyer-confirm/");
        let confirm = deal.buyer.client.post_empty(&path);
        let (reply, _) = race.duel(confirm, app.run_due_jobs()).await;
        reply.expect(200);
        let sql = format!(
            "SELECT event FROM escrow_status_history WHERE escrow_id = '{}' AND to_status = 'delivered'",
            deal.id
        );
        match app.database.texts(&sql).await.join(" ").as_str() {
            "received" => race.won(Winner::Left, "received"),
            "counted_as_received" => race.won(Winner::Right, "counted"),
            other => race.fail(&format!("not one step: {other}")),
        }
        let timers = app.waiting_jobs::<shared::jobs::kinds::ReleaseEscrowPayment>().await;
        let theirs = timers.iter().filter(|(_, timer)| timer.escrow_id == deal.id).count();
        assert_eq!(theirs, 1, "one timer");
    }
    race.end(&["received", "counted"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_a_dispute_and_a_release_at_the_same_moment_have_one_outcome() {
    let app = TestApp::start().await;
    let mut race = Race::new("R6 dispute against release", ROUNDS * 2);
    for _ in race.rounds() {
        let deal = Story::new(&app).delivered().await;
        at_the_mark(&app, 24).await;
        let complaint = json!({ "reason": "the password does not work" });
        let path = deal.path("dispute/");
        let dispute = deal.buyer.client.post(&path, complaint);
        let (reply, _) = race.duel(dispute, app.run_due_jobs()).await;
        let (now, seller) =
            (status(&app, &deal.id.to_string()).await, app.available(&deal.seller).await);
        match (now.as_str(), reply.status, seller.as_str()) {
            ("disputed", 200, "0.00") => race.won(Winner::Left, "disputed"),
            ("confirmed", 409, "90000.00") => {
                assert_eq!(reply.code(), "INVALID_STATE");
                race.won(Winner::Right, "released");
            }
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end(&["disputed", "released"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r7_staff_and_the_release_settle_a_deal_once() {
    let app = TestApp::start().await;
    let (one, two) = (app.staff().await, app.staff().await);
    let mut race = Race::new("R7 refund against release against a colleague", ROUNDS);
    for round in race.rounds() {
        let deal = Story::new(&app).delivered().await;
        at_the_mark(&app, 24).await;
        let trade = |step: &str| format!("admin-panel/trades/{}/{step}/", deal.id);
        let resolve =
            json!({ "winner": "buyer", "note": "half each", "refund_amount": "50000.00" });
        let mut sides: Vec<Step<'_>> = vec![
            post(&one, trade("refund"), json!({})),
            post(&two, trade("complete"), json!({})),
            post(&one, trade("resolve-dispute"), resolve),
            post(&deal.buyer, deal.path("release/"), json!({})),
            jobs(&app),
        ];
        sides.rotate_left(usize::try_from(round).expect("small") % 5);
        let replies = race.crowd(sides).await;
        let done = replies.iter().flatten().filter(|reply| reply.status == 200).count();
        for reply in replies.iter().flatten().filter(|reply| reply.status != 200) {
            assert_eq!((reply.status, reply.code()), (409, "INVALID_STATE"), "{}", reply.text);
        }
        assert_eq!(postings(&app, &deal.id.to_string()).await, (1, 1), "settled once");
        let shares = (app.available(&deal.buyer).await, app.available(&deal.seller).await);
        match (shares.0.as_str(), shares.1.as_str(), done) {
            ("100000.00", "0.00", 1) => race.saw("refunded"),
            // By the timer, and perhaps the buyer found it done; or by one of those who asked.
            ("0.00", "90000.00", 0 | 1) => race.saw("paid out"),
            ("50000.00", "45000.00", 1) => race.saw("split"),
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end_some(&["refunded", "paid out", "split"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r8_a_hand_over_and_a_late_cancellation_exclude_each_other() {
    let app = TestApp::start().await;
    let mut race = Race::new("R8 hand-over against cancellation", ROUNDS);
    for _ in race.rounds() {
        let deal = Story::new(&app).paid().await;
        app.advance("24 hours 1 second").await;
        let paths = (deal.path("seller-confirm-trade/"), deal.path("buyer-cancel/"));
        let hand_over = deal.seller.client.post_empty(&paths.0);
        let cancel = deal.buyer.client.post_empty(&paths.1);
        let (handed_over, cancelled) = race.duel(hand_over, cancel).await;
        let (now, buyer) =
            (status(&app, &deal.id.to_string()).await, app.available(&deal.buyer).await);
        match (now.as_str(), handed_over.status, cancelled.status, buyer.as_str()) {
            // The buyer may know the password: no refund, staff decide.
            ("disputed", 200, 200, "0.00") => race.won(Winner::Left, "handed over"),
            ("refunded", 409, 200, "100000.00") => race.won(Winner::Right, "cancelled"),
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end(&["handed over", "cancelled"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_webhook_that_comes_many_times_at_once_is_one_posting() {
    let app = TestApp::start().await;
    let mut race = Race::new("R9 one webhook, many times", ROUNDS);
    for _ in race.rounds() {
        let (buyer, deal, payment) = reserved(&app).await;
        let answers = race.crowd((0..CROWD * 2).map(|_| perform(&app, &payment))).await;
        assert_eq!(answers[0]["result"]["state"], 2, "{}", answers[0]);
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
        assert_eq!(postings(&app, &deal).await, (1, 0));
        assert_eq!(
            (status(&app, &deal).await.as_str(), app.available(&buyer).await),
            ("paid", "0.00".to_owned())
        );
        race.saw("one posting");
    }
    race.end(&["one posting"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_money_is_credited_or_the_payment_is_cancelled() {
    let app = TestApp::start().await;
    let payer = app.person("payer").await;
    let mut race = Race::new("R10 perform against cancel", ROUNDS);
    let mut expected = 0;
    for _ in race.rounds() {
        let body = json!({ "amount": 1_000, "payment_method": "payme" });
        let deposit = payer.client.post("payments/deposit/", body).await.expect(201);
        let payment = begun(&app, deposit.text_at("/id"), 100_000).await;
        let payme = app.payme();
        let cancel = payme.call("CancelTransaction", json!({ "id": payment, "reason": 5 }));
        let (performed, cancelled) = race.duel(perform(&app, &payment), cancel).await;
        match (performed["result"]["state"].as_i64(), cancelled["result"]["state"].as_i64()) {
            // Performed, and taken back as a movement of its own.
            (Some(2), Some(-2)) => race.won(Winner::Left, "performed and returned"),
            (None, Some(-1)) => {
                assert_eq!(performed["error"]["code"], -31_008);
                race.won(Winner::Right, "cancelled");
            }
            _ => race.fail(&format!("{performed} {cancelled}")),
        }
        assert_eq!(app.available(&payer).await, "0.00");
    }
    race.end(&["performed and returned", "cancelled"]);
    let mut race = Race::new("R10 perform against expiry", ROUNDS);
    for round in race.rounds() {
        let body = json!({ "amount": 1_000, "payment_method": "payme" });
        let deposit = payer.client.post("payments/deposit/", body).await.expect(201);
        let payment = begun(&app, deposit.text_at("/id"), 100_000).await;
        app.run_due_jobs().await;
        let late = if round % 2 == 0 { "-10 seconds" } else { "11 minutes" };
        app.advance(&format!("12 hours {late}")).await;
        app.enqueue(shared::jobs::kinds::ExpireDeposits::default()).await;
        let (performed, _) = race.duel(perform(&app, &payment), app.run_due_jobs()).await;
        if performed["result"]["state"] == 2 {
            expected += 1_000;
            race.saw("performed");
        } else {
            assert_eq!(performed["error"]["code"], -31_008, "{performed}");
            race.saw("expired");
        }
        assert_eq!(app.available(&payer).await, format!("{expected}.00"));
    }
    race.end(&["performed", "expired"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_two_workers_with_the_same_job_have_one_effect() {
    let app = TestApp::start().await;
    let other = app.engine().await;
    let mut race = Race::new("R12 one timer, two workers and two commands", ROUNDS);
    for round in race.rounds() {
        let deal = Story::new(&app).delivered().await;
        at_the_mark(&app, 24).await;
        let db = &app.app.db;
        if round % 2 == 0 {
            let (_, theirs) = race.duel(app.run_due_jobs(), other.run_due()).await;
            theirs.expect("jobs run");
        } else {
            let release = || db.transaction(async |tx| shared::escrow::release(tx, deal.id).await);
            let (one, two) = race.duel(release(), release()).await;
            let done = [one.expect("runs"), two.expect("runs")]
                .iter()
                .filter(|timed| **timed == shared::Timed::Done)
                .count();
            assert_eq!(done, 1);
        }
        assert_eq!(postings(&app, &deal.id.to_string()).await, (1, 1));
        assert_eq!(app.available(&deal.seller).await, "90000.00");
        race.saw("released once");
    }
    race.end(&["released once"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_money_that_meets_the_end_of_its_reservation_is_never_gone() {
    let app = TestApp::start().await;
    let mut race = Race::new("R17 payment against expiry", ROUNDS * 2);
    for _ in race.rounds() {
        let (buyer, deal, payment) = reserved(&app).await;
        app.run_due_jobs().await;
        app.advance("30 minutes 1 second").await;
        let (performed, _) = race.duel(perform(&app, &payment), app.run_due_jobs()).await;
        assert_eq!(performed["result"]["state"], 2, "{performed}");
        let (now, balance) = (status(&app, &deal).await, app.available(&buyer).await);
        match (now.as_str(), balance.as_str()) {
            ("paid", "0.00") => race.won(Winner::Left, "in the deal"),
            ("cancelled", "100000.00") => race.won(Winner::Right, "on the balance"),
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end(&["in the deal", "on the balance"]);
    app.run_due_jobs().await;
    app.finish().await;
}
