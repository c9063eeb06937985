//! Listings that nobody buys leave the market.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use shared::jobs::kinds::ArchiveOldListings;
use tests::{Person, Story, TestApp};

use super::{can_be_stopped, impatient, run, survives_a_kill, told};

/// Listings on the market since so long ago.
async fn offer(app: &TestApp, seller: &Person, rows: u32, since: &str) {
    app.database
        .execute(&format!(
            "INSERT INTO listings (id, seller_id, game_id, title, description, price, login_method, status, created_at, approved_at)
             SELECT gen_random_uuid(), '{}', (SELECT id FROM games ORDER BY sort_order LIMIT 1), 'Account ' || n, 'All skins, no bans.',
                    100000, 'email', 'active', app_now() - interval '{since}', app_now() - interval '{since}'
             FROM generate_series(1, {rows}) AS n",
            seller.id
        ))
        .await;
}

async fn statuses(app: &TestApp) -> Vec<String> {
    app.database
        .texts("SELECT status || ' ' || count(*) FROM listings GROUP BY status ORDER BY 1")
        .await
}

/// Steps that the platform itself wrote, and of how many listings.
async fn steps(app: &TestApp) -> Vec<String> {
    app.database
        .texts(
            "SELECT actor || ' ' || from_status || ' ' || to_status || ' ' || count(*) || ' of ' || count(DISTINCT listing_id)
             FROM listing_status_history WHERE actor = 'system' GROUP BY actor, from_status, to_status",
        )
        .await
}

#[tokio::test]
async fn a_listing_leaves_the_market_180_days_after_its_approval() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let id = Story::new(&app).listed(&seller).await;
    app.database
        .execute(
            "UPDATE listings SET created_at = app_now() - interval '200 days',
                                 approved_at = app_now() - interval '180 days' + interval '20 seconds'",
        )
        .await;
    run::<ArchiveOldListings>(&app).await;
    assert_eq!(statuses(&app).await, ["active 1"], "it has twenty seconds left");
    app.advance("21 seconds").await;
    run::<ArchiveOldListings>(&app).await;
    run::<ArchiveOldListings>(&app).await;
    assert_eq!(statuses(&app).await, ["archived 1"]);
    assert_eq!(steps(&app).await, ["system active archived 1 of 1"]);
    assert_eq!(told::<ArchiveOldListings>(&app).await, ["done 0/0", "done 1/1", "done 0/0"]);
    app.client.get(&format!("listings/{id}/")).await.expect(404);
    let theirs = seller.client.get(&format!("listings/{id}/")).await.expect(200);
    assert_eq!(theirs.text_at("/status"), "archived");
    app.finish().await;
}

#[tokio::test]
async fn only_what_is_for_sale_is_archived() {
    let app = TestApp::start_with(&[("LISTING_ARCHIVE_AFTER", "30d")]).await;
    let seller = app.person("seller").await;
    offer(&app, &seller, 7, "31 days").await;
    app.database
        .execute(
            "UPDATE listings l SET status = s.status FROM (
                 SELECT id, row_number() OVER (ORDER BY title) AS nth FROM listings) AS n
             JOIN unnest('{pending,active,reserved,sold,rejected,blocked,archived}'::text[]) WITH ORDINALITY AS s (status, nth)
                 ON s.nth = n.nth
             WHERE l.id = n.id",
        )
        .await;
    offer(&app, &seller, 1, "29 days").await;
    run::<ArchiveOldListings>(&app).await;
    assert_eq!(
        statuses(&app).await,
        ["active 1", "archived 2", "blocked 1", "pending 1", "rejected 1", "reserved 1", "sold 1"]
    );
    app.finish().await;
}

#[tokio::test]
async fn what_somebody_is_working_on_is_left_to_the_next_run() {
    let app = TestApp::start().await;
    offer(&app, &app.person("seller").await, 3, "181 days").await;
    let mut moderator = app.database.owner().await;
    let hold = "BEGIN; UPDATE listings SET is_premium = true WHERE title = 'Account 2'";
    moderator.batch_execute(hold).await.expect("holds");
    run::<ArchiveOldListings>(&app).await;
    assert_eq!(statuses(&app).await, ["active 1", "archived 2"]);
    moderator.batch_execute("COMMIT").await.expect("commits");
    run::<ArchiveOldListings>(&app).await;
    assert_eq!(statuses(&app).await, ["archived 3"]);
    assert_eq!(told::<ArchiveOldListings>(&app).await, ["done 2/3", "done 1/1"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_and_the_archive_at_once_have_one_outcome() {
    let app = TestApp::start().await;
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    app.fund(&buyer, 600_000).await;
    for _round in 0..6 {
        let id = Story::new(&app).listed(&seller).await;
        let age = "created_at = created_at - interval '181 days', approved_at = approved_at - interval '181 days'";
        app.database.execute(&format!("UPDATE listings SET {age} WHERE id = '{id}'")).await;
        app.enqueue(ArchiveOldListings::default()).await;
        let body = json!({ "listing_id": id });
        let (bought, _) =
            tokio::join!(buyer.client.post("payments/purchase/", body), app.run_due_jobs());
        let sql = format!("SELECT status FROM listings WHERE id = '{id}'");
        let status = app.database.texts(&sql).await.remove(0);
        match (bought.status, bought.code(), status.as_str()) {
            (201, _, "reserved") | (409, "LISTING_UNAVAILABLE", "archived") => {}
            other => panic!("{other:?}: {}", bought.text),
        }
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn archiving_survives_a_kill() {
    let app = impatient().await;
    offer(&app, &app.person("seller").await, 250, "181 days").await;
    survives_a_kill::<ArchiveOldListings>(&app, 100, 250).await;
    assert_eq!(statuses(&app).await, ["archived 250"]);
    assert_eq!(steps(&app).await, ["system active archived 250 of 250"]);
    app.finish().await;
}

#[tokio::test]
async fn archiving_can_be_stopped_and_begun_again() {
    let app = impatient().await;
    offer(&app, &app.person("seller").await, 250, "181 days").await;
    can_be_stopped::<ArchiveOldListings>(&app, 100, 250).await;
    assert_eq!(statuses(&app).await, ["archived 250"]);
    assert_eq!(steps(&app).await, ["system active archived 250 of 250"]);
    app.finish().await;
}
