//! Paynet's web service, as Paynet speaks it: every method in order, every replay, and whatever else arrives.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::jobs::kinds::ExpireDeposits;
use tests::{Paynet, Person, Story, TestApp};

const SOUM: i64 = 50_000;
const TIYIN: i64 = SOUM * 100;

struct Order {
    id: String,
    person: Person,
}

async fn order(app: &TestApp) -> Order {
    let person = app.person("payer").await;
    let body = json!({ "amount": SOUM, "payment_method": "paynet" });
    let reply = person.client.post("payments/deposit/", body).await.expect(201);
    let id = reply.text_at("/id").to_owned();
    assert_eq!(
        reply.text_at("/payment_url"),
        format!("https://app.paynet.uz/?m=30001&c={id}&a={TIYIN}")
    );
    Order { id, person }
}

fn code(answer: &Value) -> i64 {
    answer.pointer("/error/code").and_then(Value::as_i64).unwrap_or_default()
}

fn one(id: i64) -> Value {
    json!({ "transactionId": id, "timestamp": Paynet::local(Utc::now()) })
}

/// A time of an answer, read as Tashkent's.
fn moment(answer: &Value) -> DateTime<Utc> {
    let text = answer["result"]["timestamp"].as_str().expect("a timestamp");
    format!("{}+05:00", text.replace(' ', "T")).parse().expect("a time")
}

