//! Moderation: staff are told, the timer decides when they do not, and every listing is decided about once.

use std::sync::Arc;

use serde_json::json;
use shared::ids::ListingId;
use shared::jobs::kinds::{AutoApproveIfTimeout, NotifyAdminsNewListing, ReconcileListings};
use tests::{Person, TestApp, mail, sell_body};
use tokio::sync::Barrier;

async fn offer(app: &TestApp, seller: &Person, title: &str) -> ListingId {
    let games = app.client.get("games/").await.expect(200);
    let mut body = sell_body(games.text_at("/results/0/id"));
    body["title"] = json!(title);
    let listing = seller.client.post("listings/", body).await.expect(201);
    ListingId(listing.text_at("/id").parse().expect("a UUID"))
}

async fn status(app: &TestApp, id: ListingId) -> String {
    app.database.texts(&format!("SELECT status FROM listings WHERE id = '{id}'")).await.remove(0)
}

/// The steps of a listing after its creation, and who took them.
async fn history(app: &TestApp, id: ListingId) -> Vec<String> {
    let steps = format!(
        "SELECT to_status || ' by ' || split_part(actor, ':', 1) FROM listing_status_history
         WHERE listing_id = '{id}' AND from_status IS NOT NULL ORDER BY id"
    );
    app.database.texts(&steps).await
}

