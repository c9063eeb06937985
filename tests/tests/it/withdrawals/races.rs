//! Races over money on its way out, at a barrier, each with the proof that its window was hit.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Race, Story, Winner};

use super::{HUMO, UZCARD, ask, balance, money, payouts, platform, rich, status};

/// Rounds, unless told otherwise.
const ROUNDS: u32 = 4;
/// Withdrawals asked for at once.
const CROWD: i64 = 16;
const PURCHASE: &str = "payments/purchase/";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_withdrawals_at_once_take_what_is_there_and_no_more() {
    let (acquirer, app) = platform(&[]).await;
    let mut race = Race::new("R4 many withdrawals, one balance", ROUNDS);
    for _ in race.rounds() {
        let person = rich(&app, 100_000).await;
        let asks = (0..CROWD).map(|n| ask(&person, 60_000 + n * 30, UZCARD));
        let answers = race.crowd(asks).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(made.len(), 1, "one fits");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            let said = (answer.status, answer.code());
            assert_eq!(said, (402, "INSUFFICIENT_FUNDS"), "{}", answer.text);
        }
        let taken = made[0].text_at("/amount").trim_end_matches(".00").parse::<i64>();
        let taken = taken.expect("whole UZS");
        let left = money(&format!("{}.00", 100_000 - taken), &format!("{taken}.00"));
        assert_eq!(balance(&person).await, left, "{taken} is held");
        race.saw("one withdrawal");
    }
    race.end(&["one withdrawal"]);
    let mut race = Race::new("R4 one withdrawal, clicked nine times", ROUNDS);
    for _ in race.rounds() {
        let person = rich(&app, 100_000).await;
        let clicks = race.crowd((0..9).map(|_| ask(&person, 30_000, HUMO))).await;
        assert_eq!(clicks.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(clicks.iter().all(|answer| matches!(answer.status, 200 | 201)));
        let ids: BTreeSet<&str> = clicks.iter().map(|answer| answer.text_at("/id")).collect();
        assert_eq!(ids.len(), 1, "nine equal answers");
        assert!(clicks.iter().all(|answer| answer.json == clicks[0].json));
        assert_eq!(balance(&person).await, money("70000.00", "30000.00"));
        app.run_due_jobs().await;
        assert_eq!(payouts(&acquirer, clicks[0].text_at("/id")).len(), 1, "paid once");
        race.saw("one withdrawal");
    }
    race.end(&["one withdrawal"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_purchase_and_a_withdrawal_spend_one_balance_once() {
    let (_acquirer, app) = platform(&[]).await;
    let mut race = Race::new("R4 purchase against withdrawal", ROUNDS * 2);
    for _ in race.rounds() {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let person = rich(&app, 100_000).await;
        let buy = person.client.post(PURCHASE, json!({ "listing_id": listing }));
        let (bought, withdrawn) = race.duel(buy, ask(&person, 50_000, UZCARD)).await;
        let on_sale = format!("SELECT status FROM listings WHERE id = '{listing}'");
        let listing = app.database.texts(&on_sale).await.remove(0);
        let codes = (bought.code(), withdrawn.code());
        match (bought.status, withdrawn.status, listing.as_str(), codes) {
            (201, 402, "reserved", ("", "INSUFFICIENT_FUNDS")) => {
                assert_eq!(balance(&person).await, money("0.00", "100000.00"));
                race.won(Winner::Left, "bought");
            }
            (402, 201, "active", ("INSUFFICIENT_FUNDS", "")) => {
                assert_eq!(balance(&person).await, money("50000.00", "50000.00"));
                race.won(Winner::Right, "withdrawn");
            }
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end(&["bought", "withdrawn"]);
    let mut race = Race::new("R4 two purchases, one balance", ROUNDS);
    for _ in race.rounds() {
        let mut listings = Vec::new();
        for _ in 0..2 {
            listings.push(Story::new(&app).listed(&app.person("seller").await).await);
        }
        let person = rich(&app, 150_000).await;
        let buy = |listing: &String| person.client.post(PURCHASE, json!({ "listing_id": listing }));
        let (one, two) = race.duel(buy(&listings[0]), buy(&listings[1])).await;
        match (one.status, two.status) {
            (201, 402) => race.won(Winner::Left, "the first"),
            (402, 201) => race.won(Winner::Right, "the second"),
            other => race.fail(&format!("{other:?} {} {}", one.text, two.text)),
        }
        assert_eq!(balance(&person).await, money("50000.00", "100000.00"));
    }
    race.end(&["the first", "the second"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r11_a_cancellation_and_a_worker_at_once_have_one_winner() {
    let (acquirer, app) = platform(&[]).await;
    let mut race = Race::new("R11 cancellation against payout", ROUNDS * 3);
    for _ in race.rounds() {
        let person = rich(&app, 50_000).await;
        let asked = ask(&person, 50_000, UZCARD).await.expect(201);
        let id = asked.text_at("/id").to_owned();
        let path = format!("payments/withdrawals/{id}/cancel/");
        let cancel = person.client.post_empty(&path);
        let (answer, _) = race.duel(cancel, app.run_due_jobs()).await;
        app.run_due_jobs().await;
        let (now, paid) = (status(&person, &id).await, payouts(&acquirer, &id).len());
        match (answer.status, now.as_str(), paid) {
            (200, "cancelled", 0) => {
                assert_eq!(balance(&person).await, money("50000.00", "0.00"));
                race.won(Winner::Left, "cancelled");
            }
            (409, "completed", 1) => {
                assert_eq!(answer.code(), "INVALID_STATE");
                assert_eq!(balance(&person).await, money("0.00", "0.00"));
                race.won(Winner::Right, "paid");
            }
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end(&["cancelled", "paid"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r11_two_workers_pay_one_withdrawal_once() {
    let (acquirer, app) = platform(&[]).await;
    let other = app.engine().await;
    let mut race = Race::new("R11 two workers, one payout", ROUNDS);
    for _ in race.rounds() {
        let person = rich(&app, 50_000).await;
        let asked = ask(&person, 50_000, UZCARD).await.expect(201);
        let id = asked.text_at("/id").to_owned();
        let (_, theirs) = race.duel(app.run_due_jobs(), other.run_due()).await;
        theirs.expect("jobs run");
        app.run_due_jobs().await;
        assert_eq!(status(&person, &id).await, "completed");
        assert_eq!(payouts(&acquirer, &id).len(), 1, "once");
        assert_eq!(balance(&person).await, money("0.00", "0.00"));
        race.saw("paid once");
    }
    race.end(&["paid once"]);
    app.finish().await;
}
