//! The numbers of each day: they agree with the deals and with the ledger, however often they are computed.

use serde_json::json;
use shared::jobs::kinds::CalculateDailyStatistics;
use tests::{Story, TestApp};

use super::{can_be_stopped, impatient, run, survives_a_kill, told};

/// Somebody who registered on a day, counted back from today in Tashkent, at noon.
async fn register(app: &TestApp, days_ago: u32) {
    app.database
        .execute(&format!(
            "INSERT INTO users (id, email, is_verified, created_at)
             SELECT gen_random_uuid(), gen_random_uuid() || '@example.uz', true,
                    ((app_now() AT TIME ZONE 'Asia/Tashkent')::date - {days_ago} + time '12:00') AT TIME ZONE 'Asia/Tashkent'"
        ))
        .await;
}

/// New people by day, counted back from today in Tashkent.
async fn new_people(app: &TestApp) -> Vec<String> {
    app.database
        .texts(
            "SELECT (app_now() AT TIME ZONE 'Asia/Tashkent')::date - day || ': ' || new_users FROM daily_statistics ORDER BY day",
        )
        .await
}

#[tokio::test]
async fn a_day_begins_at_midnight_in_tashkent() {
    let app = TestApp::start().await;
    app.database
        .execute(
            "INSERT INTO users (id, email, created_at) VALUES
             (gen_random_uuid(), 'evening@example.uz', '2026-02-28T18:59:59.999999Z'),
             (gen_random_uuid(), 'midnight@example.uz', '2026-02-28T19:00:00Z'),
             (gen_random_uuid(), 'night@example.uz', '2026-03-01T18:59:59.999999Z')",
        )
        .await;
    let days = "SELECT (app_now() AT TIME ZONE 'Asia/Tashkent')::date - date '2026-02-28'";
    let days = app.database.number(days).await;
    run::<CalculateDailyStatistics>(&app).await;
    assert_eq!(told::<CalculateDailyStatistics>(&app).await, [format!("done {days}/{days}")]);
    let counted =
        "SELECT day || ' ' || new_users FROM daily_statistics WHERE new_users > 0 ORDER BY day";
    assert_eq!(app.database.texts(counted).await, ["2026-02-28 1", "2026-03-01 2"]);
    let rows = "SELECT count(*) || ' to ' || max(day) - (app_now() AT TIME ZONE 'Asia/Tashkent')::date FROM daily_statistics";
    assert_eq!(app.database.texts(rows).await, [format!("{days} to -1")], "today is not over");
    app.finish().await;
}

#[tokio::test]
async fn missing_days_are_caught_up_and_late_facts_are_seen_for_two_days() {
    let app = TestApp::start().await;
    run::<CalculateDailyStatistics>(&app).await;
    assert!(new_people(&app).await.is_empty(), "nobody has been here yet");
    for days_ago in [5, 3, 0] {
        register(&app, days_ago).await;
    }
    run::<CalculateDailyStatistics>(&app).await;
    assert_eq!(new_people(&app).await, ["5: 1", "4: 0", "3: 1", "2: 0", "1: 0"]);
    let first = app
        .database
        .texts("SELECT to_jsonb(s) - 'computed_at' FROM daily_statistics s ORDER BY day")
        .await;
    run::<CalculateDailyStatistics>(&app).await;
    let again = app
        .database
        .texts("SELECT to_jsonb(s) - 'computed_at' FROM daily_statistics s ORDER BY day")
        .await;
    assert_eq!(first, again, "the same facts make the same numbers");
    for days_ago in [3, 2, 1] {
        register(&app, days_ago).await;
    }
    app.database
        .execute(
            "DELETE FROM daily_statistics WHERE day = (SELECT min(day) + 1 FROM daily_statistics)",
        )
        .await;
    run::<CalculateDailyStatistics>(&app).await;
    assert_eq!(new_people(&app).await, ["5: 1", "4: 0", "3: 1", "2: 1", "1: 1"]);
    assert_eq!(
        told::<CalculateDailyStatistics>(&app).await,
        ["done 0/0", "done 5/5", "done 2/2", "done 3/3"]
    );
    app.finish().await;
}

/// Deals that end in every way, on several days, and a deposit that its provider takes back.
async fn some_trade(app: &TestApp) {
    let (story, staff) = (Story::new(app), app.staff().await);
    story.delivered().await;
    app.advance("25 hours").await;
    app.run_due_jobs().await;
    let refunded = story.handed_over().await;
    let path = format!("admin-panel/trades/{}/refund/", refunded.id);
    staff.client.post_empty(&path).await.expect(200);
    let split = story.delivered().await;
    app.advance("20 hours").await;
    let complaint = json!({ "reason": "half of the skins are gone" });
    split.buyer.client.post(&split.path("dispute/"), complaint).await.expect(200);
    let verdict = json!({ "winner": "seller", "note": "half each", "refund_amount": "40000.01" });
    let path = format!("admin-panel/trades/{}/resolve-dispute/", split.id);
    staff.client.post(&path, verdict).await.expect(200);
    app.advance("25 hours").await;
    let payer = app.person("payer").await;
    let body = json!({ "amount": 70_000, "payment_method": "payme" });
    let deposit = payer.client.post("payments/deposit/", body).await.expect(201);
    let id = app.payme().pay(deposit.text_at("/id"), 7_000_000).await;
    let cancel = app.payme().call("CancelTransaction", json!({ "id": id, "reason": 5 })).await;
    assert_eq!(cancel["result"]["state"], -2, "{cancel}");
    let waiting = story.listed(&app.person("seller").await).await;
    let order = json!({ "listing_id": waiting, "payment_method": "payme" });
    payer.client.post("payments/purchase/", order).await.expect(201);
    app.advance("31 minutes").await;
    app.run_due_jobs().await;
}