fn letters(app: &TestApp, person: &Person) -> usize {
    mail::mails_to(&app.mail_dir, &person.email).len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_nobody_decides_about_is_public_after_two_days() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let id = offer(&app, &seller, "Nobody looks at this").await;
    app.advance("47 hours 59 minutes").await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, id).await, "pending");
    app.advance("1 minute 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, id).await, "active");
    assert_eq!(history(&app, id).await, ["active by system"]);
    let audit = "SELECT actor FROM audit_log WHERE action = 'listing.auto_approve'";
    assert_eq!(app.database.texts(audit).await, ["system"]);
    assert_eq!(app.client.get("listings/").await.expect(200).at("/count"), &json!(1));
    assert_eq!(letters(&app, &seller), 1, "the seller is told");
    app.enqueue(AutoApproveIfTimeout { listing_id: id }).await;
    app.run_due_jobs().await;
    assert_eq!(history(&app, id).await.len(), 1, "the timer decides once");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staff_decided_and_what_its_seller_removed_the_timer_leaves_alone() {
    let app = TestApp::start().await;
    let (seller, staff) = (app.person("seller").await, app.staff().await);
    let approved = offer(&app, &seller, "Approved by hand").await;
    let rejected = offer(&app, &seller, "Rejected by hand").await;
    let removed = offer(&app, &seller, "Removed by its seller").await;
    let path = |id: ListingId, action: &str| format!("admin-panel/listings/{id}/{action}/");
    staff.client.post_empty(&path(approved, "approve")).await.expect(200);
    let reason = json!({ "reason": "stolen" });
    staff.client.post(&path(rejected, "reject"), reason).await.expect(200);
    let delete = seller.client.request(reqwest::Method::DELETE, &format!("listings/{removed}/"));
    assert!(seller.client.send(delete).await.status < 300);
    app.advance("48 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(history(&app, approved).await, ["active by staff"]);
    assert_eq!(history(&app, rejected).await, ["rejected by staff"]);
    assert_eq!(history(&app, removed).await, ["archived by user"]);
    assert_eq!(letters(&app, &seller), 2, "two decisions, two letters");
    let timers = "SELECT DISTINCT state FROM jobs WHERE kind = 'auto_approve_if_timeout'";
    assert_eq!(app.database.texts(timers).await, ["done"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_comes_too_early_waits_for_its_time() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let id = offer(&app, &seller, "Too early").await;
    app.database
        .execute("UPDATE jobs SET run_at = app_now() WHERE kind = 'auto_approve_if_timeout'")
        .await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, id).await, "pending");
    let waits =
        "SELECT state || ' ' || (run_at >= l.created_at + interval '48 hours') || ' ' || attempt
                 FROM jobs, listings l WHERE kind = 'auto_approve_if_timeout'";
    assert_eq!(app.database.texts(waits).await, ["pending true 0"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_job_table_costs_a_listing_only_time() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let id = offer(&app, &seller, "Lost with its timer").await;
    app.run_due_jobs().await;
    app.database.execute("DELETE FROM jobs").await;
    app.enqueue(ReconcileListings::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, id).await, "pending", "its time has not come");
    app.advance("48 hours 1 second").await;
    app.enqueue(ReconcileListings::default()).await;
    app.run_due_jobs().await;
    assert_eq!(history(&app, id).await, ["active by system"]);
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'auto_approve_if_timeout'";
    assert_eq!(app.database.number(jobs).await, 1);
    app.enqueue(ReconcileListings::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.database.number(jobs).await, 1, "what is decided needs no job");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_died_waits_for_an_operator_and_is_not_replaced() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let (dead, cancelled) =
        (offer(&app, &seller, "Its timer died").await, offer(&app, &seller, "Cancelled").await);
    app.run_due_jobs().await;
    app.advance("48 hours 1 second").await;
    for (id, state) in [(dead, "dead"), (cancelled, "cancelled")] {
        let end = format!(
            "UPDATE jobs SET state = '{state}', finished_at = app_now() WHERE unique_key = 'listing_auto_approve:{id}'"
        );
        app.database.execute(&end).await;
    }
    app.enqueue(ReconcileListings::default()).await;
    app.run_due_jobs().await;
    assert_eq!(
        (status(&app, dead).await, status(&app, cancelled).await),
        ("pending".into(), "pending".into())
    );
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'auto_approve_if_timeout'";
    assert_eq!(app.database.number(jobs).await, 2);
    app.expect_dead("auto_approve_if_timeout").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_banned_seller_is_approved_by_the_timer() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    let id = offer(&app, &seller, "Of a banned seller").await;
    app.database
        .execute(&format!("UPDATE users SET is_active = false WHERE id = '{}'", seller.id))
        .await;
    app.advance("48 hours 1 second").await;
    app.run_due_jobs().await;
    let reconcile = async || {
        app.enqueue(ReconcileListings::default()).await;
        app.run_due_jobs().await
    };
    assert_eq!(reconcile().await, 1, "the scan does not look for work that nobody would do");
    assert_eq!(status(&app, id).await, "pending");
    app.database.execute("UPDATE users SET is_active = true").await;
    reconcile().await;
    assert_eq!(status(&app, id).await, "active", "and finds it when the seller is back");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timer_and_a_moderator_at_once_decide_once() {
    let app = Arc::new(TestApp::start().await);
    let (seller, staff) = (app.person("seller").await, app.staff().await);
    for round in 0..8 {
        let id = offer(&app, &seller, &format!("Round {round}")).await;
        app.run_due_jobs().await;
        app.advance("48 hours 1 second").await;
        let (engine, barrier) = (app.engine().await, Arc::new(Barrier::new(2)));
        let timer = tokio::spawn({
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                engine.run_due().await.expect("runs")
            }
        });
        let decide = async {
            barrier.wait().await;
            if round % 2 == 0 {
                let approve = format!("admin-panel/listings/{id}/approve/");
                staff.client.post_empty(&approve).await
            } else {
                let reject = format!("admin-panel/listings/{id}/reject/");
                staff.client.post(&reject, json!({ "reason": "stolen" })).await
            }
        };
        let (reply, runs) = tokio::join!(decide, timer);
        runs.expect("ends");
        app.run_due_jobs().await;
        let history = history(&app, id).await;
        assert_eq!(history.len(), 1, "one decision: {history:?}");
        match (reply.status, history[0].as_str()) {
            // A repeated approval is no error: the moderator sees what they wanted.
            (200, "active by staff" | "rejected by staff") => {}
            (200, "active by system") => assert_eq!(round % 2, 0, "{}", reply.text),
            (409, "active by system") => assert_eq!(round % 2, 1, "{}", reply.text),
            other => panic!("{other:?}: {}", reply.text),
        }
    }
    assert_eq!(letters(&app, &seller), 8, "and one letter about each");
    let app = Arc::into_inner(app).expect("nobody else holds it");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_may_moderate_is_told_once_and_nobody_else() {
    let app = TestApp::start().await;
    let (one, two, seller) = (app.staff().await, app.staff().await, app.person("seller").await);
    let (banned, unproved, gone) = (app.staff().await, app.staff().await, app.staff().await);
    for (person, state) in [
        (&banned, "is_active = false"),
        (&unproved, "is_verified = false"),
        (&gone, "deleted_at = app_now()"),
    ] {
        app.database.execute(&format!("UPDATE users SET {state} WHERE id = '{}'", person.id)).await;
    }
    let id = offer(&app, &seller, "Please look").await;
    app.run_due_jobs().await;
    app.enqueue(NotifyAdminsNewListing { listing_id: id }).await;
    app.run_due_jobs().await;
    for (person, told) in
        [(&one, 1), (&two, 1), (&seller, 0), (&banned, 0), (&unproved, 0), (&gone, 0)]
    {
        assert_eq!(letters(&app, person), told, "{}", person.email);
    }
    let decided = offer(&app, &seller, "Decided before anybody was told").await;
    let approve = format!("admin-panel/listings/{decided}/approve/");
    one.client.post_empty(&approve).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(letters(&app, &two), 1, "what is decided waits for nobody");
    app.finish().await;
}
