//! The list that Click tests integrations by, in its order, and what it leaves behind.

use serde_json::{Value, json};
use tests::{Click, TestApp};

use super::{SOUM, cases, credits, error, order, status};

/// Providers study, section 2.4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_own_test_list_passes_in_its_order() {
    let app = TestApp::start().await;
    let (click, forger) = (app.click(), Click::new(&app.client, "wrong"));
    let (first, second, third) = (order(&app).await, order(&app).await, order(&app).await);

    let number = Click::number();
    assert_eq!(error(&forger.prepare(number, &first.id, SOUM).await), -1, "1");
    for nobody in [uuid::Uuid::new_v4().to_string(), "order-77".to_owned(), "1".to_owned()] {
        assert_eq!(error(&click.prepare(number, &nobody, SOUM).await), -5, "2: {nobody}");
    }
    let prepared = click.prepare(number, &first.id, SOUM).await;
    let prepare_id = prepared["merchant_prepare_id"].clone();
    let expected = json!({ "click_trans_id": number, "merchant_trans_id": first.id,
        "merchant_prepare_id": prepare_id, "error": 0, "error_note": "Success" });
    assert_eq!(prepared, expected, "3");
    assert!(prepare_id.as_i64().is_some_and(|id| (1..1 << 31).contains(&id)), "3: an int");
    let complete = async |amount: &str, error| {
        click.complete(number, &first.id, &prepare_id, (amount, error)).await
    };
    let forged = forger.complete(number, &first.id, &prepare_id, (SOUM, 0)).await;
    assert_eq!(error(&forged), -1, "4");
    assert_eq!(error(&complete("300", 0).await), -2, "5");
    let expected = json!({ "click_trans_id": number, "merchant_trans_id": first.id,
        "merchant_confirm_id": prepare_id, "error": 0, "error_note": "Success" });
    assert_eq!(complete(SOUM, 0).await, expected, "6");
    assert_eq!(error(&complete(SOUM, 0).await), -4, "7");
    assert_eq!(error(&complete(SOUM, -5017).await), -9, "8");

    let (number, prepare_id) = click.begin(&second.id, SOUM).await; // 9
    let complete =
        async |id: &Value| error(&click.complete(number, &second.id, id, (SOUM, 0)).await);
    assert_eq!(complete(&json!(999_999_999)).await, -6, "10");
    assert_eq!(complete(&prepare_id).await, 0, "11");

    let (number, prepare_id) = click.begin(&third.id, SOUM).await; // 12
    let complete =
        async |code| error(&click.complete(number, &third.id, &prepare_id, (SOUM, code)).await);
    assert_eq!(complete(-5017).await, -9, "13");
    assert_eq!(complete(-5017).await, -9, "14");
    assert_eq!(complete(0).await, -9, "15");

    for (paid, kinds) in [(&first, &["failed_after_payment"][..]), (&second, &[])] {
        assert_eq!(status(&app, &paid.id).await, "completed");
        assert_eq!(app.available(&paid.person).await, "50000.00", "what is confirmed stays");
        assert_eq!(cases(&app, &paid.id).await, kinds);
    }
    assert_eq!(status(&app, &third.id).await, "cancelled");
    assert_eq!(app.available(&third.person).await, "0.00");
    assert_eq!(cases(&app, &third.id).await, ["paid_after_failure"], "Click contradicts itself");
    assert_eq!(credits(&app).await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_over_is_not_prepared_again_and_one_that_waits_is() {
    let app = TestApp::start().await;
    let click = app.click();
    let (paid, given_up, waiting) = (order(&app).await, order(&app).await, order(&app).await);
    click.pay(&paid.id, SOUM).await;
    let (number, prepare_id) = click.begin(&given_up.id, SOUM).await;
    click.complete(number, &given_up.id, &prepare_id, (SOUM, -1)).await;
    let again = async |order: &str| error(&click.prepare(Click::number(), order, SOUM).await);
    assert_eq!(again(&paid.id).await, -4);
    assert_eq!(again(&given_up.id).await, -9);
    let replayed = click.prepare(number, &given_up.id, SOUM).await;
    assert_eq!(error(&replayed), -9, "the payment that was given up");

    let (number, prepare_id) = click.begin(&waiting.id, SOUM).await;
    let replayed = click.prepare(number, &waiting.id, SOUM).await;
    assert_eq!(replayed["merchant_prepare_id"], prepare_id, "the same payment, the same number");
    assert_eq!(error(&click.prepare(number, &paid.id, SOUM).await), -8, "of another order");
    assert_eq!(error(&click.prepare(number, &waiting.id, "50001").await), -2);
    let (other, other_id) = click.begin(&waiting.id, SOUM).await;
    assert_ne!(other_id, prepare_id, "another payment, another number");
    let failed = click.complete(other, &waiting.id, &other_id, (SOUM, -5017)).await;
    assert_eq!(error(&failed), -9);
    assert_eq!(status(&app, &waiting.id).await, "processing", "one payer may still pay");
    let form = click.prepare_form(Click::number(), &waiting.id, SOUM);
    let refused = click.send(&click.sign(Click::with(form, "error", Some("-1")))).await;
    assert_eq!(error(&refused), -9, "a Prepare that failed at Click");
    assert_eq!(error(&click.complete(number, &waiting.id, &prepare_id, (SOUM, 0)).await), 0);
    assert_eq!(app.available(&waiting.person).await, "50000.00");
    app.finish().await;
}
