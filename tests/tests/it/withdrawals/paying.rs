//! The payout: one per withdrawal, whatever Multicard answers, and nobody's guess decides about money.

use futures::future::{BoxFuture, FutureExt as _};
use sandbox::{Call, Effect, End, Order, Reply, Status};
use serde_json::json;
use shared::jobs::{Prepared, Runner, kinds};
use tests::TestApp;

use super::{HUMO, UZCARD, ask, balance, money, payouts, platform, rich, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_held_when_it_is_asked_for_and_paid_to_the_card() {
    let (acquirer, app) = platform(&[]).await;
    for (card, masked) in [(UZCARD, "860053******8829"), (HUMO, "986001******8903")] {
        let person = rich(&app, 100_000).await;
        let asked = ask(&person, 60_000, card).await.expect(201);
        let id = asked.text_at("/id");
        assert_eq!(asked.text_at("/status"), "pending");
        assert_eq!(asked.text_at("/card_number"), masked.replace("******", "••••"));
        assert_eq!(balance(&person).await, money("40000.00", "60000.00"));
        app.run_due_jobs().await;
        assert_eq!(status(&person, id).await, "completed");
        assert_eq!(balance(&person).await, money("40000.00", "0.00"));
        let paid = payouts(&acquirer, id);
        assert_eq!(paid.len(), 1);
        assert_eq!((paid[0].amount, paid[0].card.masked.as_str()), (6_000_000, masked));
        let transaction =
            person.client.get(&format!("payments/transactions/{id}/")).await.expect(200);
        assert_eq!(transaction.text_at("/type"), "withdrawal");
        assert_eq!(transaction.text_at("/status"), "completed");
        let mails = tests::mail::mails_to(&app.mail_dir, &person.email);
        assert!(mails.iter().any(|mail| mail.contains("your withdrawal was paid")), "{mails:?}");
        // The same job again, and the scan, find nothing to do.
        app.enqueue(kinds::ReconcilePayments::default()).await;
        app.run_due_jobs().await;
        assert_eq!(payouts(&acquirer, id).len(), 1);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_lost_on_the_way_a_withdrawal_is_paid_once() {
    let (acquirer, app) = platform(&[]).await;
    let multicard = &acquirer.multicard;
    let refusal = || Reply::Refusal("ERROR_UNKNOWN".to_owned());
    let late = Effect::SettlesAfter { asks: 2, end: End::Success };
    for (call, reply, effect) in [
        // Accepted, and the answer is lost or says nothing.
        (Call::CreateCredit, Reply::Silence, Effect::Normal),
        (Call::CreateCredit, Reply::Cut, Effect::Normal),
        (Call::CreateCredit, Reply::Status(502), Effect::Normal),
        (Call::CreateCredit, Reply::Garbage, Effect::Normal),
        (Call::CreateCredit, Reply::DebitUnknown, Effect::Normal),
        (Call::CreateCredit, Reply::DebitUnknown, late),
        (Call::CreateCredit, Reply::Proper, late),
        (Call::CreateCredit, Reply::Late { millis: 2_000 }, Effect::Normal),
        // It says no, and it is paid all the same.
        (
            Call::CreateCredit,
            Reply::Says { status: Some(Status::Error), amount: None },
            Effect::Normal,
        ),
        (Call::CreateCredit, Reply::Says { status: None, amount: Some(1) }, Effect::Normal),
        // Not accepted, and nobody knows.
        (Call::CreateCredit, Reply::Silence, Effect::Nothing),
        (Call::CreateCredit, Reply::Cut, Effect::Nothing),
        (Call::CreateCredit, Reply::Status(500), Effect::Nothing),
        (Call::CreateCredit, refusal(), Effect::Normal),
        // The questions are not answered either.
        (Call::CreditHistory, Reply::Silence, Effect::Normal),
        (Call::CreditHistory, Reply::Garbage, Effect::Normal),
        (Call::CreditHistory, Reply::Says { status: None, amount: Some(1) }, Effect::Normal),
        (Call::Auth, Reply::Status(503), Effect::Nothing),
    ] {
        let what = format!("{call:?} {reply:?} {effect:?}");
        let person = rich(&app, 50_000).await;
        if call == Call::Auth {
            multicard.expire_tokens();
        }
        multicard.order(Order::on(call).reply(reply).effect(effect));
        let asked = ask(&person, 50_000, UZCARD).await.expect(201);
        let id = asked.text_at("/id");
        let mut minutes = 0;
        while status(&person, id).await != "completed" {
            assert_eq!(balance(&person).await, money("0.00", "50000.00"), "{what} after {minutes}");
            assert!(minutes < 120, "{what}: {} after {minutes} minutes", status(&person, id).await);
            app.run_due_jobs().await;
            app.advance("1 minute").await;
            minutes += 1;
        }
        assert_eq!(balance(&person).await, money("0.00", "0.00"), "{what}");
        let paid = payouts(&acquirer, id);
        assert_eq!(paid.len(), 1, "{what} is paid once: {paid:?}");
        assert_eq!(paid[0].status, Status::Success);
        multicard.forget_orders();
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definite_no_gives_the_money_back() {
    let (acquirer, app) = platform(&[]).await;
    for (reply, effect) in [
        (Reply::Refusal("ERROR_CARD_NOT_FOUND".to_owned()), Effect::Normal),
        (Reply::Refusal("ERROR_FIELDS".to_owned()), Effect::Normal),
        (Reply::Proper, Effect::Fails),
        (Reply::Proper, Effect::SettlesAfter { asks: 2, end: End::Error }),
        (Reply::Silence, Effect::Fails),
    ] {
        let person = rich(&app, 50_000).await;
        acquirer.multicard.order(Order::on(Call::CreateCredit).reply(reply.clone()).effect(effect));
        let asked = ask(&person, 50_000, UZCARD).await.expect(201);
        let id = asked.text_at("/id");
        for _ in 0..30 {
            app.run_due_jobs().await;
            app.advance("1 minute").await;
        }
        assert_eq!(status(&person, id).await, "failed", "{reply:?} {effect:?}");
        assert_eq!(balance(&person).await, money("50000.00", "0.00"));
        let mails = tests::mail::mails_to(&app.mail_dir, &person.email);
        assert!(mails.iter().any(|mail| mail.contains("could not be paid")), "{mails:?}");
        // The same again is another withdrawal, because this one failed.
        let again = ask(&person, 50_000, UZCARD).await.expect(201);
        assert_ne!(again.text_at("/id"), id);
        app.run_due_jobs().await;
        assert_eq!(status(&person, again.text_at("/id")).await, "completed");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_it_stays_where_it_is_and_operators_see_it() {
    let (acquirer, app) = platform(&[]).await;
    let person = rich(&app, 50_000).await;
    let silence =
        |call| Order::on(call).times(1_000).reply(Reply::Status(500)).effect(Effect::Nothing);
    acquirer.multicard.order(Order::on(Call::CreateCredit).reply(Reply::Cut).effect(Effect::Waits));
    let asked = ask(&person, 50_000, UZCARD).await.expect(201);
    let id = asked.text_at("/id");
    app.run_due_jobs().await;
    acquirer.multicard.order(silence(Call::CreditHistory));
    for _ in 0..30 {
        app.advance("1 hour").await;
        app.run_due_jobs().await;
    }
    assert_eq!(status(&person, id).await, "processing");
    assert_eq!(balance(&person).await, money("0.00", "50000.00"));
    assert_eq!(payouts(&acquirer, id).len(), 1);
    assert_eq!(acquirer.multicard.asked(Call::CreateCredit), 1, "nothing is sent into the dark");
    let called = "SELECT count(*) FROM audit_log WHERE action = 'withdrawal.unanswered'";
    assert_eq!(app.database.number(called).await, 1, "a human is called, once");
    let staff = app.staff().await;
    let unknown =
        staff.client.get("payments/withdrawals/?admin=true&unknown=true").await.expect(200);
    assert_eq!(unknown.at("/count"), &json!(1));
    assert_eq!(unknown.text_at("/results/0/id"), id);
    assert!(unknown.at("/results/0/outcome_unknown_at").is_string());
    person
        .client
        .post_empty(&format!("payments/withdrawals/{id}/cancel/"))
        .await
        .expect_error(409, "INVALID_STATE");
    acquirer.multicard.forget_orders();
    let payout = payouts(&acquirer, id).remove(0);
    acquirer.multicard.settle(&payout.uuid, End::Success).expect("in progress");
    app.advance("1 hour").await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, id).await, "completed");
    app.finish().await;
}

/// Runs the payout's job up to its call, and forgets what came back: a worker that dies before it can say so.
fn die_after_the_call<'a>(app: &'a TestApp, id: &'a str) -> BoxFuture<'a, ()> {
    async move {
        let registry = shared::jobs::registry();
        let entry = registry.get("process_withdrawal").expect("registered");
        let Runner::External(runner) = &entry.runner else { panic!("a call to the outside") };
        let args = json!({ "transaction_id": id });
        let prepared = app
            .app
            .db
            .transaction(async |tx| runner.prepare(args.clone(), 1, tx, &app.app).await)
            .await
            .expect("prepares");
        let Prepared::Call(mut call) = prepared else { panic!("there is a call to make") };
        call.call(&app.app).await.expect("calls");
    }
    .boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_between_sending_and_recording_does_not_pay_twice() {
    let (acquirer, app) = platform(&[]).await;
    let person = rich(&app, 50_000).await;
    let asked = ask(&person, 50_000, UZCARD).await.expect(201);
    let id = asked.text_at("/id");
    die_after_the_call(&app, id).await;
    assert_eq!(payouts(&acquirer, id).len(), 1, "it was sent");
    assert_eq!(status(&person, id).await, "processing");
    app.run_due_jobs().await;
    assert_eq!(status(&person, id).await, "completed");
    assert_eq!(payouts(&acquirer, id).len(), 1, "and not again");
    assert_eq!(acquirer.multicard.asked(Call::CreateCredit), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_before_sending_leaves_it_to_another() {
    let (acquirer, app) = platform(&[]).await;
    let person = rich(&app, 50_000).await;
    let asked = ask(&person, 50_000, UZCARD).await.expect(201);
    let id = asked.text_at("/id");
    acquirer
        .multicard
        .order(Order::on(Call::CreateCredit).reply(Reply::Cut).effect(Effect::Nothing));
    die_after_the_call(&app, id).await;
    assert!(payouts(&acquirer, id).is_empty());
    app.run_due_jobs().await;
    assert!(payouts(&acquirer, id).is_empty(), "an answer may still be on its way");
    // The job itself is lost as well.
    app.database.execute("DELETE FROM jobs WHERE kind = 'process_withdrawal'").await;
    app.advance("16 minutes").await;
    app.enqueue(kinds::ReconcilePayments::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&person, id).await, "completed");
    assert_eq!(payouts(&acquirer, id).len(), 1);
    app.finish().await;
}