#[tokio::test]
async fn the_money_of_the_days_is_the_money_of_the_ledger() {
    let app = TestApp::start().await;
    // From noon on, so that it is the same days whenever this runs.
    let to_noon = "SELECT ((app_now() AT TIME ZONE 'Asia/Tashkent')::date + interval '36 hours'
                           - (app_now() AT TIME ZONE 'Asia/Tashkent'))::text";
    let to_noon = app.database.texts(to_noon).await.remove(0);
    app.advance(&to_noon).await;
    some_trade(&app).await;
    app.advance("24 hours").await;
    run::<CalculateDailyStatistics>(&app).await;
    let totals = app
        .database
        .texts(
            "SELECT concat_ws(' ', sum(deals_opened), sum(deals_paid), sum(deals_confirmed), sum(deals_refunded),
                              sum(deals_cancelled), sum(deals_disputed), sum(listings_approved), sum(listings_sold), sum(listings_archived),
                              sum(turnover), sum(commission), sum(refunds), sum(deposits_completed), sum(deposits_amount),
                              sum(deposits_reversed)) FROM daily_statistics",
        )
        .await;
    assert_eq!(totals, ["4 3 2 1 1 1 4 2 1 159999.99 16000.00 140000.01 4 370000.00 70000.00"]);
    let by_ledger = app
        .database
        .texts(
            "SELECT concat_ws(' ',
                 (SELECT sum(-amount) FROM ledger.entry e JOIN ledger.journal j ON j.id = e.journal_id
                  WHERE j.ref LIKE 'escrow_settle:%' AND amount < 0) - (SELECT sum(buyer_refund) FROM escrows),
                 ledger.balance_of('system:commission'),
                 (SELECT sum(e.amount) FROM ledger.entry e JOIN ledger.journal j ON j.id = e.journal_id JOIN ledger.account a ON a.id = e.account_id
                  WHERE j.ref LIKE 'escrow_settle:%' AND a.owner_id IN (SELECT buyer_id FROM escrows)),
                 -ledger.balance_of('provider:payme:clearing'))",
        )
        .await;
    let by_days = "SELECT concat_ws(' ', sum(turnover), sum(commission), sum(refunds), sum(deposits_amount - deposits_reversed)) FROM daily_statistics";
    assert_eq!(app.database.texts(by_days).await, by_ledger);
    let wrong_days = app
        .database
        .texts(
            "SELECT d.day || ': ' || s.turnover || ' ' || d.turnover
             FROM (SELECT (closed_at AT TIME ZONE 'Asia/Tashkent')::date AS day, sum(amount - buyer_refund) AS turnover,
                          sum(commission_amount) AS commission, sum(buyer_refund) AS refunds
                   FROM escrows WHERE status IN ('confirmed', 'refunded') GROUP BY 1) AS d
             FULL JOIN daily_statistics s ON s.day = d.day
             WHERE (coalesce(d.turnover, 0), coalesce(d.commission, 0), coalesce(d.refunds, 0))
                   IS DISTINCT FROM (s.turnover, s.commission, s.refunds)",
        )
        .await;
    assert!(wrong_days.is_empty(), "{wrong_days:?}");
    let days = "SELECT count(*) FROM daily_statistics WHERE turnover + refunds > 0";
    assert!(app.database.number(days).await >= 2, "it was no single day");
    app.finish().await;
}

#[tokio::test]
async fn a_proof_counts_on_the_day_of_the_proof() {
    let app = TestApp::start().await;
    let form =
        json!({ "email": "ali@example.uz", "password": "Correct-horse-7", "language": "en" });
    app.client.post("auth/register/", form).await.expect(201);
    app.run_due_jobs().await;
    app.advance("23 hours").await;
    let link = tests::mail::verification_token(&app.mail_dir, "ali@example.uz").expect("a link");
    for _click in 0..2 {
        app.client.post("auth/email/verify/", json!({ "token": link })).await.expect(200);
    }
    app.advance("24 hours").await;
    run::<CalculateDailyStatistics>(&app).await;
    let wrong = app
        .database
        .texts(
            "SELECT s.day FROM daily_statistics s
             WHERE NOT EXISTS (
                 SELECT FROM audit_log WHERE (at AT TIME ZONE 'Asia/Tashkent')::date = s.day
                 HAVING count(*) FILTER (WHERE action = 'auth.registered') = s.new_users
                    AND count(*) FILTER (WHERE action = 'auth.email_verified') = s.verified_users)",
        )
        .await;
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        app.database
            .number("SELECT sum(new_users * 10 + verified_users) FROM daily_statistics")
            .await,
        11
    );
    app.finish().await;
}

#[tokio::test]
async fn counting_days_survives_a_kill() {
    let app = impatient().await;
    register(&app, 10).await;
    survives_a_kill::<CalculateDailyStatistics>(&app, 1, 10).await;
    let days = app.database.number("SELECT count(*) FROM daily_statistics").await;
    assert_eq!(days, 10);
    app.finish().await;
}

#[tokio::test]
async fn counting_days_can_be_stopped_and_begun_again() {
    let app = impatient().await;
    register(&app, 10).await;
    can_be_stopped::<CalculateDailyStatistics>(&app, 1, 10).await;
    let days = app.database.number("SELECT count(*) FROM daily_statistics").await;
    assert_eq!(days, 10);
    app.finish().await;
}
