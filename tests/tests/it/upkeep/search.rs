//! The search index: what a listing is found by, and since when.

use serde_json::{Value, json};
use shared::jobs::kinds::UpdateSearchIndex;
use tests::{Person, Story, TestApp, sell_body};

use super::{can_be_stopped, impatient, run, survives_a_kill, told};

/// How many public listings are found.
async fn found(app: &TestApp, words: &str) -> Value {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("search", words).finish();
    let request = app.client.request(reqwest::Method::GET, &format!("listings/?{query}"));
    app.client.send(request).await.expect(200).at("/count").clone()
}

/// A public listing with a title.
async fn titled(app: &TestApp, seller: &Person, title: &str) -> String {
    let games = app.client.get("games/").await.expect(200);
    let mut body = sell_body(games.text_at("/results/0/id"));
    body["title"] = json!(title);
    let listing = seller.client.post("listings/", body).await.expect(201);
    let id = listing.text_at("/id").to_owned();
    app.database.execute(&format!("UPDATE listings SET status = 'active' WHERE id = '{id}'")).await;
    id
}

/// How many listings wait to be indexed.
async fn waiting(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM listing_search WHERE stale_at IS NOT NULL").await
}

#[tokio::test]
async fn a_fresh_listing_is_found_at_once_and_by_its_game_soon() {
    let app = TestApp::start().await;
    Story::new(&app).listed(&app.person("seller").await).await;
    assert_eq!(found(&app, "conqueror").await, json!(1), "its title needs no index");
    assert_eq!(found(&app, "pubg").await, json!(0), "its game's name does");
    run::<UpdateSearchIndex>(&app).await;
    for (words, count) in [
        ("conqueror", 1),
        ("pubg", 1),
        ("PUBG mobile", 1),
        ("пубг", 1),
        ("pubg conqueror", 1),
        ("conqueror -steam", 1),
        ("conqueror -pubg", 0),
        ("\"mobile pubg\"", 0),
        ("pubg steam", 0),
        ("pubg or steam", 1),
        ("wb-000001", 1),
        ("mythic outfits", 1),
        ("mythic pubg", 1),
        ("s3cret", 0),
        ("", 1),
        ("&|!:*()'", 0),
    ] {
        assert_eq!(found(&app, words).await, json!(count), "{words:?}");
    }
    assert_eq!(told::<UpdateSearchIndex>(&app).await, ["done 1/1"]);
    run::<UpdateSearchIndex>(&app).await;
    assert_eq!(told::<UpdateSearchIndex>(&app).await, ["done 1/1", "done 0/0"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_word_is_found_in_either_alphabet_with_and_without_accents() {
    let app = TestApp::start().await;
    let seller = app.person("seller").await;
    for title in [
        "Продаю танк ИС-7",
        "Tank IS-7 sotiladi",
        "Pokémon hisobi",
        "Oʻyin hisobi",
        "Ғолиб Чемпион Шахзод",
    ] {
        titled(&app, &seller, title).await;
    }
    assert_eq!(found(&app, "tank").await, json!(1), "before the index knows");
    run::<UpdateSearchIndex>(&app).await;
    for (words, count) in [
        ("tank", 2),
        ("танк", 2),
        ("ТАНК", 2),
        ("prodayu", 1),
        ("pokemon", 1),
        ("POKÉMON", 1),
        ("Poke\u{301}mon", 1),
        ("покемон", 1),
        ("o'yin", 1),
        ("oʻyin", 1),
        ("o‘yin", 1),
        ("oyin", 1),
        ("ўйин", 1),
        ("g'olib chempion", 1),
        ("shaxzod", 1),
        ("танка", 0),
    ] {
        assert_eq!(found(&app, words).await, json!(count), "{words:?}");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_title_weighs_more_than_the_game_and_the_game_more_than_the_description() {
    let app = TestApp::start().await;
    Story::new(&app).listed(&app.person("seller").await).await;
    run::<UpdateSearchIndex>(&app).await;
    for (query, count) in [
        ("conqueror:A", 1),
        ("wb:A", 1),
        ("pubg:B", 1),
        ("pubg:A", 0),
        ("mythic:C", 1),
        ("mythic:AB", 0),
    ] {
        let sql =
            format!("SELECT count(*) FROM listing_search WHERE document @@ '{query}'::tsquery");
        assert_eq!(app.database.number(&sql).await, count, "{query}");
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_a_listing_is_found_by_follows_it() {
    let app = TestApp::start().await;
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let id = titled(&app, &seller, "Tank account").await;
    let other = titled(&app, &seller, "Plane account").await;
    run::<UpdateSearchIndex>(&app).await;
    assert_eq!(waiting(&app).await, 0);

    app.database
        .execute(&format!("UPDATE listings SET title = 'Ship account' WHERE id = '{id}'"))
        .await;
    assert_eq!(found(&app, "ship").await, json!(1), "the new title is found at once");
    run::<UpdateSearchIndex>(&app).await;
    assert_eq!((found(&app, "танк").await, found(&app, "шип").await), (json!(0), json!(1)));

    app.database.execute("UPDATE games SET name = 'Naval War' WHERE slug = 'pubg-mobile'").await;
    assert_eq!(waiting(&app).await, 2, "every listing of the game");
    run::<UpdateSearchIndex>(&app).await;
    assert_eq!((found(&app, "pubg").await, found(&app, "naval").await), (json!(0), json!(2)));

    app.fund(&buyer, 100_000).await;
    buyer.client.post("payments/purchase/", json!({ "listing_id": other })).await.expect(201);
    assert_eq!(waiting(&app).await, 0, "a deal changes nothing that is searched");

    let remove = seller.client.request(reqwest::Method::DELETE, &format!("listings/{id}/"));
    seller.client.send(remove).await.expect(204);
    run::<UpdateSearchIndex>(&app).await;
    let left = app.database.texts("SELECT listing_id FROM listing_search").await;
    assert_eq!(left, [other], "a removed listing leaves the index");
    app.run_due_jobs().await;
    app.finish().await;
}

/// So many listings, made at once.
async fn offer(app: &TestApp, rows: u32) {
    let seller = app.person("seller").await;
    app.database
        .execute(&format!(
            "INSERT INTO listings (id, seller_id, game_id, title, description, price, login_method)
             SELECT gen_random_uuid(), '{}', (SELECT id FROM games ORDER BY sort_order LIMIT 1), 'Account ' || n, 'All skins, no bans.',
                    100000, 'email' FROM generate_series(1, {rows}) AS n",
            seller.id
        ))
        .await;
}

#[tokio::test]
async fn indexing_survives_a_kill() {
    let app = impatient().await;
    offer(&app, 450).await;
    survives_a_kill::<UpdateSearchIndex>(&app, 200, 450).await;
    let indexed = "SELECT count(*) FROM listing_search WHERE document @@ 'pubg & account & skins' AND stale_at IS NULL";
    assert_eq!(app.database.number(indexed).await, 450);
    app.finish().await;
}

#[tokio::test]
async fn indexing_can_be_stopped_and_begun_again() {
    let app = impatient().await;
    offer(&app, 450).await;
    can_be_stopped::<UpdateSearchIndex>(&app, 200, 450).await;
    let twice = "SELECT count(DISTINCT indexed_at) FROM listing_search WHERE stale_at IS NULL";
    assert_eq!((waiting(&app).await, app.database.number(twice).await), (0, 3), "each batch once");
    app.finish().await;
}
