//! Listings: who may create, see and moderate them.

use serde_json::json;
use tests::{Story, TestApp, sell_body};

async fn game(app: &TestApp) -> String {
    app.client.get("games/").await.expect(200).text_at("/results/0/id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_is_public_once_a_moderator_approved_it() {
    let app = TestApp::start().await;
    let (seller, other, staff) =
        (app.person("seller").await, app.person("other").await, app.staff().await);
    let listing = seller.client.post("listings/", sell_body(&game(&app).await)).await.expect(201);
    assert_eq!(listing.text_at("/status"), "pending");
    let path = format!("listings/{}/", listing.text_at("/id"));
    for (who, status) in
        [(&app.client, 404), (&other.client, 404), (&seller.client, 200), (&staff.client, 200)]
    {
        who.get(&path).await.expect(status);
    }
    assert_eq!(app.client.get("listings/").await.at("/count"), &json!(0));
    let approve = format!("admin-panel/{path}approve/");
    app.client.post_empty(&approve).await.expect_error(401, "NOT_AUTHENTICATED");
    seller.client.post_empty(&approve).await.expect_error(403, "PERMISSION_DENIED");
    staff.client.post_empty(&approve).await.expect(200);
    assert_eq!(app.client.get(&path).await.expect(200).text_at("/status"), "active");
    assert_eq!(app.client.get("listings/").await.at("/count"), &json!(1));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approval_and_rejection_at_once_have_one_outcome() {
    let app = TestApp::start().await;
    let (one, two) = (app.staff().await, app.staff().await);
    let seller = app.person("seller").await;
    let body = sell_body(&game(&app).await);
    for round in 0..6 {
        let mut body = body.clone();
        body["title"] = json!(format!("Account for round {round}"));
        let id = seller.client.post("listings/", body).await.expect(201).text_at("/id").to_owned();
        let (approve, reject) = (
            format!("admin-panel/listings/{id}/approve/"),
            format!("admin-panel/listings/{id}/reject/"),
        );
        let (approved, rejected) = tokio::join!(
            one.client.post_empty(&approve),
            two.client.post(&reject, json!({ "reason": "stolen" }))
        );
        // A rejection after the approval takes an active listing down; a rejection before it ends the matter.
        let status = app
            .database
            .texts(&format!("SELECT status FROM listings WHERE id = '{id}'"))
            .await
            .remove(0);
        match (approved.status, rejected.status, status.as_str()) {
            (409, 200, "rejected") | (200, 200, "blocked") | (200, 409, "active") => {}
            other => panic!("{other:?}: {} {}", approved.text, rejected.text),
        }
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_is_what_the_form_sends_and_nothing_else() {
    let app = TestApp::start().await;
    let (seller, unproved) = (app.person("seller").await, app.unverified("unproved").await);
    let body = sell_body(&game(&app).await);
    unproved.client.post("listings/", body.clone()).await.expect_error(403, "EMAIL_NOT_VERIFIED");
    for (field, value) in [
        ("price", json!(0)),
        ("price", json!(-5)),
        ("price", json!("0.001")),
        ("price", json!("1e6")),
        ("price", json!("12,5")),
        ("price", json!(999.99)),
        ("title", json!("")),
        ("title", json!("x".repeat(5_000))),
        ("title", json!("a\u{0}b")),
        ("description", json!(7)),
        ("game_id", json!(uuid::Uuid::new_v4())),
        ("game_id", json!("pubg")),
        ("login_method", json!("fax")),
        ("skins_count", json!(-1)),
        ("features", json!("one")),
        ("account_password", json!("")),
        ("status", json!("active")),
        ("is_premium", json!(true)),
        ("seller", json!(uuid::Uuid::new_v4())),
        ("views_count", json!(9)),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value.clone();
        let reply =
            seller.client.post("listings/", wrong).await.expect_error(400, "VALIDATION_ERROR");
        let details = reply.at("/error/details").as_object().expect("details").clone();
        assert!(
            details.keys().any(|key| key.starts_with(field)),
            "{field} {value}: {}",
            reply.text
        );
    }
    assert_eq!(app.database.number("SELECT count(*) FROM listings").await, 0);
    let mut aliased = body.clone();
    aliased["login_method"] = json!("google");
    aliased["price"] = json!("123456.70");
    let created = seller.client.post("listings/", aliased.clone()).await.expect(201);
    let again = seller.client.post("listings/", aliased).await;
    assert_eq!(created.at("/id"), again.at("/id"), "one click sent twice is one listing");
    assert_eq!(created.text_at("/price"), "123456.70");
    for secret in ["conqueror72@gmail.com", "s3cret-Conqueror", "backup codes"] {
        assert!(!created.text.contains(secret));
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_find_what_they_say() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    Story::new(&app).listed(&seller).await;
    for (query, found) in [
        ("search=conqueror", 1),
        ("search=nothing-like-it", 0),
        ("min_price=100000", 1),
        ("min_price=100000.01", 0),
        ("max_price=99999", 0),
        ("is_premium=false", 1),
        ("ordering=-price", 1),
        ("ordering=-seller__sales_count", 1),
        ("game=pubg-mobile", 1),
        ("game=steam", 0),
        ("search=%25", 0),
        ("search='%3B--", 0),
        ("search=%26%7C!%3A*", 0),
    ] {
        let reply = app.client.get(&format!("listings/?{query}")).await.expect(200);
        assert_eq!(reply.at("/count"), &json!(found), "{query}");
    }
    assert_eq!(
        app.client.get(&format!("listings/?seller={}", seller.id)).await.at("/count"),
        &json!(1)
    );
    let item = app.client.get("listings/").await;
    for pointer in [
        "/results/0/game/slug",
        "/results/0/game_name",
        "/results/0/seller/display_name",
        "/results/0/listing_code",
        "/results/0/price",
    ] {
        item.at(pointer);
    }
    app.run_due_jobs().await;
    app.finish().await;
}
