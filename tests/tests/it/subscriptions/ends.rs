//! The end of a period: renewed, unpaid, over; told by mail; with timers lost, killed and run twice.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::json;
use shared::App;
use shared::ids::SubscriptionId;
use shared::jobs::kinds::{AutoRenewSubscription, CheckSubscriptionExpirations};
use shared::jobs::{JobKind, rescue};
use shared::settings::Settings;
use tests::{Person, SmtpServer, TestApp, eventually};
use tokio::sync::Notify;
use worker::Engine;

use super::{audit, buy, go_to_end, mine, postings, standing, subscriber};

/// Runs the hourly check, and what it records.
async fn check(app: &TestApp) {
    app.enqueue(CheckSubscriptionExpirations::default()).await;
    app.run_due_jobs().await;
}

/// A platform, and the mail server it mails through.
async fn with_mail() -> (TestApp, SmtpServer) {
    let server = SmtpServer::start().await;
    let port = server.port();
    let settings = [("MAIL_DIR", ""), ("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", &port)];
    (TestApp::start_with(&settings).await, server)
}

/// The letters about plans that a person got.
fn letters(server: &SmtpServer, person: &Person) -> Vec<String> {
    let mails = server.mails_to(&person.email);
    let subjects = mails.iter().map(|mail| mail.header("Subject").replace("WibeStore: ", ""));
    subjects.filter(|subject| subject.contains("plan")).collect()
}

