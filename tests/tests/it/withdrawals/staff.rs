//! Staff: who looks at large withdrawals, what they see, and what they cannot do.

use futures::future::{join, join_all};
use serde_json::json;
use tests::{Person, TestApp};

use super::{HUMO, UZCARD, ask, balance, money, payouts, platform, rich, status};

async fn approve(staff: &Person, id: &str) -> tests::Reply {
    staff.client.post_empty(&format!("payments/withdrawal/{id}/approve/")).await
}

async fn reject(staff: &Person, id: &str, reason: &str) -> tests::Reply {
    let body = json!({ "reason": reason });
    staff.client.post(&format!("payments/withdrawal/{id}/reject/"), body).await
}

/// Makes somebody a Pro seller.
async fn make_pro(app: &TestApp, person: &Person) {
    app.database
        .execute(&format!(
            "INSERT INTO user_subscriptions (id, user_id, plan_id, status, start_date, end_date, auto_renew)
             SELECT gen_random_uuid(), '{}', id, 'active', app_now(), app_now() + interval '30 days', true
             FROM subscription_plans WHERE slug = 'pro'",
            person.id
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_withdrawals_leave_when_enough_people_have_looked() {
    let (acquirer, app) = platform(&[]).await;
    let person = rich(&app, 15_000_000).await;
    let (first, second) = (app.staff().await, app.staff().await);
    let one = ask(&person, 3_000_001, UZCARD).await.expect(201);
    let two = ask(&person, 7_000_001, UZCARD).await.expect(201);
    let (one, two) = (one.text_at("/id"), two.text_at("/id"));
    app.run_due_jobs().await;
    assert_eq!(
        (status(&person, one).await, status(&person, two).await),
        ("pending".into(), "pending".into())
    );
    approve(&first, one).await.expect(200);
    let half = approve(&first, two).await.expect(200);
    assert_eq!(half.at("/approvals_missing"), &json!(1));
    approve(&first, two).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(status(&person, one).await, "completed");
    assert_eq!(status(&person, two).await, "pending", "twice the same person is one person");
    approve(&second, two).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(status(&person, two).await, "completed");
    approve(&second, two).await.expect(200);
    approve(&second, one).await.expect_error(409, "INVALID_STATE");
    assert_eq!((payouts(&acquirer, one).len(), payouts(&acquirer, two).len()), (1, 1));
    let audit = "SELECT action || ' ' || count(*) FROM audit_log WHERE object_type = 'withdrawal' GROUP BY action ORDER BY 1";
    let recorded = ["withdrawal.approve 3", "withdrawal.paid 2", "withdrawal.request 2"];
    assert_eq!(app.database.texts(audit).await, recorded);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_withdrawal_is_back_on_the_balance_with_its_reason() {
    let (_acquirer, app) = platform(&[]).await;
    let person = rich(&app, 5_000_000).await;
    let (staff, colleague) = (app.staff().await, app.staff().await);
    let asked = ask(&person, 4_000_000, HUMO).await.expect(201);
    let id = asked.text_at("/id");
    reject(&staff, id, "   ").await.expect_error(400, "VALIDATION_ERROR");
    reject(&staff, id, &"x".repeat(2_001)).await.expect_error(400, "VALIDATION_ERROR");
    let rejected = reject(&staff, id, "The card is somebody else's").await.expect(200);
    assert_eq!(rejected.text_at("/status"), "rejected");
    reject(&staff, id, "The card is somebody else's").await.expect(200);
    reject(&colleague, id, "me too").await.expect_error(409, "INVALID_STATE");
    approve(&staff, id).await.expect_error(409, "INVALID_STATE");
    person.client.post_empty(&format!("payments/withdrawals/{id}/cancel/")).await.expect(409);
    assert_eq!(balance(&person).await, money("5000000.00", "0.00"));
    app.run_due_jobs().await;
    let own = person.client.get("payments/withdrawals/?status=rejected").await.expect(200);
    assert_eq!(own.text_at("/results/0/rejection_reason"), "The card is somebody else's");
    let mails = tests::mail::mails_to(&app.mail_dir, &person.email);
    assert!(mails.iter().any(|mail| mail.contains("was refused")), "{mails:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approval_and_rejection_at_once_have_one_winner() {
    let (acquirer, app) = platform(&[]).await;
    for _ in 0..10 {
        let person = rich(&app, 4_000_000).await;
        let (one, other) = (app.staff().await, app.staff().await);
        let asked = ask(&person, 4_000_000, UZCARD).await.expect(201);
        let id = asked.text_at("/id");
        let barrier = tokio::sync::Barrier::new(2);
        let yes = async {
            barrier.wait().await;
            approve(&one, id).await.status
        };
        let no = async {
            barrier.wait().await;
            reject(&other, id, "no").await.status
        };
        let answers = join(yes, no).await;
        app.run_due_jobs().await;
        let ended = status(&person, id).await;
        let paid = payouts(&acquirer, id).len();
        // An approval does not end it, so a rejection that comes before the worker still counts.
        let fair = [
            ((200, 200), "rejected", 0),
            ((409, 200), "rejected", 0),
            ((200, 409), "completed", 1),
        ];
        assert!(fair.contains(&(answers, ended.as_str(), paid)), "{answers:?} {ended} {paid}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_decides_about_their_own_money_or_sees_anothers() {
    let (_acquirer, app) = platform(&[]).await;
    let staff = app.staff().await;
    app.fund(&staff, 5_000_000).await;
    let own = ask(&staff, 4_000_000, UZCARD).await.expect(201);
    let own = own.text_at("/id");
    approve(&staff, own).await.expect_error(403, "PERMISSION_DENIED");
    reject(&staff, own, "x").await.expect_error(403, "PERMISSION_DENIED");
    let (person, stranger) = (rich(&app, 100_000).await, app.person("stranger").await);
    let asked = ask(&person, 50_000, UZCARD).await.expect(201);
    let id = asked.text_at("/id");
    for path in [format!("payments/withdrawals/{id}/"), format!("admin-panel/withdrawals/{id}/")] {
        let expected = if path.starts_with("admin") { 403 } else { 404 };
        stranger.client.get(&path).await.expect(expected);
    }
    let cancel = format!("payments/withdrawals/{id}/cancel/");
    stranger.client.post_empty(&cancel).await.expect_error(404, "NOT_FOUND");
    staff.client.post_empty(&cancel).await.expect_error(404, "NOT_FOUND");
    approve(&stranger, id).await.expect_error(403, "PERMISSION_DENIED");
    reject(&stranger, id, "x").await.expect_error(403, "PERMISSION_DENIED");
    stranger
        .client
        .get("payments/withdrawals/?admin=true")
        .await
        .expect_error(403, "PERMISSION_DENIED");
    let none = stranger.client.get("payments/withdrawals/").await.expect(200);
    assert_eq!(none.at("/count"), &json!(0));
    // A deposit is no withdrawal.
    let deposit = "SELECT id FROM transactions WHERE type = 'deposit' LIMIT 1";
    let deposit = app.database.texts(deposit).await.remove(0);
    approve(&staff, &deposit).await.expect_error(404, "NOT_FOUND");
    staff
        .client
        .get(&format!("payments/withdrawals/{deposit}/"))
        .await
        .expect_error(404, "NOT_FOUND");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pro_sellers_money_does_not_wait_and_staff_see_it_first() {
    let (_acquirer, app) = platform(&[("WITHDRAWAL_HOLD", "24h")]).await;
    let (free, pro) = (rich(&app, 100_000).await, rich(&app, 100_000).await);
    make_pro(&app, &pro).await;
    let waiting = ask(&free, 50_000, UZCARD).await.expect(201);
    let urgent = ask(&pro, 50_000, UZCARD).await.expect(201);
    assert_eq!(urgent.at("/is_priority"), &json!(true));
    let staff = app.staff().await;
    for path in ["payments/withdrawals/?admin=true&search=&status=", "admin-panel/withdrawals/"] {
        let list = staff.client.get(path).await.expect(200);
        let ids: Vec<&str> = (0..2).map(|n| list.text_at(&format!("/results/{n}/id"))).collect();
        assert_eq!(ids, [urgent.text_at("/id"), waiting.text_at("/id")], "{path}");
        assert_eq!(list.text_at("/results/0/user_email"), pro.email);
        assert_eq!(list.text_at("/results/0/card_number"), "860053••••8829");
    }
    let waits = staff.client.get("payments/withdrawals/?admin=true&needs_approval=true").await;
    assert_eq!(waits.expect(200).at("/count"), &json!(1), "a person looks in place of the clock");
    approve(&staff, urgent.text_at("/id")).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(status(&pro, urgent.text_at("/id")).await, "completed", "at once");
    assert_eq!(status(&free, waiting.text_at("/id")).await, "pending");
    let next = ask(&pro, 40_000, UZCARD).await.expect(201);
    app.run_due_jobs().await;
    assert_eq!(status(&pro, next.text_at("/id")).await, "completed", "the card is known");
    app.advance("24 hours 1 minute").await;
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_costs_the_same_for_one_row_and_for_many() {
    let (_acquirer, app) = platform(&[("WITHDRAWAL_DAILY_MAX", "100000000")]).await;
    let (person, staff) = (rich(&app, 2_000_000).await, app.staff().await);
    ask(&person, 10_000, UZCARD).await.expect(201);
    let path = "payments/withdrawals/?admin=true";
    let (one, _) = app.statements(staff.client.get(path)).await;
    for answer in join_all((1..40).map(|n| ask(&person, 10_000 + n, UZCARD))).await {
        answer.expect(201);
    }
    let (many, list) = app.statements(staff.client.get(path)).await;
    assert_eq!(list.expect(200).at("/count"), &json!(40));
    assert_eq!(one, many);
    app.run_due_jobs().await;
    app.finish().await;
}
