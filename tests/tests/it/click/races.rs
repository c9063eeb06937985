//! Calls that meet: one credit for one payment, and no debited payer forgotten.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;
use shared::jobs::kinds::ExpireDeposits;
use tests::{Click, TestApp, eventually};
use tokio::sync::{Barrier, oneshot};

use super::{SOUM, cases, credits, error, order, status};

/// Sends all forms at the same moment; the answers' errors, in the order of the forms.
async fn at_once(click: &Click, forms: Vec<tests::ClickForm>) -> Vec<Value> {
    let barrier = Barrier::new(forms.len());
    join_all(forms.iter().map(async |form| {
        barrier.wait().await;
        click.send(form).await
    }))
    .await
}

fn errors(answers: &[Value]) -> Vec<i64> {
    let mut errors: Vec<i64> = answers.iter().map(error).collect();
    errors.sort_unstable();
    errors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_payment_reported_sixteen_times_at_once_is_credited_once() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let number = Click::number();
    let prepared = at_once(&click, vec![click.prepare_form(number, &order.id, SOUM); 16]).await;
    assert!(prepared.iter().all(|answer| *answer == prepared[0]), "{prepared:#?}");
    assert_eq!(error(&prepared[0]), 0);
    let prepare_id = prepared[0]["merchant_prepare_id"].to_string();
    let form = click.complete_form(number, &order.id, &prepare_id, (SOUM, 0));
    let mut expected = vec![-4; 15];
    expected.push(0);
    assert_eq!(errors(&at_once(&click, vec![form; 16]).await), expected);
    assert_eq!(app.available(&order.person).await, "50000.00");
    assert_eq!(credits(&app).await, 1);
    assert!(cases(&app, &order.id).await.is_empty(), "a replay is no second payment");
    let calls = app.database.number("SELECT count(*) FROM webhook_calls").await;
    assert_eq!(calls, 32, "every call is recorded");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_payers_of_one_order_at_once_are_one_credit_and_seven_cases() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let mut forms = Vec::new();
    for _ in 0..8 {
        let (number, id) = click.begin(&order.id, SOUM).await;
        forms.push(click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0)));
    }
    let mut expected = vec![-4; 7];
    expected.push(0);
    assert_eq!(errors(&at_once(&click, forms.clone()).await), expected);
    assert_eq!(errors(&at_once(&click, forms).await), [-4; 8], "and again");
    assert_eq!(app.available(&order.person).await, "50000.00");
    assert_eq!(cases(&app, &order.id).await, ["paid_twice"; 7], "their payers were debited");
    app.advance("24 hours 1 second").await;
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &order.id).await, "completed");
    let left = "SELECT count(*) FROM click_payments WHERE state = 'prepared'";
    assert_eq!(app.database.number(left).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payer_who_begins_while_another_pays_waits_or_is_told() {
    let app = TestApp::start().await;
    let click = app.click();
    for _ in 0..4 {
        let order = order(&app).await;
        let (number, id) = click.begin(&order.id, SOUM).await;
        let mut forms: Vec<_> =
            (0..8).map(|_| click.prepare_form(Click::number(), &order.id, SOUM)).collect();
        forms.insert(4, click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0)));
        let answers = at_once(&click, forms).await;
        assert_eq!(error(&answers[4]), 0, "the payment is credited: {answers:#?}");
        for (place, answer) in answers.iter().enumerate().filter(|(place, _)| *place != 4) {
            assert!([0, -4].contains(&error(answer)), "{place}: {answer}");
        }
        let mut late = 0;
        for answer in answers.iter().filter(|answer| answer["merchant_prepare_id"].is_i64()) {
            let number = answer["click_trans_id"].as_i64().expect("a number");
            let id = &answer["merchant_prepare_id"];
            let paid = click.complete(number, &order.id, id, (SOUM, 0)).await;
            assert_eq!(error(&paid), -4);
            late += 1;
        }
        assert_eq!(cases(&app, &order.id).await.len(), late);
        assert_eq!(app.available(&order.person).await, "50000.00");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_number_for_two_orders_at_once_is_one_payment() {
    let app = TestApp::start().await;
    let click = app.click();
    for _ in 0..4 {
        let (one, other) = (order(&app).await, order(&app).await);
        let number = Click::number();
        let forms = [&one, &other].map(|order| click.prepare_form(number, &order.id, SOUM));
        assert_eq!(errors(&at_once(&click, forms.to_vec()).await), [-8, 0]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn success_and_failure_of_one_payment_at_once_are_one_of_them() {
    let app = TestApp::start().await;
    let click = app.click();
    for _ in 0..8 {
        let order = order(&app).await;
        let (number, id) = click.begin(&order.id, SOUM).await;
        let forms = [0, -5017]
            .map(|code| click.complete_form(number, &order.id, &id.to_string(), (SOUM, code)));
        let answers = at_once(&click, forms.to_vec()).await;
        assert_eq!(error(&answers[1]), -9);
        let balance = app.available(&order.person).await;
        let kinds = cases(&app, &order.id).await;
        match error(&answers[0]) {
            0 => assert_eq!(
                (balance.as_str(), kinds.as_slice()),
                ("50000.00", &["failed_after_payment".to_owned()][..])
            ),
            -9 => assert_eq!(
                (balance.as_str(), kinds.as_slice()),
                ("0.00", &["paid_after_failure".to_owned()][..])
            ),
            other => panic!("{other}: {answers:?}"),
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_meets_its_expiry_is_never_lost() {
    let app = TestApp::start().await;
    let click = app.click();
    for _ in 0..12 {
        let order = order(&app).await;
        let (number, id) = click.begin(&order.id, SOUM).await;
        app.advance("24 hours 1 second").await;
        app.run_due_jobs().await;
        app.enqueue(ExpireDeposits::default()).await;
        let (engine, barrier) = (app.engine().await, Arc::new(Barrier::new(2)));
        let expiry = tokio::spawn({
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                engine.run_due().await.expect("runs")
            }
        });
        barrier.wait().await;
        let paid = click.complete(number, &order.id, &id, (SOUM, 0)).await;
        expiry.await.expect("ends");
        assert_eq!(error(&paid), 0, "the payer was debited: {paid}");
        assert_eq!(app.available(&order.person).await, "50000.00");
        let kinds = cases(&app, &order.id).await;
        match status(&app, &order.id).await.as_str() {
            "completed" => assert!(kinds.is_empty(), "{kinds:?}"),
            "cancelled" => assert_eq!(kinds, ["paid_late"]),
            other => panic!("{other}"),
        }
        let replay = click.complete(number, &order.id, &id, (SOUM, 0)).await;
        assert_eq!(error(&replay), -4, "either way it was credited once");
    }
    assert_eq!(credits(&app).await, 12);
    app.finish().await;
}

/// Somebody waits for a lock in this test's database.
const WAITING: &str = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                       WHERE NOT l.granted AND a.datname = current_database()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_finds_its_expiry_half_done_waits_for_it_and_is_credited() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let (number, id) = click.begin(&order.id, SOUM).await;
    app.advance("24 hours 1 second").await;
    let (swept, is_swept) = oneshot::channel();
    let (commit, may_commit) = oneshot::channel::<()>();
    let platform = Arc::clone(&app.app);
    let sweep = tokio::spawn(async move {
        let swept = async move |tx: &mut shared::Tx| {
            let done = shared::payments::expire_deposits(tx).await?;
            swept.send(done).expect("somebody listens");
            may_commit.await.expect("is told to");
            Ok(())
        };
        platform.db.transaction(swept).await
    });
    is_swept.await.expect("sweeps");
    let paying = tokio::spawn({
        let (click, order) = (click.clone(), order.id.clone());
        async move { click.complete(number, &order, &id, (SOUM, 0)).await }
    });
    eventually("the payment waits for the expiry", async || app.database.number(WAITING).await > 0)
        .await;
    commit.send(()).expect("waits");
    sweep.await.expect("ends").expect("commits");
    let paid = paying.await.expect("ends");
    assert_eq!(error(&paid), 0, "the payer was debited: {paid}");
    assert_eq!(app.available(&order.person).await, "50000.00");
    assert_eq!(status(&app, &order.id).await, "cancelled");
    assert_eq!(cases(&app, &order.id).await, ["paid_late"]);
    app.finish().await;
}
