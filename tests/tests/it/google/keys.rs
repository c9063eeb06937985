//! Google changes its keys, and is away at times.

use futures::future::join_all;
use tests::google::{BadDay, Google, SigningKey, claims};

use super::with_id_token;

fn token(key: &SigningKey, sub: &str) -> String {
    key.sign(&claims(sub, &format!("person-{sub}@example.uz")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_has_the_keys_read_once_and_a_forger_not_again() {
    let (google, first) = (Google::start().await, SigningKey::first());
    let app = google.platform(&[("GOOGLE_TIMEOUT", "5s")]).await;
    let tokens: Vec<_> = (0..8).map(|number| token(&first, &format!("2000{number}"))).collect();
    let replies = join_all(tokens.iter().map(|token| with_id_token(&app, token))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(google.asked("/certs"), 1, "one asks for all");
    let forged = (0..20).map(|number| token(&first.named(&format!("forged-{number}")), "20009"));
    let forged: Vec<_> = forged.collect();
    let replies = join_all(forged.iter().map(|token| with_id_token(&app, token))).await;
    assert!(replies.iter().all(|reply| (reply.status, reply.code()) == (401, "TOKEN_INVALID")));
    assert_eq!(google.asked("/certs"), 1, "an unknown name is no reason so soon");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_taken_at_once_and_a_withdrawn_one_no_longer_than_google_says() {
    let (google, first, second) =
        (Google::start().await, SigningKey::first(), SigningKey::second());
    let app = google.platform(&[("GOOGLE_JWKS_REFETCH_AFTER", "0s")]).await;
    with_id_token(&app, &token(&first, "30001")).await.expect(200);
    google.publish(&[first.clone(), second.clone()]);
    with_id_token(&app, &token(&second, "30002")).await.expect(200);
    assert_eq!(google.asked("/certs"), 2);
    google.publish(std::slice::from_ref(&second));
    with_id_token(&app, &token(&first, "30001")).await.expect(200);
    assert_eq!(google.asked("/certs"), 2, "fresh for six hours, as Google said");
    // A name that nobody knows has the keys read again, and with them goes the old one.
    google.cache("max-age=0");
    with_id_token(&app, &token(&first.named("forged"), "30001"))
        .await
        .expect_error(401, "TOKEN_INVALID");
    with_id_token(&app, &token(&first, "30001")).await.expect_error(401, "TOKEN_INVALID");
    with_id_token(&app, &token(&second, "30002")).await.expect(200);
    assert_eq!(google.asked("/certs"), 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_known_are_used_on_while_google_is_away() {
    let (google, first, second) =
        (Google::start().await, SigningKey::first(), SigningKey::second());
    google.cache("no-store");
    let app = google.platform(&[("GOOGLE_JWKS_REFETCH_AFTER", "0s")]).await;
    with_id_token(&app, &token(&first, "40001")).await.expect(200);
    google.publish(std::slice::from_ref(&second));
    for day in [BadDay::Status(500), BadDay::HangUp, BadDay::Stall, BadDay::Huge, BadDay::Nonsense]
    {
        google.fail("/certs", day);
        let asked = google.asked("/certs");
        with_id_token(&app, &token(&first, "40001")).await.expect(200);
        assert!(google.asked("/certs") > asked, "it is asked for newer ones");
        let unknown = with_id_token(&app, &token(&second, "40002")).await;
        let unknown = unknown.expect_error(503, "SERVICE_UNAVAILABLE");
        assert!(unknown.headers.contains_key("retry-after"));
    }
    google.fail("/certs", BadDay::Stall);
    let tokens: Vec<_> = (0..4).map(|number| token(&first, &format!("4001{number}"))).collect();
    let started = std::time::Instant::now();
    let replies = join_all(tokens.iter().map(|token| with_id_token(&app, token))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert!(
        started.elapsed().as_millis() < 2_800,
        "one waits for Google, and not one after the other"
    );
    google.recover();
    with_id_token(&app, &token(&second, "40002")).await.expect(200);
    with_id_token(&app, &token(&first, "40001")).await.expect_error(401, "TOKEN_INVALID");
    app.finish().await;
}
