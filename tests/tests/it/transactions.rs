//! Histories: everything a person may see of their money, for staff everybody's, in pages, as a feed and as a file.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Person, Story, TestApp};

/// Rows of a history that nothing else depends on, the first the oldest.
async fn past(app: &TestApp, person: &Person, rows: usize) {
    app.database
        .execute(&format!(
            "INSERT INTO transactions (id, user_id, amount, type, status, description, processed_at, created_at)
             SELECT gen_random_uuid(), '{}', 100 + n, 'sale', 'completed', 'sale number ' || n, app_now(),
                    app_now() - interval '400 days' + (n / 3) * interval '1 second'
             FROM generate_series(1, {rows}) AS n",
            person.id
        ))
        .await;
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["results"].as_array().expect("results");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

async fn count(person: &Person, query: &str) -> i64 {
    let page = person.client.get(&format!("payments/transactions/?{query}")).await.expect(200);
    page.at("/count").as_i64().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_movement_is_in_the_history_and_can_be_found() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).delivered().await;
    app.advance("25 hours").await;
    app.run_due_jobs().await;
    let (buyer, seller) = (&deal.buyer, &deal.seller);
    let payme = app
        .database
        .texts("SELECT provider_transaction_id FROM transactions WHERE type = 'deposit'")
        .await;
    let today = app
        .database
        .texts("SELECT to_char(app_now() AT TIME ZONE 'Asia/Tashkent', 'YYYY-MM-DD')")
        .await;
    let escrow = format!("escrow_id={}", deal.id);
    let (day, search) = (today[0].as_str(), format!("search={}", &payme[0][4..12]));
    for (person, query, expected) in [
        (buyer, "", 2),
        (buyer, "type=deposit", 1),
        (buyer, "type=purchase&status=completed", 1),
        (buyer, "type=sale", 0),
        (buyer, "status=failed", 0),
        (buyer, "payment_method=payme", 1),
        (buyer, "payment_method=click", 0),
        (buyer, escrow.as_str(), 1),
        (buyer, search.as_str(), 1),
        (buyer, "search=season%2031", 1),
        (buyer, "search=%25", 0),
        (buyer, "min_amount=100000&max_amount=100000.00", 2),
        (buyer, "min_amount=100000.01", 0),
        (buyer, "max_amount=99999.99", 0),
        (buyer, "date_from=2020-01-01", 2),
        (buyer, "date_to=2020-01-01", 0),
        (buyer, "date_from=2020-01-01T00:00:00Z&type=&search=", 2),
        (seller, "", 2),
        (seller, "type=sale", 1),
        (seller, "type=commission", 1),
        (seller, &format!("date_from={day}&date_to={day}"), 2),
    ] {
        assert_eq!(count(person, query).await, expected, "{query}");
    }
    let deposit = buyer.client.get("payments/transactions/?type=deposit").await.expect(200);
    let shown = buyer
        .client
        .get(&format!("payments/transactions/{}/", deposit.text_at("/results/0/id")))
        .await
        .expect(200);
    assert_eq!(shown.text_at("/provider_transaction_id"), payme[0]);
    assert_eq!(shown.text_at("/payment_method"), "payme");
    assert!(shown.at("/failed_at").is_null() && shown.at("/reverses").is_null());
    let strange = format!("payments/transactions/{}/", deposit.text_at("/results/0/id"));
    seller.client.get(&strange).await.expect_error(404, "NOT_FOUND");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_asked_is_refused() {
    let app = TestApp::start().await;
    let (person, staff) = (app.person("curious").await, app.staff().await);
    for query in [
        "type=gift",
        "status=lost",
        "payment_method=cash",
        "date_from=25.11.2026",
        "date_to=2026-13-01",
        "date_from=0000-01-01",
        "min_amount=-1",
        "max_amount=1e5",
        "escrow_id=42",
        "ordering=user",
        "user_id=1",
        "search=a%00b",
        "cursor=start&page=2",
        "cursor=start&offset=10",
    ] {
        let own = format!("payments/transactions/?{query}");
        person.client.get(&own).await.expect_error(400, "VALIDATION_ERROR");
        let all = format!("admin-panel/transactions/?{query}");
        staff.client.get(&all).await.expect_error(400, "VALIDATION_ERROR");
        let skipped = query.starts_with("ordering") || query.starts_with("cursor");
        for path in ["payments/transactions/export/", "admin-panel/export/transactions/"] {
            let reply = staff.client.get(&format!("{path}?{query}")).await;
            assert_eq!(reply.status, 400, "{path}?{query}: {}", reply.text);
            assert!(skipped || reply.code() == "VALIDATION_ERROR", "{}", reply.text);
        }
    }
    for cursor in ["x", "%2F%2F%2F", "AAAA", "c3RhcnQ", "LWNyZWF0ZWRfYXR8MXxub3QtYW4taWQ"] {
        let path = format!("payments/transactions/?cursor={cursor}");
        person.client.get(&path).await.expect_error(400, "INVALID_CURSOR");
    }
    past(&app, &person, 3).await;
    let first = person.client.get("payments/transactions/?cursor=start&limit=1").await.expect(200);
    let next = first.text_at("/next").replace("cursor=", "ordering=amount&cursor=");
    let path = next.split("/api/v1/").nth(1).expect("a path");
    person.client.get(path).await.expect_error(400, "INVALID_CURSOR");
    for path in ["admin-panel/transactions/", "admin-panel/export/transactions/"] {
        person.client.get(path).await.expect_error(403, "PERMISSION_DENIED");
        app.client.get(path).await.expect_error(401, "NOT_AUTHENTICATED");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_with_cursors_sees_each_row_once_while_rows_are_added() {
    let app = TestApp::start().await;
    let person = app.person("historian").await;
    past(&app, &person, 100).await;
    let own = format!("SELECT id FROM transactions WHERE user_id = '{}'", person.id);
    for ordering in ["", "created_at", "-created_at", "amount", "-amount"] {
        let before: BTreeSet<String> = app.database.texts(&own).await.into_iter().collect();
        let mut path = format!("payments/transactions/?cursor=start&limit=7&ordering={ordering}");
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = person.client.get(&path).await.expect(200);
            assert!(page.at("/count").is_null() && page.at("/previous").is_null());
            seen.extend(ids(&page.json));
            pages += 1;
            // Among them, at both ends.
            app.database
                .execute(&format!(
                    "INSERT INTO transactions (id, user_id, amount, type, status, processed_at, created_at) VALUES
                     (gen_random_uuid(), '{0}', 150 + {pages}, 'sale', 'completed', app_now(), app_now()),
                     (gen_random_uuid(), '{0}', 1, 'sale', 'completed', app_now(), app_now() - interval '401 days')",
                    person.id
                ))
                .await;
            match page.at("/next").as_str() {
                Some(next) => path = next.split("/api/v1/").nth(1).expect("a path").to_owned(),
                None => break,
            }
        }
        let distinct: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "{ordering:?}: no row twice");
        assert!(before.is_subset(&distinct), "{ordering:?}: every row that was there");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_everybodys_in_the_shape_of_their_panel_and_few_statements_read_many_rows() {
    let app = TestApp::start().await;
    let (one, two, staff) = (app.person("one").await, app.person("two").await, app.staff().await);
    past(&app, &one, 1).await;
    let list = "admin-panel/transactions/?limit=100";
    let (few, page) = app.statements(staff.client.get(list)).await;
    let row = page.expect(200).at("/results/0").clone();
    assert_eq!(row["user_email"], json!(one.email));
    assert_eq!(row["user"], json!(one.id.to_string()));
    assert_eq!(
        (&row["user_name"], &row["type"], &row["amount"]),
        (&json!("one"), &json!("sale"), &json!("101.00"))
    );
    past(&app, &one, 50).await;
    past(&app, &two, 20).await;
    let (many, page) = app.statements(staff.client.get(list)).await;
    assert_eq!(page.expect(200).at("/count"), 71);
    assert_eq!(few, many, "statements do not grow with the rows");
    let theirs = format!("{list}&user={}", two.id);
    assert_eq!(staff.client.get(&theirs).await.expect(200).at("/count"), 20);
    let by_mail = format!("{list}&search={}", two.email);
    assert_eq!(staff.client.get(&by_mail).await.expect(200).at("/count"), 20);
    let id = page_id(&staff, &theirs).await;
    let shown = staff.client.get(&format!("admin-panel/transactions/{id}/")).await.expect(200);
    assert_eq!(shown.text_at("/user_email"), two.email);
    app.finish().await;
}

async fn page_id(staff: &Person, path: &str) -> String {
    staff.client.get(path).await.expect(200).text_at("/results/0/id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_rows_become_a_file_in_batches_of_one_instant() {
    let app = TestApp::start().await;
    let (person, other) = (app.person("exporter").await, app.person("other").await);
    past(&app, &person, 10_000).await;
    past(&app, &other, 10).await;
    let request = person.client.request(reqwest::Method::GET, "payments/transactions/export/");
    let before = app.app.db.statements();
    let mut response = request.send().await.expect("answers");
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(header("content-disposition"), "attachment; filename=\"transactions.csv\"");
    let mut file = response.chunk().await.expect("flows").expect("a piece").to_vec();
    // Rows that come while the file is on its way are not of its instant.
    past(&app, &person, 5).await;
    while let Some(piece) = response.chunk().await.expect("flows") {
        file.extend_from_slice(&piece);
    }
    let file = String::from_utf8(file).expect("UTF-8");
    assert!(file.starts_with("id,created_at,type,status,amount,"), "no byte order mark");
    let lines: Vec<&str> = file.lines().skip(1).collect();
    assert_eq!(lines.len(), 10_000);
    let distinct: BTreeSet<&str> =
        lines.iter().map(|line| line.split(',').next().expect("an id")).collect();
    assert_eq!(distinct.len(), 10_000);
    let first = [",sale,completed,101.00,UZS,", ",sale,completed,102.00,UZS,"];
    assert!(first.iter().any(|cells| lines[0].contains(cells)), "{}", lines[0]);
    let statements = app.app.db.statements() - before;
    assert!((20..40).contains(&statements), "batches of 500 rows: {statements} statements");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cell_of_a_file_is_a_formula_and_staff_exports_are_audited() {
    let app = TestApp::start().await;
    let (person, staff) = (app.person("=cmd()").await, app.staff().await);
    past(&app, &person, 1).await;
    app.database
        .execute("UPDATE transactions SET description = '=HYPERLINK(\"http://evil\",\"a, b\")'")
        .await;
    let own = person.client.get("payments/transactions/export/").await.expect(200).text;
    assert!(own.contains(r#""'=HYPERLINK(""http://evil"",""a, b"")""#), "{own}");
    let all = staff
        .client
        .get("admin-panel/export/transactions/?date_from=2020-01-01&date_to=2099-12-31")
        .await
        .expect(200)
        .text;
    assert!(all.starts_with("id,") && all.contains("user,user_name,user_email"), "{all}");
    assert!(all.contains(",'=cmd(),"), "{all}");
    assert_eq!(
        app.database
            .number("SELECT count(*) FROM audit_log WHERE action = 'export.transactions'")
            .await,
        1
    );
    let none = staff
        .client
        .get("admin-panel/export/transactions/?date_to=2000-01-01")
        .await
        .expect(200)
        .text;
    assert_eq!(none.lines().count(), 1, "only the names of the columns");
    app.finish().await;
}
