//! What staff do to people's money: corrections by one or two people, returned deposits, frozen balances.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Person, Story, TestApp};

fn adjust(person: &Person) -> String {
    format!("admin-panel/users/{}/adjust-balance/", person.id)
}

fn body(amount: &str, reason: &str) -> Value {
    json!({ "amount": amount, "reason": reason, "reference": "case 7" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_correction_is_posted_at_once_and_shows_in_the_history() {
    let app = TestApp::start().await;
    let (person, staff) = (app.person("corrected").await, app.staff().await);
    let given =
        staff.client.post(&adjust(&person), body("5000.00", "double charge")).await.expect(201);
    assert_eq!((given.text_at("/status"), given.text_at("/amount")), ("approved", "5000.00"));
    let taken =
        staff.client.post(&adjust(&person), body("-2000.50", "paid in error")).await.expect(201);
    assert_eq!(taken.text_at("/amount"), "-2000.50");
    assert_eq!(app.available(&person).await, "2999.50");
    let history = person.client.get("payments/transactions/?ordering=amount").await.expect(200);
    for (row, kind, amount) in [(0, "commission", "2000.50"), (1, "refund", "5000.00")] {
        let at = |field: &str| history.text_at(&format!("/results/{row}/{field}")).to_owned();
        assert_eq!(
            (at("type"), at("amount"), at("description")),
            (kind.into(), amount.into(), "Correction case 7".into())
        );
    }
    let over = staff.client.post(&adjust(&person), body("-3000.00", "too much")).await;
    over.expect_error(402, "INSUFFICIENT_FUNDS");
    assert_eq!(app.available(&person).await, "2999.50");
    let actions = "SELECT action FROM audit_log WHERE object_type = 'adjustment' ORDER BY id";
    assert_eq!(app.database.texts(actions).await, ["adjustment.approve", "adjustment.approve"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_correction_needs_a_second_person_and_is_posted_once() {
    let app = TestApp::start_with(&[("ADJUSTMENT_REVIEW_ABOVE", "10000.00")]).await;
    let person = app.person("corrected").await;
    let (one, two, three) = (app.staff().await, app.staff().await, app.staff().await);
    let proposed =
        one.client.post(&adjust(&person), body("10000.01", "goodwill")).await.expect(201);
    assert_eq!(
        (proposed.text_at("/status"), proposed.at("/needs_review")),
        ("proposed", &json!(true))
    );
    assert_eq!(app.available(&person).await, "0.00");
    let path = |verb: &str| format!("admin-panel/adjustments/{}/{verb}/", proposed.text_at("/id"));
    for _ in 0..2 {
        let same = one.client.post_empty(&path("approve")).await;
        same.expect_error(403, "PERMISSION_DENIED");
    }
    person.client.post_empty(&path("approve")).await.expect_error(403, "PERMISSION_DENIED");
    let approve = path("approve");
    let at_once = [&two, &three, &two, &three, &two, &three, &two, &three, &two];
    let replies = join_all(at_once.map(|staff| staff.client.post_empty(&approve))).await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(done == 4 || done == 5, "the first of two, and its repeats: {done}");
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.code() == "INVALID_STATE"));
    assert_eq!(app.available(&person).await, "10000.01");
    two.client.post_empty(&path("reject")).await.expect_error(409, "INVALID_STATE");

    let dropped = one.client.post(&adjust(&person), body("20000.00", "a slip")).await.expect(201);
    let path = format!("admin-panel/adjustments/{}/", dropped.text_at("/id"));
    one.client.post(&format!("{path}reject/"), json!({ "note": "typo" })).await.expect(200);
    two.client.post_empty(&format!("{path}approve/")).await.expect_error(409, "INVALID_STATE");
    assert_eq!(two.client.get(&path).await.expect(200).text_at("/decision_note"), "typo");
    let open = two.client.get("admin-panel/adjustments/?status=proposed").await.expect(200);
    assert_eq!(open.at("/count"), 0);
    assert_eq!(app.available(&person).await, "10000.01");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_corrections_are_a_large_one_even_at_once() {
    let app = TestApp::start_with(&[("ADJUSTMENT_REVIEW_ABOVE", "10000.00")]).await;
    let (person, staff) = (app.person("corrected").await, app.staff().await);
    let path = adjust(&person);
    let slices = (0..8).map(|slice| {
        let reason = format!("slice {slice}");
        staff.client.post(&path, body("3000.00", &reason))
    });
    let slices = join_all(slices.collect::<Vec<_>>()).await;
    let posted = slices.iter().filter(|reply| reply.text_at("/status") == "approved").count();
    assert_eq!(
        (posted, slices.len()),
        (3, 8),
        "9,000.00 by one person, and no tiyin above the limit"
    );
    assert_eq!(app.available(&person).await, "9000.00");
    app.advance("24 hours 1 second").await;
    let later = staff.client.post(&path, body("3000.00", "another day")).await.expect(201);
    assert_eq!(later.text_at("/status"), "approved");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_corrects_freezes_or_refunds_themselves_and_nonsense_is_refused() {
    let app = TestApp::start().await;
    let (staff, person) = (app.staff().await, app.person("person").await);
    staff
        .client
        .post(&adjust(&staff), body("1.00", "mine"))
        .await
        .expect_error(403, "PERMISSION_DENIED");
    let freeze = |person: &Person| format!("admin-panel/users/{}/freeze-balance/", person.id);
    let why = json!({ "reason": "x" });
    staff.client.post(&freeze(&staff), why.clone()).await.expect_error(403, "PERMISSION_DENIED");
    person
        .client
        .post(&adjust(&person), body("1.00", "mine"))
        .await
        .expect_error(403, "PERMISSION_DENIED");
    for wrong in [
        body("0", "x"),
        body("-0.00", "x"),
        body("1.005", "x"),
        body("--1", "x"),
        body("1e3", "x"),
        body("99999999999999999999", "x"),
        body("1.00", "   "),
        body("1.00", &"x".repeat(2_001)),
        json!({ "amount": "1.00" }),
        json!({ "amount": "1.00", "reason": "x", "balance": "5" }),
        json!({ "amount": null, "reason": "x" }),
    ] {
        staff.client.post(&adjust(&person), wrong).await.expect_error(400, "VALIDATION_ERROR");
    }
    let nobody = format!("admin-panel/users/{}/adjust-balance/", uuid::Uuid::now_v7());
    staff.client.post(&nobody, body("1.00", "x")).await.expect_error(404, "NOT_FOUND");
    staff
        .client
        .post(&freeze(&person), json!({ "reason": " " }))
        .await
        .expect_error(400, "VALIDATION_ERROR");
    assert_eq!(app.available(&person).await, "0.00");
    for table in ["adjustments", "transactions", "ledger.journal"] {
        assert_eq!(
            app.database.number(&format!("SELECT count(*) FROM {table}")).await,
            0,
            "{table}"
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_itself_wants_two_people() {
    let app = TestApp::start_with(&[("ADJUSTMENT_REVIEW_ABOVE", "1.00")]).await;
    let (person, staff) = (app.person("person").await, app.staff().await);
    staff.client.post(&adjust(&person), body("5.00", "x")).await.expect(201);
    let mut owner = app.database.owner().await;
    for (wrong, change) in [
        (
            "a decision by who proposed it",
            "status = 'approved', decided_by = proposed_by, decided_at = now(),
            transaction_id = (SELECT id FROM transactions LIMIT 1)",
        ),
        (
            "an approval without a movement",
            "status = 'approved', decided_by = user_id, decided_at = now()",
        ),
        ("nobody's decision", "status = 'rejected'"),
        ("one's own money", "user_id = proposed_by"),
        ("nothing", "amount = 0"),
    ] {
        let statement = format!("UPDATE adjustments SET {change}");
        let refused =
            diesel_async::SimpleAsyncConnection::batch_execute(&mut owner, &statement).await;
        assert!(refused.is_err(), "{wrong} was accepted");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_that_its_provider_gave_back_leaves_the_balance_once() {
    let app = TestApp::start().await;
    let (person, staff) = (app.person("payer").await, app.staff().await);
    let deposit = person
        .client
        .post("payments/deposit/", json!({ "amount": 8_000, "payment_method": "payme" }))
        .await
        .expect(201);
    let id = deposit.text_at("/id").to_owned();
    let path = format!("admin-panel/transactions/{id}/refund/");
    let why = json!({ "reason": "refunded in Payme's cabinet" });
    staff.client.post(&path, why.clone()).await.expect_error(409, "INVALID_STATE");
    let payme = app.payme().pay(&id, 800_000).await;
    let replies = join_all((0..9).map(|_| staff.client.post(&path, why.clone()))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 8);
    assert!(replies.iter().all(|reply| reply.text_at("/reverses") == id));
    assert_eq!(app.available(&person).await, "0.00");
    // Payme tells us of the same refund: it finds it done.
    let cancel = app.payme().call("CancelTransaction", json!({ "id": payme, "reason": 5 })).await;
    assert_eq!(cancel["result"]["state"], -2, "{cancel}");
    assert_eq!(
        app.database.number("SELECT count(*) FROM transactions WHERE type = 'refund'").await,
        1
    );
    assert_eq!(app.available(&person).await, "0.00");
    app.run_due_jobs().await;

    // Money that was spent cannot be taken.
    let spent = app.person("spender").await;
    app.fund(&spent, 100_000).await;
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    spent.client.post("payments/purchase/", json!({ "listing_id": listing })).await.expect(201);
    let theirs = spent.client.get("payments/transactions/?type=deposit").await.expect(200);
    let path = format!("admin-panel/transactions/{}/refund/", theirs.text_at("/results/0/id"));
    staff.client.post(&path, why.clone()).await.expect_error(402, "INSUFFICIENT_FUNDS");
    let purchase = spent.client.get("payments/transactions/?type=purchase").await.expect(200);
    let path = format!("admin-panel/transactions/{}/refund/", purchase.text_at("/results/0/id"));
    staff.client.post(&path, why).await.expect_error(409, "INVALID_STATE");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_balance_takes_money_in_and_gives_none_out() {
    let app = TestApp::start().await;
    let (buyer, staff) = (app.person("frozen").await, app.staff().await);
    app.fund(&buyer, 100_000).await;
    let story = Story::new(&app);
    let (one, two) = (
        story.listed(&app.person("seller").await).await,
        story.listed(&app.person("seller").await).await,
    );
    // A deal that a provider pays, opened before.
    let waiting = buyer
        .client
        .post("payments/purchase/", json!({ "listing_id": two, "payment_method": "payme" }))
        .await
        .expect(201);
    let path = |verb: &str| format!("admin-panel/users/{}/{verb}/", buyer.id);
    let why = json!({ "reason": "a stolen card" });
    let frozen = staff.client.post(&path("freeze-balance"), why.clone()).await.expect(200);
    assert_eq!(frozen.at("/is_frozen"), true);
    let again = staff.client.post(&path("freeze-balance"), why.clone()).await.expect(200);
    assert_eq!(again.at("/frozen_at"), frozen.at("/frozen_at"));
    for _ in 0..2 {
        let refused = buyer.client.post("payments/purchase/", json!({ "listing_id": one })).await;
        refused.expect_error(409, "ACCOUNT_FROZEN");
    }
    app.fund(&buyer, 50_000).await;
    app.payme().pay(waiting.text_at("/transaction_id"), 10_000_000).await;
    assert_eq!(app.available(&buyer).await, "250000.00", "what arrives is never lost");
    let deal = format!("payments/escrow/{}/", waiting.text_at("/id"));
    assert_eq!(buyer.client.get(&deal).await.text_at("/status"), "pending_payment");
    // Staff still correct it, and a provider still takes its own back.
    staff.client.post(&adjust(&buyer), body("-1000.00", "fraud")).await.expect(201);
    let create = json!({ "amount": 2_000, "payment_method": "payme" });
    let deposit = buyer.client.post("payments/deposit/", create).await.expect(201);
    let payme = app.payme().pay(deposit.text_at("/id"), 200_000).await;
    let cancel = app.payme().call("CancelTransaction", json!({ "id": payme, "reason": 5 })).await;
    assert_eq!(cancel["result"]["state"], -2, "{cancel}");
    assert_eq!(app.available(&buyer).await, "249000.00");
    staff.client.post(&path("unfreeze-balance"), why).await.expect(200);
    buyer.client.post("payments/purchase/", json!({ "listing_id": one })).await.expect(201);
    assert_eq!(app.available(&buyer).await, "149000.00");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_freeze_is_committed_nothing_is_spent() {
    let app = TestApp::start().await;
    let (staff, story) = (app.staff().await, Story::new(&app));
    let (mut spent, mut refused) = (0, 0);
    for round in 0..12 {
        let buyer = app.person("racer").await;
        app.fund(&buyer, 100_000).await;
        let listing = story.listed(&app.person("seller").await).await;
        let freeze = format!("admin-panel/users/{}/freeze-balance/", buyer.id);
        let frozen = staff.client.post(&freeze, json!({ "reason": "a race" }));
        let bought = buyer.client.post("payments/purchase/", json!({ "listing_id": listing }));
        // Whoever is polled first is sent first: both ways of the race.
        let (frozen, bought) = if round % 2 == 0 {
            tokio::join!(frozen, bought)
        } else {
            let (bought, frozen) = tokio::join!(bought, frozen);
            (frozen, bought)
        };
        frozen.expect(200);
        match bought.status {
            201 => spent += 1,
            _ => {
                bought.expect_error(409, "ACCOUNT_FROZEN");
                assert_eq!(app.available(&buyer).await, "100000.00");
                refused += 1;
            }
        }
        let late = format!(
            "SELECT count(*) FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
             JOIN ledger.journal j ON j.id = e.journal_id
             WHERE a.owner_id = '{}' AND e.amount < 0 AND j.created_at > a.frozen_at + interval '1 second'",
            buyer.id
        );
        assert_eq!(app.database.number(&late).await, 0);
    }
    assert_eq!(spent + refused, 12);
    app.run_due_jobs().await;
    app.finish().await;
}
