//! When the books are in doubt, money stays where it is: the check of the ledger, and the switches that it presses.

use std::collections::HashMap;

use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};
use shared::jobs::kinds::{LedgerCheck, LedgerCheckFull};
use tests::{Finished, Person, Story, TestApp};

async fn press(superuser: &Person, switch: &str, turn: &str) -> Value {
    let path = format!("admin-panel/switches/{switch}/{turn}/");
    superuser.client.post(&path, json!({ "reason": "a test" })).await.expect(200).json
}

/// The names of the parts that are not well, of those this is about.
async fn unwell(staff: &Person) -> Vec<&'static str> {
    let health = staff.client.get("/health/detailed/").await.expect(200);
    let ill = |name: &&str| health.at(&format!("/checks/{name}/ok")) == false;
    ["ledger", "switches"].into_iter().filter(ill).collect()
}

async fn check(app: &TestApp) {
    app.enqueue(LedgerCheck::default()).await;
    app.run_due_jobs().await;
}

async fn off(app: &TestApp) -> Vec<String> {
    app.database
        .texts("SELECT name FROM platform_switches WHERE off_at IS NOT NULL ORDER BY name")
        .await
}

/// Money out of nothing, as only somebody who goes around the platform can make it.
fn forge(reference: &str) -> String {
    format!(
        "INSERT INTO ledger.journal (ref, kind, actor) VALUES ('{reference}', 'forged', 'nobody');
         INSERT INTO ledger.entry (journal_id, account_id, amount)
         SELECT j.id, a.id, 1000 FROM ledger.journal j, ledger.account a
         WHERE j.ref = '{reference}' AND a.code = 'system:suspense'"
    )
}

async fn forged(app: &TestApp, reference: &str) {
    let (off, on) = ("DISABLE TRIGGER USER", "ENABLE TRIGGER USER");
    let forge = forge(reference);
    let around = format!("ALTER TABLE ledger.entry {off}; {forge}; ALTER TABLE ledger.entry {on}");
    app.database.execute(&around).await;
}

