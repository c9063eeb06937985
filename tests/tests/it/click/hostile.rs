//! Whatever else arrives: Click's protocol and HTTP 200, and nothing happens.

use reqwest::Method;
use serde_json::json;
use tests::{Click, ClickForm, Story, TestApp};

use super::{SOUM, credits, error, order, status};

/// A field of a good Complete, another value for it, and the answer.
const WRONG: [(&str, &str, i64); 41] = [
    ("amount", "50001", -2),
    ("amount", "5000000", -2),
    ("amount", "300", -2),
    ("amount", "49999.99", -2),
    ("amount", "50000.5", -2),
    ("amount", "0", -2),
    ("amount", "5e4", -8),
    ("amount", "50000.000", -8),
    ("amount", "50000,00", -8),
    ("amount", "-50000", -8),
    ("amount", "+50000", -8),
    ("amount", " 50000", -8),
    ("amount", "50000.", -8),
    ("amount", "NaN", -8),
    ("amount", "1000000000000", -8),
    ("amount", "50000\0", -8),
    ("merchant_prepare_id", "999999999", -6),
    ("merchant_prepare_id", "9223372036854775807", -6),
    ("merchant_prepare_id", "0", -8),
    ("merchant_prepare_id", "-1", -8),
    ("merchant_prepare_id", "1e1", -8),
    ("merchant_trans_id", "order-77", -5),
    ("merchant_trans_id", "\0", -5),
    ("merchant_trans_id", "' OR 1=1 --", -5),
    ("click_trans_id", "1", -6),
    ("click_trans_id", "0", -8),
    ("click_trans_id", "-5", -8),
    ("click_trans_id", "12.5", -8),
    ("click_paydoc_id", "x", -8),
    ("service_id", "10002", -8),
    ("service_id", "010001", -8),
    ("service_id", "10001 ", -8),
    ("action", "2", -3),
    ("action", "-1", -3),
    ("action", "00", -3),
    ("action", "complete", -3),
    ("error", "1", -8),
    ("error", "x", -8),
    ("error", "99999999999", -8),
    ("sign_time", "2026-10-08T12:00:00", -8),
    ("sign_time", "now", -8),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_call_with_a_wrong_word_is_told_what_is_wrong() {
    let app = TestApp::start().await;
    let click = app.click();
    let (order, foreign) = (order(&app).await, order(&app).await);
    let (number, id) = click.begin(&order.id, SOUM).await;
    let (_, foreign_id) = click.begin(&foreign.id, SOUM).await;
    let (_, second_id) = click.begin(&order.id, SOUM).await;
    let (foreign_id, second_id) = (foreign_id.to_string(), second_id.to_string());
    let form = click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0));
    let long = "9".repeat(30);
    let braces = format!("{{{}}}", order.id);
    let own: [(&str, &str, i64); 7] = [
        ("amount", &long, -8),
        ("merchant_prepare_id", &foreign_id, -6),
        ("merchant_prepare_id", &second_id, -6),
        ("merchant_prepare_id", &long, -8),
        ("merchant_trans_id", &foreign.id, -6),
        ("merchant_trans_id", &braces, -5),
        ("click_trans_id", &long, -8),
    ];
    for (field, value, expected) in own.into_iter().chain(WRONG) {
        let answer = click.send(&click.sign(Click::with(form.clone(), field, Some(value)))).await;
        assert_eq!(error(&answer), expected, "{field} = {value:?}: {answer}");
    }
    assert_eq!(status(&app, &order.id).await, "processing");
    assert_eq!(credits(&app).await, 0);
    for amount in ["50000.00", "50000.0"] {
        let form = Click::with(form.clone(), "amount", Some(amount));
        let answer = error(&click.send(&click.sign(form)).await);
        assert_eq!(answer, if amount == "50000.00" { 0 } else { -4 }, "the same amount, {amount}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_given_twice_or_forged_is_refused() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let (number, id) = click.begin(&order.id, SOUM).await;
    let form = click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0));
    for field in [
        "click_trans_id",
        "service_id",
        "merchant_trans_id",
        "merchant_prepare_id",
        "amount",
        "action",
        "error",
        "sign_time",
        "sign_string",
    ] {
        for value in [None, Some("")] {
            let answer = click.send(&Click::with(form.clone(), field, value)).await;
            assert_eq!(error(&answer), -8, "{field}: {value:?}");
        }
        let mut twice = form.clone();
        twice.push((field.to_owned(), "1".to_owned()));
        assert_eq!(error(&click.send(&twice).await), -8, "{field} is given twice");
    }
    for (field, value) in [
        ("amount", "50000.00"),
        ("sign_time", "2026-10-08 12:00:01"),
        ("click_trans_id", "2"),
        ("merchant_prepare_id", "2"),
        ("merchant_trans_id", "order-77"),
        ("service_id", "10002"),
        ("sign_string", "0"),
        ("sign_string", "00000000000000000000000000000000"),
        ("sign_string", "\0"),
    ] {
        let answer = click.send(&Click::with(form.clone(), field, Some(value))).await;
        assert_eq!(error(&answer), -1, "{field} = {value:?} was not signed");
    }
    let as_prepare = Click::with(form.clone(), "action", Some("0"));
    assert_eq!(error(&click.send(&as_prepare).await), -1, "a Complete is no Prepare");
    assert_eq!(credits(&app).await, 0);
    let loud =
        form.iter().find(|(name, _)| name == "sign_string").expect("signed").1.to_uppercase();
    let answer = click.send(&Click::with(form, "sign_string", Some(&loud))).await;
    assert_eq!(error(&answer), 0, "either case of a digit is the same digit");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_and_no_method_gets_anything_but_clicks_protocol() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let form = click.prepare_form(Click::number(), &order.id, SOUM);
    let urlencoded = "application/x-www-form-urlencoded";
    let encode = |form: &ClickForm| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes()
    };
    let object: serde_json::Map<_, _> =
        form.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let as_json = json!(object).to_string().into_bytes();
    let huge = Click::with(form.clone(), "error_note", Some(&"x".repeat(70 * 1024)));
    for (content_type, body) in [
        (urlencoded, Vec::new()),
        (urlencoded, b"&&&===%%%".to_vec()),
        (urlencoded, vec![0, 159, 146, 150, 255]),
        (urlencoded, as_json.clone()),
        ("application/json", as_json),
        ("application/json", encode(&form)),
        ("multipart/form-data; boundary=x", b"--x--".to_vec()),
        ("text/plain", encode(&form)),
        (urlencoded, encode(&huge)),
        (urlencoded, vec![b'a'; 2 << 20]),
    ] {
        let bytes = body.len();
        for address in ["click/", "click/prepare/", "click/complete/"] {
            let answer = click.raw(address, content_type, body.clone()).await;
            assert_eq!(error(&answer), -8, "{bytes} bytes of {content_type} to {address}");
        }
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        for address in ["click/", "click/prepare/", "click/complete/"] {
            let path = format!("payments/webhooks/{address}");
            let request = app.client.request(method.clone(), &path);
            let reply = app.client.send(request).await.expect(200);
            assert_eq!(error(&reply.json), -8, "{method} {address}");
        }
    }
    assert_eq!(error(&click.send_to("click/complete/", &form).await), -3, "the other address");
    assert_eq!(status(&app, &order.id).await, "pending", "nothing has begun");
    let answer = click.send_to("click/prepare/", &form).await;
    assert_eq!(error(&answer), 0, "{answer}");
    let (number, id) =
        (answer["click_trans_id"].as_i64().expect("a number"), &answer["merchant_prepare_id"]);
    let complete = click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0));
    assert_eq!(error(&click.send_to("click/prepare/", &complete).await), -3);
    let with_charset = format!("{urlencoded}; charset=UTF-8");
    let answer = click.raw("click/complete/", &with_charset, encode(&complete)).await;
    assert_eq!(error(&answer), 0, "{answer}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_deposit_by_click_is_clicks_to_pay() {
    let app = TestApp::start().await;
    let _deal = Story::new(&app).paid().await;
    let others = app.database.texts("SELECT id FROM transactions").await;
    assert!(others.len() >= 2, "a deposit by Payme and a purchase at least");
    for other in others {
        let answer = app.click().prepare(Click::number(), &other, "100000").await;
        assert_eq!(error(&answer), -5, "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_key_nor_a_signature_nor_a_strangers_words_are_recorded() {
    let app = TestApp::start().await;
    let click = app.click();
    let order = order(&app).await;
    let (number, id) = click.pay(&order.id, SOUM).await;
    let form = click.complete_form(number, &order.id, &id.to_string(), (SOUM, 0));
    let signature = form.iter().find(|(name, _)| name == "sign_string").expect("signed").1.clone();
    click.send(&form).await;
    let stranger = Click::new(&app.client, "guess");
    stranger.prepare(Click::number(), "8600123412341234", "1").await;
    click.raw("click/", "text/plain", b"8600123412341234".to_vec()).await;
    let recorded = app.database.texts("SELECT w FROM webhook_calls w").await;
    assert_eq!(recorded.len(), 5);
    for secret in ["test-click-key", &signature, "8600123412341234"] {
        assert!(!recorded.iter().any(|row| row.contains(secret)), "{secret} was recorded");
    }
    let paid = "SELECT count(*) FROM webhook_calls WHERE provider = 'click' AND method = 'complete' AND request #>> '{fields,merchant_trans_id}' = response ->> 'merchant_trans_id'";
    assert_eq!(app.database.number(paid).await, 2, "what support needs is there");
    app.finish().await;
}
