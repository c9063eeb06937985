//! Races: everybody is held at the door until all of them wait there, so the window is hit each time.

use diesel_async::SimpleAsyncConnection as _;
use futures::future::{FutureExt as _, LocalBoxFuture, join_all};
use serde_json::json;
use tests::{Person, Reply, Story, TestApp, eventually};
use tokio::sync::Semaphore;

use super::{buy, go_to_end, mine, postings, subscriber};

/// What is held until everybody waits for it.
enum Door<'a> {
    /// The name under which a person's subscriptions are changed.
    Name(&'a Person),
    /// The row of a person's subscription.
    Row(&'a Person),
}

/// Opens a held door when all racers wait there. In order, each begins when the one before waits, and they go through like
/// that; otherwise all begin at once.
async fn at_the_door<T>(
    app: &TestApp,
    door: Door<'_>,
    in_order: bool,
    racers: Vec<LocalBoxFuture<'_, T>>,
) -> Vec<T> {
    let mut keeper = app.database.owner().await;
    let hold = match door {
        Door::Name(person) => {
            format!(
                "SELECT pg_advisory_xact_lock(hashtextextended('subscription:{}', 0))",
                person.id
            )
        }
        Door::Row(person) => {
            format!(
                "SELECT 1 FROM user_subscriptions WHERE user_id = '{}' FOR NO KEY UPDATE",
                person.id
            )
        }
    };
    keeper.batch_execute(&format!("BEGIN; {hold}")).await.expect("holds the door");
    let all = racers.len();
    let begun = &Semaphore::new(if in_order { 1 } else { all });
    let waiting = "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                   WHERE NOT l.granted AND a.datname = current_database()";
    let race = join_all(racers.into_iter().map(|racer| async move {
        begun.acquire().await.expect("open").forget();
        racer.await
    }));
    let open = async {
        for number in (if in_order { 1 } else { all })..=all {
            let number = i64::try_from(number).expect("few");
            let here = async || app.database.number(waiting).await == number;
            eventually("everybody waits", here).await;
            begun.add_permits(1);
        }
        keeper.batch_execute("COMMIT").await.expect("opens the door");
    };
    tokio::join!(race, open).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_sent_nine_times_at_once_is_one_charge() {
    let app = TestApp::start_with(&[("DATABASE_POOL_SIZE", "20")]).await;
    for _round in 0..3 {
        let person = app.person("ali").await;
        app.fund(&person, 1_000_000).await;
        let before = postings(&app).await;
        let clicks = (0..9).map(|_| buy(&person, "premium", "monthly").boxed_local()).collect();
        let replies: Vec<Reply> = at_the_door(&app, Door::Name(&person), false, clicks).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 8);
        assert!(replies.iter().all(|reply| reply.json == replies[0].json), "nine equal answers");
        assert_eq!(app.available(&person).await, "951000.00");
        assert_eq!(postings(&app).await, before + 1);
        let clicks = (0..9).map(|_| buy(&person, "pro", "monthly").boxed_local()).collect();
        let replies: Vec<Reply> = at_the_door(&app, Door::Row(&person), false, clicks).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        assert!(replies.iter().all(|reply| reply.json == replies[0].json), "nine equal answers");
        assert_eq!(postings(&app).await, before + 2);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_plans_bought_at_once_end_as_if_one_came_after_the_other() {
    let app = TestApp::start().await;
    for (first, second) in [("premium", "pro"), ("pro", "premium")] {
        let person = app.person("ali").await;
        app.fund(&person, 1_000_000).await;
        let before = postings(&app).await;
        let clicks = vec![
            buy(&person, first, "monthly").boxed_local(),
            buy(&person, second, "monthly").boxed_local(),
        ];
        let replies = at_the_door(&app, Door::Name(&person), true, clicks).await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        let mine = mine(&person).await;
        assert_eq!(mine.text_at("/plan/slug"), "pro", "{statuses:?}");
        match mine.text_at("/data/next_charge/plan") {
            "pro" => assert_eq!(postings(&app).await, before + 2, "an upgrade: {statuses:?}"),
            "premium" => assert_eq!(postings(&app).await, before + 1, "for later: {statuses:?}"),
            other => panic!("{other}"),
        }
    }
    app.finish().await;
}

/// A renewal by a worker of its own.
async fn renewal(app: &TestApp) -> Option<Reply> {
    app.engine().await.run_due().await.expect("runs");
    None
}

async fn cancellation(person: &Person) -> Option<Reply> {
    Some(person.client.post_empty("subscriptions/cancel/").await.expect(200))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_and_a_cancellation_at_once_are_one_after_the_other() {
    let app = TestApp::start().await;
    for renewal_first in [true, false, true, false] {
        let person = subscriber(&app, "premium", 147_000).await;
        app.run_due_jobs().await;
        go_to_end(&app, &person, "1 second").await;
        let (one, other) = (renewal(&app).boxed_local(), cancellation(&person).boxed_local());
        let racers = if renewal_first { vec![one, other] } else { vec![other, one] };
        let before = postings(&app).await;
        let _replies = at_the_door(&app, Door::Row(&person), true, racers).await;
        app.run_due_jobs().await;
        let mine = mine(&person).await;
        let charged = postings(&app).await - before;
        match (mine.text_at("/data/status"), charged) {
            // It was renewed, and then it was cancelled: the new period is paid and lasts.
            ("cancelled", 1) => assert_eq!(app.available(&person).await, "49000.00"),
            // It was cancelled after an end that was not paid: nothing is taken.
            ("expired", 0) => assert_eq!(app.available(&person).await, "98000.00"),
            other => panic!("{other:?}: {}", mine.text),
        }
        assert_eq!(charged, i64::from(renewal_first), "who waited first went first");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_and_a_click_for_the_same_period_are_one_charge() {
    let app = TestApp::start().await;
    for renewal_first in [true, false] {
        let person = subscriber(&app, "premium", 147_000).await;
        app.run_due_jobs().await;
        go_to_end(&app, &person, "1 second").await;
        let click = async { Some(buy(&person, "premium", "monthly").await) }.boxed_local();
        let one = renewal(&app).boxed_local();
        let racers = if renewal_first { vec![one, click] } else { vec![click, one] };
        let before = postings(&app).await;
        let replies = at_the_door(&app, Door::Row(&person), true, racers).await;
        let reply = replies.into_iter().flatten().next().expect("the click's");
        let expected = if renewal_first { 200 } else { 201 };
        assert_eq!(reply.status, expected, "{}", reply.text);
        assert_eq!(postings(&app).await, before + 1);
        assert_eq!(app.available(&person).await, "49000.00");
        assert_eq!(mine(&person).await.at("/data"), &reply.json);
        app.run_due_jobs().await;
        person.client.post_empty("subscriptions/cancel/").await.expect(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_money_is_spent_once() {
    let app = TestApp::start().await;
    for _round in 0..4 {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let person = app.person("ali").await;
        app.fund(&person, 100_000).await;
        let body = json!({ "listing_id": listing });
        let (plan, deal) = tokio::join!(
            buy(&person, "premium", "monthly"),
            person.client.post("payments/purchase/", body)
        );
        let left = app.available(&person).await;
        match (plan.status, deal.status, left.as_str()) {
            (201, 402, "51000.00") | (402, 201, "0.00") => {}
            other => panic!("{other:?}: {} {}", plan.text, deal.text),
        }
    }
    app.run_due_jobs().await;
    app.finish().await;
}