/// What a repair by hand would do: history as it was.
const REPAIR: &str = "
    ALTER TABLE ledger.entry DISABLE TRIGGER USER;
    ALTER TABLE ledger.journal DISABLE TRIGGER USER;
    DELETE FROM ledger.entry WHERE journal_id IN (SELECT id FROM ledger.journal WHERE kind = 'forged');
    DELETE FROM ledger.journal WHERE kind = 'forged';
    ALTER TABLE ledger.journal ENABLE TRIGGER USER;
    ALTER TABLE ledger.entry ENABLE TRIGGER USER;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_wait_while_they_are_off_and_are_paid_once_afterwards() {
    let app = TestApp::start().await;
    let (superuser, staff) = (app.superuser().await, app.staff().await);
    let (due, by_staff, refunded) = (
        Story::new(&app).delivered().await,
        Story::new(&app).delivered().await,
        Story::new(&app).paid().await,
    );
    press(&superuser, "releases", "off").await;
    assert_eq!(unwell(&staff).await, ["switches"]);
    app.advance("24 hours 1 second").await;
    for _ in 0..5 {
        app.run_due_jobs().await;
        app.advance("31 seconds").await;
    }
    assert_eq!(app.available(&due.seller).await, "0.00");
    let waiting = "SELECT state FROM jobs WHERE kind = 'release_escrow_payment' AND attempt = 0";
    assert_eq!(app.database.texts(waiting).await, ["pending", "pending"], "no attempt was used up");
    let trade = |id, verb: &str| format!("admin-panel/trades/{id}/{verb}/");
    let refused = staff.client.post(&trade(by_staff.id, "complete"), json!({})).await;
    assert_eq!(refused.at("/error/details/switch"), "releases");
    refused.expect_error(409, "SWITCHED_OFF");
    let split = json!({ "winner": "buyer", "note": "half", "refund_amount": "1.00" });
    staff
        .client
        .post(&trade(by_staff.id, "resolve-dispute"), split)
        .await
        .expect_error(409, "SWITCHED_OFF");
    staff.client.post(&trade(refunded.id, "refund"), json!({})).await.expect(200);
    assert_eq!(app.available(&refunded.buyer).await, "100000.00", "buyers get their money back");

    press(&superuser, "releases", "on").await;
    app.advance("31 seconds").await;
    app.run_due_jobs().await;
    for deal in [&due, &by_staff] {
        assert_eq!(app.available(&deal.seller).await, "90000.00");
    }
    let settled = "SELECT count(*) FROM ledger.journal WHERE kind = 'escrow_release'";
    assert_eq!(app.database.number(settled).await, 2, "each once");
    assert!(unwell(&staff).await.is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_superusers_press_switches_and_each_turn_is_audited() {
    let app = TestApp::start().await;
    let (superuser, staff, person) =
        (app.superuser().await, app.staff().await, app.person("p").await);
    let (path, why) = ("admin-panel/switches/withdrawals/off/", json!({ "reason": "an audit" }));
    for caller in [&staff, &person] {
        caller.client.post(path, why.clone()).await.expect_error(403, "PERMISSION_DENIED");
    }
    person.client.get("admin-panel/switches/").await.expect_error(403, "PERMISSION_DENIED");
    for wrong in [
        json!({}),
        json!({ "reason": "  " }),
        json!({ "reason": "x".repeat(2_001) }),
        json!({ "reason": "x", "on": true }),
    ] {
        superuser.client.post(path, wrong).await.expect_error(400, "VALIDATION_ERROR");
    }
    superuser
        .client
        .post("admin-panel/switches/deposits/off/", why.clone())
        .await
        .expect_error(404, "NOT_FOUND");
    assert!(off(&app).await.is_empty());
    for _ in 0..3 {
        let switch = superuser.client.post(path, why.clone()).await.expect(200);
        assert_eq!((switch.at("/is_on"), switch.text_at("/reason")), (&json!(false), "an audit"));
    }
    let shown = staff.client.get("admin-panel/switches/").await.expect(200);
    assert_eq!(
        (shown.text_at("/results/0/name"), shown.at("/results/0/is_on")),
        ("releases", &json!(true))
    );
    press(&superuser, "withdrawals", "on").await;

    let mut shell: HashMap<String, String> = app.variables();
    shell.insert("WIBE_OPERATOR".to_owned(), "nigora".to_owned());
    let wibe = |args: &[&str]| {
        Finished::run("wibe", &[&["switches"], args].concat(), &shell).expect(0).out
    };
    assert!(
        wibe(&["off", "releases", "--reason", "at night"]).contains("by operator:nigora: at night")
    );
    assert!(wibe(&[]).contains("withdrawals  on"));
    assert!(wibe(&["on", "releases", "--reason", "at dawn"]).contains("releases     on"));
    let turns = "SELECT actor || ' ' || action || ' ' || object_id FROM audit_log WHERE action LIKE 'switch.%' ORDER BY id";
    let by = format!("staff:{}", superuser.id);
    assert_eq!(
        app.database.texts(turns).await,
        [
            format!("{by} switch.off withdrawals"),
            format!("{by} switch.on withdrawals"),
            "operator:nigora switch.off releases".to_owned(),
            "operator:nigora switch.on releases".to_owned(),
        ]
    );
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_day_finds_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for _ in 0..3 {
        let deal = Story::new(&app).delivered().await;
        check(&app).await;
        app.advance("25 hours").await;
        check(&app).await;
        let refunded = Story::new(&app).paid().await;
        let path = format!("admin-panel/trades/{}/refund/", refunded.id);
        staff.client.post(&path, json!({})).await.expect(200);
        let adjust = format!("admin-panel/users/{}/adjust-balance/", deal.buyer.id);
        staff.client.post(&adjust, json!({ "amount": "5.00", "reason": "x" })).await.expect(201);
        check(&app).await;
    }
    app.enqueue(LedgerCheckFull::default()).await;
    app.run_due_jobs().await;
    assert!(off(&app).await.is_empty());
    assert!(unwell(&staff).await.is_empty());
    let marks = "SELECT count(*) FROM ledger_check_marks
                 WHERE violations = '{}' AND full_at IS NOT NULL AND entry_floor > 0 AND horizon > 0";
    assert_eq!(app.database.number(marks).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_money_switches_off_what_pays_out_until_staff_say_so() {
    let app = TestApp::start().await;
    let (superuser, staff) = (app.superuser().await, app.staff().await);
    let deal = Story::new(&app).delivered().await;
    check(&app).await;
    assert!(off(&app).await.is_empty());
    forged(&app, "forged").await;
    for _ in 0..3 {
        check(&app).await;
    }
    assert_eq!(off(&app).await, ["releases", "withdrawals"]);
    assert_eq!(unwell(&staff).await, ["ledger", "switches"]);
    let trips =
        "SELECT actor || ' ' || object_id FROM audit_log WHERE action = 'switch.off' ORDER BY id";
    assert_eq!(app.database.texts(trips).await, ["system releases", "system withdrawals"], "once");
    let shown = staff.client.get("admin-panel/switches/").await.expect(200);
    let findings = shown.at("/results/0/findings").to_string();
    assert!(findings.contains("I2_balanced: forged"), "{findings}");
    let violated = "SELECT key FROM ledger_check_marks, jsonb_each(violations) ORDER BY key";
    assert_eq!(app.database.texts(violated).await, ["I1_conserved", "I2_balanced"]);

    // Deposits and purchases go on.
    let buyer = app.person("buyer").await;
    app.fund(&buyer, 100_000).await;
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(app.available(&deal.seller).await, "0.00");

    // Staff know of it: it stays known, and does not switch off again.
    for switch in ["releases", "withdrawals"] {
        press(&superuser, switch, "on").await;
    }
    app.advance("31 seconds").await;
    check(&app).await;
    assert!(off(&app).await.is_empty());
    assert_eq!(unwell(&staff).await, ["ledger"]);
    assert_eq!(app.available(&deal.seller).await, "90000.00");

    // Anything new does.
    forged(&app, "forged again").await;
    check(&app).await;
    assert_eq!(off(&app).await, ["releases", "withdrawals"]);

    app.database.execute(REPAIR).await;
    for switch in ["releases", "withdrawals"] {
        press(&superuser, switch, "on").await;
    }
    app.run_due_jobs().await;
    assert!(unwell(&staff).await.is_empty(), "all of it was checked again");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_late_is_not_overlooked() {
    let app = TestApp::start().await;
    let person = app.person("busy").await;
    check(&app).await;
    // Its numbers are given out now, and it commits after others and after their checks.
    let mut late = app.database.admin_here().await;
    let begun = format!("BEGIN; SET LOCAL session_replication_role = replica; {}", forge("late"));
    late.batch_execute(&begun).await.expect("forges");
    for _ in 0..3 {
        app.fund(&person, 1_000).await;
        check(&app).await;
        assert!(off(&app).await.is_empty(), "nobody sees it yet");
    }
    late.batch_execute("COMMIT").await.expect("commits");
    app.fund(&person, 1_000).await;
    check(&app).await;
    assert_eq!(off(&app).await, ["releases", "withdrawals"]);
    app.database.execute(REPAIR).await;
    app.enqueue(LedgerCheckFull::default()).await;
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_minutes_check_finds_what_each_invariant_is_about() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    let listing = &deal.listing;
    check(&app).await;
    // What somebody breaks, what finds it, and how it is mended.
    for (broken, invariant, mended) in [
        (
            "UPDATE escrows SET status = 'confirmed', updated_at = app_now()".to_owned(),
            "I11_deal_once",
            "UPDATE escrows SET status = 'delivered'".to_owned(),
        ),
        (
            "UPDATE escrows SET amount = amount + 1, seller_earnings = seller_earnings + 1, updated_at = app_now()".to_owned(),
            "I5_deal_held",
            "UPDATE escrows SET amount = amount - 1, seller_earnings = seller_earnings - 1".to_owned(),
        ),
        (
            format!(
                "INSERT INTO transactions (id, user_id, amount, type, status, processed_at, payment_method_id)
                 SELECT '{listing}', '{}', 5, 'deposit', 'completed', app_now(), id FROM payment_methods WHERE code = 'click'",
                deal.buyer.id
            ),
            "I7_deposit_posted",
            format!("DELETE FROM transactions WHERE id = '{listing}'"),
        ),
        (
            format!(
                "INSERT INTO transactions (id, user_id, amount, type, status) VALUES ('{listing}', '{}', 5, 'withdrawal', 'pending')",
                deal.buyer.id
            ),
            "I8_withdrawal_settled",
            format!("DELETE FROM transactions WHERE id = '{listing}'"),
        ),
    ] {
        app.database.execute(&broken).await;
        let found = shared::ledger::check_recent(&app.app.db).await.expect("checks").violations;
        let names: Vec<_> = found.iter().map(|violation| violation.invariant).collect();
        assert!(names.contains(&invariant), "{invariant} is not among {names:?}");
        app.database.execute(&mended).await;
    }
    let found = shared::ledger::check_recent(&app.app.db).await.expect("checks").violations;
    assert!(found.is_empty(), "{found:?}");
    app.finish().await;
}