async fn credits(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM ledger.journal WHERE kind = 'deposit'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_answers_as_the_protocol_says() {
    let app = TestApp::start().await;
    let (paynet, order) = (Paynet::new(&app.client), order(&app).await);
    for field in ["order_id", "client_id"] {
        let asked = paynet.call("GetInformation", json!({ "fields": { field: order.id } })).await;
        assert_eq!(
            (&asked["result"]["status"], &asked["result"]["fields"]),
            (&json!("0"), &json!({ "name": "payer", "amount": SOUM })),
            "soum for the payer's eyes"
        );
    }
    let id = Paynet::transaction_id();
    let checked = paynet.call("CheckTransaction", one(id)).await;
    assert_eq!(checked["result"]["transactionState"], 3, "not yet");
    assert_eq!(checked["result"]["providerTrnId"], 0);
    assert_eq!(code(&paynet.call("CancelTransaction", one(id)).await), 203, "not yet");

    let params = Paynet::perform(id, &order.id, TIYIN);
    let paid = paynet.call("PerformTransaction", params.clone()).await;
    let ours = paid["result"]["providerTrnId"].as_i64().expect("our number");
    assert!(ours > 0);
    let age = app.now().await - moment(&paid);
    assert!(age >= TimeDelta::zero() && age < TimeDelta::seconds(30), "Tashkent's clock: {age}");
    assert_eq!(app.available(&order.person).await, "50000.00");
    let replays =
        [params, Paynet::perform(id, &order.id, TIYIN + 1), Paynet::perform(id, "nobody", TIYIN)];
    for replay in replays {
        assert_eq!(code(&paynet.call("PerformTransaction", replay).await), 201, "never again");
    }
    let checked = paynet.call("CheckTransaction", one(id)).await;
    assert_eq!(
        checked["result"],
        json!({ "transactionState": 1, "timestamp": paid["result"]["timestamp"], "providerTrnId": ours })
    );
    let other = Paynet::perform(Paynet::transaction_id(), &order.id, TIYIN);
    assert_eq!(code(&paynet.call("PerformTransaction", other).await), 302, "it is paid");
    let asked = paynet.call("GetInformation", json!({ "fields": { "order_id": order.id } })).await;
    assert_eq!(code(&asked), 302, "it is paid");

    let cancelled = paynet.call("CancelTransaction", one(id)).await;
    assert_eq!(cancelled["result"]["transactionState"], 2, "{cancelled}");
    assert_eq!(cancelled["result"]["providerTrnId"], ours);
    assert_eq!(app.available(&order.person).await, "0.00");
    assert_eq!(paynet.call("CancelTransaction", one(id)).await, cancelled, "byte for byte");
    assert_eq!(paynet.call("CheckTransaction", one(id)).await["result"]["transactionState"], 2);
    let again = Paynet::perform(id, &order.id, TIYIN);
    assert_eq!(code(&paynet.call("PerformTransaction", again).await), 201);
    let changed = paynet.call("ChangePassword", json!({ "newPassword": "another" })).await;
    assert_eq!(code(&changed), -32_601, "the password is changed in the settings");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_cancellation_can_be_refused_and_the_last_password_still_opens() {
    let app = TestApp::start_with(&[
        ("PAYNET_CANCEL_REPLAY_REFUSED", "True"),
        ("PAYNET_PASSWORD", "the-new-password-1"),
        ("PAYNET_PASSWORD_PREVIOUS", "sandbox-paynet-password"),
    ])
    .await;
    let (old, order) = (Paynet::new(&app.client), order(&app).await);
    let id = old.pay(&order.id, TIYIN).await;
    let new = Paynet::with(&app.client, "sandbox-paynet", "the-new-password-1");
    assert_eq!(new.call("CancelTransaction", one(id)).await["result"]["transactionState"], 2);
    assert_eq!(code(&new.call("CancelTransaction", one(id)).await), 202);
    assert_eq!(app.available(&order.person).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_equal_payments_at_once_are_one_payment() {
    let app = TestApp::start().await;
    let (paynet, order) = (Paynet::new(&app.client), order(&app).await);
    let params = Paynet::perform(Paynet::transaction_id(), &order.id, TIYIN);
    let answers =
        join_all((0..16).map(|_| paynet.call("PerformTransaction", params.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.get("result").is_some()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| code(answer) == 201).count(), 15, "{answers:#?}");
    assert_eq!((credits(&app).await, app.available(&order.person).await.as_str()), (1, "50000.00"));
    assert_eq!(app.database.number("SELECT count(*) FROM webhook_calls").await, 16);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_payers_of_one_order_or_one_number_of_two_orders_are_one_payment() {
    let app = TestApp::start().await;
    let (paynet, first) = (Paynet::new(&app.client), order(&app).await);
    let answers = join_all((0..16).map(|_| {
        let params = Paynet::perform(Paynet::transaction_id(), &first.id, TIYIN);
        paynet.call("PerformTransaction", params)
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.get("result").is_some()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| code(answer) == 302).count(), 15, "{answers:#?}");

    let (second, third, id) = (order(&app).await, order(&app).await, Paynet::transaction_id());
    let answers = join_all(
        [&second, &third]
            .map(|order| paynet.call("PerformTransaction", Paynet::perform(id, &order.id, TIYIN))),
    )
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.get("result").is_some()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| code(answer) == 201).count(), 1, "{answers:#?}");
    assert_eq!(credits(&app).await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_at_the_end_of_its_day_is_credited_or_refused_and_never_both() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    let mut outcomes = Vec::new();
    for _round in 0..4 {
        let order = order(&app).await;
        app.advance("23 hours 59 minutes").await;
        // The last minute runs out while the call is under way.
        let (id, barrier) = (Paynet::transaction_id(), tokio::sync::Barrier::new(2));
        let perform = async {
            barrier.wait().await;
            paynet.call("PerformTransaction", Paynet::perform(id, &order.id, TIYIN)).await
        };
        let expire = async {
            app.enqueue(ExpireDeposits::default()).await;
            barrier.wait().await;
            app.advance("2 minutes").await;
            app.run_due_jobs().await;
        };
        let (paid, ()) = tokio::join!(perform, expire);
        let status = app
            .database
            .texts(&format!("SELECT status FROM transactions WHERE id = '{}'", order.id))
            .await;
        let balance = app.available(&order.person).await;
        match code(&paid) {
            0 => assert_eq!((status[0].as_str(), balance.as_str()), ("completed", "50000.00")),
            302 => assert_eq!((status[0].as_str(), balance.as_str()), ("cancelled", "0.00")),
            other => panic!("{other}: {paid}"),
        }
        outcomes.push(code(&paid));
    }
    let late = order(&app).await;
    app.advance("24 hours 1 minute").await;
    let params = Paynet::perform(Paynet::transaction_id(), &late.id, TIYIN);
    assert_eq!(code(&paynet.call("PerformTransaction", params).await), 302, "{outcomes:?}");
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_that_overtakes_its_payment_finds_nothing_or_all_of_it() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    for _round in 0..8 {
        let (order, id) = (order(&app).await, Paynet::transaction_id());
        let (paid, cancelled) = tokio::join!(
            paynet.call("PerformTransaction", Paynet::perform(id, &order.id, TIYIN)),
            paynet.call("CancelTransaction", one(id))
        );
        assert!(paid.get("result").is_some(), "{paid}");
        let balance = app.available(&order.person).await;
        match code(&cancelled) {
            0 => assert_eq!(balance, "0.00", "{cancelled}"),
            203 => assert_eq!(balance, "50000.00"),
            other => panic!("{other}: {cancelled}"),
        }
    }
    let (order, cancels) = (order(&app).await, 16);
    let id = paynet.pay(&order.id, TIYIN).await;
    let answers = join_all((0..cancels).map(|_| paynet.call("CancelTransaction", one(id)))).await;
    assert!(answers[0].get("result").is_some() && answers.iter().all(|one| *one == answers[0]));
    assert_eq!(app.available(&order.person).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_is_spent_is_not_given_back() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    for _round in 0..3 {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let buyer = app.person("buyer").await;
        let body = json!({ "amount": "100000.00", "payment_method": "paynet" });
        let deposit = buyer.client.post("payments/deposit/", body).await.expect(201);
        let id = paynet.pay(deposit.text_at("/id"), 10_000_000).await;
        let (bought, cancelled) = tokio::join!(
            buyer.client.post("payments/purchase/", json!({ "listing_id": listing })),
            paynet.call("CancelTransaction", one(id))
        );
        match bought.status {
            201 => {
                assert_eq!(code(&cancelled), 77, "{cancelled}");
                let checked = paynet.call("CheckTransaction", one(id)).await;
                assert_eq!(checked["result"]["transactionState"], 1, "it stays paid");
            }
            402 => assert_eq!(cancelled["result"]["transactionState"], 2, "{cancelled}"),
            other => panic!("{other}: {}", bought.text),
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statement_has_what_was_paid_between_its_ends_in_order() {
    let app = TestApp::start().await;
    let paynet = Paynet::new(&app.client);
    let mut paid = Vec::new();
    for _number in 0..5 {
        let order = order(&app).await;
        let id = paynet.pay(&order.id, TIYIN).await;
        let checked = paynet.call("CheckTransaction", one(id)).await;
        paid.push((moment(&checked), id, checked["result"].clone()));
        app.advance("1 hour").await;
    }
    paynet.call("CancelTransaction", one(paid[2].1)).await;
    let statement = async |from: DateTime<Utc>, to: DateTime<Utc>| {
        let period = json!({ "dateFrom": Paynet::local(from), "dateTo": Paynet::local(to) });
        let answer = paynet.call("GetStatement", period).await;
        answer["result"]["statements"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    };
    let lines = statement(paid[1].0, paid[3].0).await;
    let expected: Vec<_> = [&paid[1], &paid[3]]
        .map(|(_, id, checked)| {
            json!({ "amount": TIYIN, "providerTrnId": checked["providerTrnId"], "transactionId": id, "timestamp": checked["timestamp"] })
        })
        .into();
    assert_eq!(lines, expected, "both ends belong to it, what was paid back does not");
    let second = TimeDelta::seconds(1);
    assert_eq!(statement(paid[1].0 + second, paid[3].0 - second).await, Vec::<Value>::new());
    assert_eq!(statement(paid[0].0, paid[4].0).await.len(), 4);
    let dotted = json!({ "dateFrom": "01.01.2020 00:00:00", "dateTo": "31.12.2099 23:59:59" });
    let all = paynet.call("GetStatement", dotted).await;
    assert_eq!(all["result"]["statements"].as_array().map(Vec::len), Some(4));
    for (from, to, expected) in [
        (json!("2026-10-02 00:00:00"), json!("2026-10-01 00:00:00"), 414),
        (json!("2026-10-02"), json!("2026-10-03"), 414),
        (json!(1_790_794_509), json!("2026-10-01 00:00:00"), 414),
        (json!("2026-10-01 00:00:00"), Value::Null, 411),
    ] {
        let answer = paynet.call("GetStatement", json!({ "dateFrom": from, "dateTo": to })).await;
        assert_eq!(code(&answer), expected, "{from} {to}");
    }
    app.finish().await;
}
