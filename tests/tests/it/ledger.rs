//! The ledger: what the database refuses, whoever asks.

use futures::future::join_all;
use proptest::prelude::*;
use shared::audit::Actor;
use shared::error::Code;
use shared::ledger::{Account, Posting, post};
use shared::{Money, Outcome};
use tests::{Person, TestApp};

fn withdrawal(number: usize, person: &Person, amount: &str) -> Posting {
    let amount = Money::parse(amount).expect("an amount");
    Posting::new(format!("test:{number}:{}", person.id), "test", Actor::System)
        .leg(Account::Available(person.id), -amount)
        .leg(Account::Suspense, amount)
}

async fn posted(app: &TestApp, posting: &Posting) -> Result<Outcome, Code> {
    app.app.db.transaction(async |tx| post(tx, posting).await).await.map_err(|error| error.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_money_cannot_be_spent_twice() {
    let app = TestApp::start().await;
    let person = app.person("spender").await;
    app.fund(&person, 100_000).await;
    let spends: Vec<_> = (0..32).map(|number| withdrawal(number, &person, "60000.00")).collect();
    let outcomes = join_all(spends.iter().map(|posting| posted(&app, posting))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Done)).count(), 1);
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == Err(Code::InsufficientFunds)).count(),
        31
    );
    assert_eq!(app.available(&person).await, "40000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_business_key_is_posted_once_however_often_it_is_tried() {
    let app = TestApp::start().await;
    let person = app.person("spender").await;
    app.fund(&person, 100_000).await;
    let posting = withdrawal(0, &person, "1000.00");
    let outcomes = join_all((0..32).map(|_| posted(&app, &posting))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Done)).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::AlreadyDone)).count(), 31);
    assert_eq!(app.available(&person).await, "99000.00");
    app.finish().await;
}

#[tokio::test]
async fn the_database_refuses_wrong_money_whoever_asks() {
    let app = TestApp::start().await;
    let person = app.person("owner").await;
    app.fund(&person, 100_000).await;
    let user = format!("user:{}:available", person.id);
    for (wrong, as_owner, statement) in [
        ("an unbalanced posting", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', 'system:suspense'], ARRAY[-1, 2])")),
        ("one leg", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}'], ARRAY[0])")),
        ("one account twice", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', '{user}'], ARRAY[-1, 1])")),
        ("a third decimal", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', 'system:suspense'], ARRAY[-0.001, 0.001])")),
        ("an unknown account", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', 'nobody'], ARRAY[-1, 1])")),
        ("an overdraft", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', 'system:suspense'], ARRAY[-100000.01, 100000.01])")),
        ("a foreign currency", false, format!("SELECT ledger.post('x', 'x', 'x', ARRAY['{user}', 'system:suspense'], ARRAY[-1, 1], '{{}}', 'USD')")),
        ("a second credit of one key", true, "INSERT INTO ledger.journal (ref, kind, actor) SELECT ref, kind, actor FROM ledger.journal".to_owned()),
        ("a balance written by the application", false, "UPDATE ledger.account SET balance = 1000000".to_owned()),
        ("an entry written by the application", false, "INSERT INTO ledger.entry (journal_id, account_id, amount) SELECT 1, id, 1 FROM ledger.account".to_owned()),
        ("a lone entry, even by the owner", true, "INSERT INTO ledger.entry (journal_id, account_id, amount) SELECT j.id, a.id, 1 FROM ledger.account a, ledger.journal j WHERE a.code = 'system:suspense'".to_owned()),
        ("an edit of history, even by the owner", true, "UPDATE ledger.entry SET amount = amount * 2".to_owned()),
        ("a deletion of history, even by the owner", true, "DELETE FROM ledger.journal".to_owned()),
        ("a wiped history, even by the owner", true, "TRUNCATE ledger.entry".to_owned()),
        ("a moved clock by the application", false, "UPDATE app_clock SET shift = interval '1 day'".to_owned()),
        ("an edited audit log", false, "UPDATE audit_log SET action = 'nothing'".to_owned()),
    ] {
        let url = if as_owner { app.database.owner_url() } else { app.database.app_url() };
        let mut conn = <diesel_async::AsyncPgConnection as diesel_async::AsyncConnection>::establish(&url).await.expect("connects");
        let refused = diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, &statement).await;
        assert!(refused.is_err(), "{wrong} was accepted");
    }
    assert_eq!(app.available(&person).await, "100000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_in_the_middle_leaves_no_lock_behind() {
    let app = TestApp::start().await;
    let person = app.person("impatient").await;
    app.fund(&person, 100_000).await;
    let (db, posting) = (app.app.db.clone(), withdrawal(0, &person, "1000.00"));
    let (reached, middle) = tokio::sync::oneshot::channel();
    let request = tokio::spawn(async move {
        db.transaction(async |tx| {
            let outcome = post(tx, &posting).await?;
            reached.send(()).expect("somebody waits");
            std::future::pending::<()>().await;
            Ok(outcome)
        })
        .await
    });
    middle.await.expect("is in the middle");
    request.abort();
    assert_eq!(posted(&app, &withdrawal(1, &person, "2000.00")).await, Ok(Outcome::Done));
    assert_eq!(app.available(&person).await, "98000.00", "what was not committed did not happen");
    app.finish().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_commission_and_its_rest_are_the_whole_and_grow_with_the_price(tiyin in 1_i64..10_i64.pow(14), rate in 0_i32..=10_000) {
        let price = Money::from_tiyin(tiyin);
        let commission = price.share(rate);
        let rest = price.checked_sub(commission).expect("fits");
        prop_assert!(commission >= Money::ZERO && commission <= price);
        prop_assert_eq!(commission.checked_add(rest), Some(price));
        prop_assert!(Money::from_tiyin(tiyin + 1).share(rate) >= commission);
        let exact = i128::from(tiyin) * i128::from(rate);
        prop_assert_eq!(commission.to_tiyin().map(i128::from), Some((exact + 5_000) / 10_000));
    }

    #[test]
    fn an_amount_is_printed_as_it_is_read(tiyin in 0_i64..10_i64.pow(17)) {
        let money = Money::from_tiyin(tiyin);
        prop_assert_eq!(Money::parse(&money.to_string()), Some(money));
        prop_assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&money).expect("writes")).ok(), Some(money));
    }

    #[test]
    fn no_text_is_misread(text in "[0-9eE+., -]{0,12}") {
        if let Some(money) = Money::parse(&text) {
            let digits: String = text.chars().filter(|c| *c != '.').collect();
            prop_assert!(digits.chars().all(|c| c.is_ascii_digit()));
            prop_assert!(money >= Money::ZERO);
        }
    }
}