fn pair(plan: &str, status: &str) -> (String, String) {
    (plan.to_owned(), status.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_period_follows_the_last_and_is_paid_once() {
    let (app, server) = with_mail().await;
    let person = subscriber(&app, "premium", 49_000 * 4).await;
    app.run_due_jobs().await;
    for paid in 2..=4 {
        go_to_end(&app, &person, "1 second").await;
        for _ in 0..3 {
            app.run_due_jobs().await;
            check(&app).await;
        }
        assert_eq!(postings(&app).await, paid);
    }
    assert_eq!(app.available(&person).await, "0.00");
    let months = "SELECT bool_and((p ->> 'period_end')::timestamptz
                         = ((s.anchor_date AT TIME ZONE 'Asia/Tashkent') + n * interval '1 month') AT TIME ZONE 'Asia/Tashkent')
                  FROM user_subscriptions s, jsonb_array_elements(s.payment_history) WITH ORDINALITY AS h (p, n)";
    assert_eq!(app.database.texts(months).await, ["true"], "months from the first day");
    assert_eq!(audit(&app, &person).await, ["purchased", "renewed", "renewed", "renewed"]);
    assert_eq!(
        letters(&server, &person),
        ["your plan is on", "your plan is renewed", "your plan is renewed", "your plan is renewed"]
    );
    let renewed = server.mails_to(&person.email).pop().expect("a letter").text();
    assert!(
        renewed.contains("Amount: 49 000 UZS") && renewed.contains("Plan: Premium"),
        "{renewed}"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_not_paid_is_tried_twice_again_and_then_it_is_over() {
    let (app, server) = with_mail().await;
    let person = subscriber(&app, "premium", 49_000).await;
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("premium", "active"), "the grace");
    let told = server.mails_to(&person.email).pop().expect("a letter").text();
    assert!(told.contains("Amount: 49 000 UZS"), "{told}");
    for (offset, attempts) in
        [("5 hours 59 minutes", 1), ("6 hours 1 second", 2), ("23 hours 59 minutes", 2)]
    {
        go_to_end(&app, &person, offset).await;
        check(&app).await;
        assert_eq!(standing(&person).await, pair("premium", "active"), "{offset}");
        let unpaid = audit(&app, &person).await.iter().filter(|step| *step == "unpaid").count();
        assert_eq!(unpaid, attempts, "{offset}");
    }
    go_to_end(&app, &person, "24 hours 1 second").await;
    assert_eq!(standing(&person).await, pair("free", "expired"), "by the clock, before any job");
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("free", "expired"));
    let expired = app.database.texts("SELECT status FROM user_subscriptions").await;
    assert_eq!(expired, ["expired"]);
    for _ in 0..3 {
        check(&app).await;
    }
    assert_eq!(audit(&app, &person).await, ["purchased", "unpaid", "unpaid", "expired"]);
    assert_eq!(
        letters(&server, &person),
        ["your plan is on", "your balance does not cover your plan", "your plan has ended"]
    );
    assert_eq!(postings(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn money_that_comes_in_the_grace_pays_from_the_end_and_not_from_then() {
    let app = TestApp::start().await;
    let (waits, clicks) =
        (subscriber(&app, "pro", 99_000).await, subscriber(&app, "pro", 99_000).await);
    go_to_end(&app, &clicks, "1 second").await;
    app.run_due_jobs().await;
    for person in [&waits, &clicks] {
        app.fund(person, 99_000).await;
    }
    let end = mine(&clicks).await.at("/data/end_date").clone();
    let bought = buy(&clicks, "pro", "monthly").await.expect(201);
    assert_eq!(bought.at("/start_date"), &end);
    assert_eq!(buy(&clicks, "pro", "monthly").await.expect(200).json, bought.json);
    go_to_end(&app, &waits, "6 hours 1 second").await;
    app.run_due_jobs().await;
    let gap = "SELECT count(*) FROM user_subscriptions WHERE start_date <> (payment_history -> 0 ->> 'period_end')::timestamptz";
    assert_eq!(app.database.number(gap).await, 0, "no day is lost and none is a gift");
    for person in [&waits, &clicks] {
        assert_eq!(app.available(person).await, "0.00");
        assert_eq!(standing(person).await, pair("pro", "active"));
    }
    assert_eq!(postings(&app).await, 4);
    app.finish().await;
}

#[tokio::test]
async fn another_plan_may_be_chosen_for_the_period_that_is_due() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "pro", 99_000 + 50_000).await;
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    let end = mine(&person).await.at("/data/end_date").clone();
    let bought = buy(&person, "premium", "monthly").await.expect(201);
    assert_eq!((bought.at("/start_date"), bought.text_at("/plan/slug")), (&end, "premium"));
    assert_eq!(app.available(&person).await, "1000.00");
    app.advance("2 days").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("premium", "active"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_lasts_to_its_end_and_a_new_one_may_follow() {
    let (app, server) = with_mail().await;
    let person = subscriber(&app, "premium", 49_000 * 3).await;
    person.client.post_empty("subscriptions/cancel/").await.expect(200);
    go_to_end(&app, &person, "-1 second").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("premium", "cancelled"));
    app.advance("2 seconds").await;
    assert_eq!(standing(&person).await, pair("free", "expired"));
    person.client.post_empty("subscriptions/resume/").await.expect_error(409, "INVALID_STATE");
    let again = buy(&person, "premium", "monthly").await.expect(201);
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("premium", "active"));
    assert_eq!(app.database.number("SELECT count(*) FROM user_subscriptions").await, 2);
    assert_eq!(app.available(&person).await, "49000.00");
    assert_eq!(letters(&server, &person), ["your plan is on", "your plan is on"]);
    let path = format!("subscriptions/{}/cancel/", again.text_at("/id"));
    person.client.post_empty(&path).await.expect(200);
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(letters(&server, &person)[2..], ["your plan has ended"]);
    assert_eq!(app.available(&person).await, "49000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_are_reminded_once_three_days_before() {
    let (app, server) = with_mail().await;
    let (renews, ends) =
        (subscriber(&app, "premium", 98_000).await, subscriber(&app, "pro", 99_000).await);
    ends.client.post_empty("subscriptions/cancel/").await.expect(200);
    go_to_end(&app, &renews, "-3 days -1 minute").await;
    check(&app).await;
    assert_eq!(letters(&server, &renews), ["your plan is on"]);
    app.advance("2 minutes").await;
    for _ in 0..3 {
        check(&app).await;
    }
    assert_eq!(letters(&server, &renews)[1..], ["your plan will be renewed soon"]);
    assert_eq!(letters(&server, &ends)[1..], ["your plan ends soon"]);
    let told = server.mails_to(&renews.email).pop().expect("a letter").text();
    let end = "SELECT to_char(end_date AT TIME ZONE 'Asia/Tashkent', 'DD Mon YYYY, HH24:MI') FROM user_subscriptions ORDER BY created_at LIMIT 1";
    let end = app.database.texts(end).await.remove(0);
    assert!(told.contains(&end) && told.contains("Amount: 49 000 UZS"), "{end} in {told}");
    go_to_end(&app, &renews, "1 second").await;
    check(&app).await;
    go_to_end(&app, &renews, "-2 days").await;
    check(&app).await;
    assert_eq!(
        letters(&server, &renews)[2..],
        ["your plan is renewed", "your plan will be renewed soon"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_lost_timer_costs_an_hour_and_a_dead_one_costs_nobody_money() {
    let app = TestApp::start().await;
    let (lost, dead) =
        (subscriber(&app, "premium", 98_000).await, subscriber(&app, "pro", 198_000).await);
    let of = |person: &Person| {
        format!(
            "unique_key LIKE 'subscription_renew:' || (SELECT id FROM user_subscriptions WHERE user_id = '{}') || ':%'",
            person.id
        )
    };
    app.database.execute(&format!("DELETE FROM jobs WHERE {}", of(&lost))).await;
    let die =
        format!("UPDATE jobs SET state = 'dead', finished_at = app_now() WHERE {}", of(&dead));
    app.database.execute(&die).await;
    go_to_end(&app, &dead, "1 second").await;
    for _ in 0..3 {
        check(&app).await;
    }
    assert_eq!(standing(&lost).await, pair("premium", "active"));
    assert_eq!(app.available(&lost).await, "0.00");
    assert_eq!(standing(&dead).await, pair("pro", "active"), "the grace");
    app.advance("24 hours").await;
    check(&app).await;
    assert_eq!(standing(&dead).await, pair("free", "expired"));
    app.advance("3 hours").await;
    check(&app).await;
    assert_eq!(audit(&app, &dead).await, ["purchased", "expired"]);
    assert_eq!(app.available(&dead).await, "99000.00");
    app.expect_dead(AutoRenewSubscription::KIND).await;
    app.finish().await;
}

#[tokio::test]
async fn a_timer_that_comes_a_day_too_late_charges_nobody() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "premium", 98_000).await;
    go_to_end(&app, &person, "26 hours 1 minute").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&person).await, pair("free", "expired"));
    assert_eq!(app.available(&person).await, "49000.00");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_sold_to_who_is_gone_or_of_a_plan_that_is_switched_off() {
    let app = TestApp::start().await;
    let (banned, off) =
        (subscriber(&app, "pro", 198_000).await, subscriber(&app, "premium", 98_000).await);
    let ban = format!("UPDATE users SET is_active = false WHERE id = '{}'", banned.id);
    app.database.execute(&ban).await;
    app.database
        .execute("UPDATE subscription_plans SET is_active = false WHERE slug = 'premium'")
        .await;
    go_to_end(&app, &off, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(standing(&off).await, pair("free", "expired"));
    assert_eq!(app.available(&off).await, "49000.00");
    assert_eq!(audit(&app, &banned).await, ["purchased", "expired"]);
    assert_eq!(postings(&app).await, 2);
    buy(&off, "premium", "monthly").await.expect_error(400, "VALIDATION_ERROR");
    app.finish().await;
}

#[tokio::test]
async fn a_price_that_changed_is_paid_from_the_next_period_on() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "premium", 49_000 + 51_000).await;
    app.database
        .execute("UPDATE subscription_plans SET price_monthly = 51000 WHERE slug = 'premium'")
        .await;
    assert_eq!(mine(&person).await.text_at("/data/next_charge/amount"), "51000.00");
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(app.available(&person).await, "0.00");
    app.database
        .execute("UPDATE subscription_plans SET price_monthly = 0 WHERE slug = 'premium'")
        .await;
    go_to_end(&app, &person, "1 second").await;
    app.run_due_jobs().await;
    assert_eq!(
        standing(&person).await,
        pair("premium", "active"),
        "for nothing, nothing is posted"
    );
    assert_eq!(postings(&app).await, 2);
    app.finish().await;
}

thread_local! {
    static STRUCK: RefCell<Option<Rc<Notify>>> = const { RefCell::new(None) };
}

/// A worker that vanishes, as by `kill -9`, at a point of its first run; another one may go on when this returns.
async fn vanish_at(app: &TestApp, point: &'static str) {
    let struck = Rc::new(Notify::new());
    STRUCK.set(Some(Rc::clone(&struck)));
    let settings = Settings::from_vars(app.variables()).expect("valid settings");
    let one = Arc::new(App::new(settings).expect("an app"));
    let probe: fn(&'static str) = match point {
        "before_commit" => |passed: &'static str| strike(passed, "before_commit"),
        _ => |passed: &'static str| strike(passed, "after_commit"),
    };
    let engine = Engine::with_probe(one, tests::kinds::registry(), probe);
    tokio::select! {
        biased;
        () = struck.notified() => {}
        ran = engine.run_due() => panic!("it was not cut off: {ran:?}"),
    }
    STRUCK.set(None);
}

fn strike(passed: &str, point: &str) {
    if passed == point {
        STRUCK.with_borrow(|struck| struck.iter().for_each(|struck| struck.notify_one()));
    }
}

#[tokio::test]
async fn a_renewal_that_is_killed_is_paid_once() {
    let app = TestApp::start_with(&[("JOBS_LEASE", "1s")]).await;
    let person = subscriber(&app, "premium", 49_000 * 3).await;
    app.run_due_jobs().await;
    for (round, point) in ["before_commit", "after_commit"].into_iter().enumerate() {
        go_to_end(&app, &person, "1 second").await;
        vanish_at(&app, point).await;
        eventually("nobody runs it any more", async || {
            let conn = &mut app.app.db.read().await.expect("connects");
            rescue(conn).await.expect("rescues");
            app.database.number("SELECT count(*) FROM jobs WHERE state = 'running'").await == 0
        })
        .await;
        app.run_due_jobs().await;
        let paid = i64::try_from(round).expect("few") + 2;
        assert_eq!(postings(&app).await, paid, "{point}");
        assert_eq!(standing(&person).await, pair("premium", "active"), "{point}");
    }
    assert_eq!(app.available(&person).await, "0.00");
    app.finish().await;
}

#[tokio::test]
async fn a_renewal_that_is_rolled_back_or_run_again_changes_nothing() {
    let app = TestApp::start().await;
    let person = subscriber(&app, "premium", 49_000 * 3).await;
    let before = mine(&person).await;
    let id = SubscriptionId(before.text_at("/data/id").parse().expect("a UUID"));
    let end = before.text_at("/data/end_date").parse().expect("a time");
    go_to_end(&app, &person, "1 second").await;
    let rolled_back = app
        .app
        .db
        .transaction(async |tx| {
            let _done = shared::subscriptions::renew(tx, &app.app, id, end).await?;
            Err::<(), _>(shared::Error::internal("killed"))
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!(postings(&app).await, 1);
    app.run_due_jobs().await;
    for _ in 0..3 {
        let again = AutoRenewSubscription { user_subscription_id: id, period_end: end };
        app.enqueue(again).await;
        app.run_due_jobs().await;
    }
    assert_eq!(postings(&app).await, 2);
    assert_eq!(app.available(&person).await, "49000.00");
    let history = mine(&person).await.at("/data/payment_history").clone();
    assert_eq!(history.as_array().map(Vec::len), Some(2), "{}", json!(history));
    app.finish().await;
}
