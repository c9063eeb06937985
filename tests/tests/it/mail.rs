//! Mail over real SMTP: what arrives, what a failing server costs, and what is never said in the clear.

use std::time::{Duration, Instant};

use shared::ids::UserId;
use shared::jobs::kinds::SendWelcomeEmail;
use tests::kinds::Count;
use tests::{
    Authority, Line, Person, Process, Received, SmtpServer, Story, TestApp, Whim, eventually,
};

/// A platform that mails through this server.
async fn app_with(server: &SmtpServer, more: &[(&str, &str)]) -> TestApp {
    let port = server.port();
    let mut settings = vec![("MAIL_DIR", ""), ("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", &port)];
    settings.extend_from_slice(more);
    TestApp::start_with(&settings).await
}

async fn welcome(app: &TestApp, user_id: UserId) {
    app.enqueue(SendWelcomeEmail { user_id }).await;
}

/// The state, the attempts and the last error of the welcome of one person.
async fn job_of(app: &TestApp, person: &Person) -> (String, String) {
    let job = format!(
        "SELECT state || ' ' || attempt || '|' || coalesce(last_error, '') FROM jobs WHERE unique_key = 'welcome:{}'",
        person.id
    );
    let job = app.database.texts(&job).await.remove(0);
    let (state, error) = job.split_once('|').expect("both");
    (state.to_owned(), error.to_owned())
}

fn ids(mails: &[Received]) -> Vec<String> {
    mails.iter().map(|mail| mail.header("Message-ID")).collect()
}

#[tokio::test]
async fn a_letter_arrives_in_its_readers_language_in_both_forms() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[("EMAIL_REPLY_TO", "help@wibestore.uz")]).await;
    for (language, subject, greeting, word) in [
        ("uz", "WibeStore'ga xush kelibsiz", "Assalomu alaykum, ali!", "himoyada turadi"),
        ("ru", "Добро пожаловать на WibeStore", "Здравствуйте, ali!", "деньги покупателя"),
        ("en", "Welcome to WibeStore", "Hello, ali!", "money is held"),
    ] {
        let person = app.person("ali").await;
        let speaks = format!("UPDATE users SET language = '{language}' WHERE id = '{}'", person.id);
        app.database.execute(&speaks).await;
        welcome(&app, person.id).await;
        assert_eq!(app.run_due_jobs().await, 1);
        let mails = server.mails_to(&person.email);
        let [mail] = mails.as_slice() else { panic!("{} letters arrived", mails.len()) };
        assert_eq!(mail.from, "noreply@wibestore.uz");
        assert_eq!(mail.header("Subject"), subject);
        assert_eq!(mail.header("To"), person.email);
        assert_eq!(mail.header("From"), "WibeStore <noreply@wibestore.uz>");
        assert_eq!(mail.header("Reply-To"), "help@wibestore.uz");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        let sent = chrono::DateTime::parse_from_rfc2822(&mail.header("Date")).expect("a date");
        assert!((chrono::Utc::now() - sent.to_utc()).num_seconds().abs() < 60, "{sent}");
        let (text, html) = (mail.text(), mail.html());
        assert!(text.starts_with(greeting) && text.contains(word), "{text}");
        assert!(text.contains("http://localhost:5173/products"), "{text}");
        assert!(html.contains(greeting) && html.contains(word), "{html}");
        assert!(html.contains(&format!("<html lang=\"{language}\">")), "{html}");
        assert!(mail.raw.is_ascii(), "every server on the way can carry it");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_letter_whose_answer_was_lost_is_sent_again_as_the_same_mail() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[]).await;
    let person = app.person("ali").await;
    server.on(".", Whim::HangUp);
    welcome(&app, person.id).await;
    app.run_due_jobs().await;
    assert_eq!(job_of(&app, &person).await.0, "pending 1");
    server.obey();
    app.advance("1 hour").await;
    app.run_due_jobs().await;
    assert_eq!(job_of(&app, &person).await.0, "done 2");
    let sent = ids(&server.mails_to(&person.email));
    assert_eq!(sent.len(), 2, "the first one was taken, but nobody said so");
    assert_eq!(sent[0], sent[1]);
    let effects = app.database.texts("SELECT effect_key FROM effects").await;
    assert_eq!(effects, [format!("mail:welcome:{}", person.id)]);
    welcome(&app, person.id).await;
    app.run_due_jobs().await;
    assert_eq!(server.mails().len(), 2, "who was welcomed is not welcomed again");
    let other = app.person("vali").await;
    welcome(&app, other.id).await;
    app.run_due_jobs().await;
    assert_ne!(ids(&server.mails_to(&other.email)), sent[..1], "another letter is another mail");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_letters_share_three_connections() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[("EMAIL_POOL_SIZE", "3")]).await;
    for number in 0..20 {
        let person = app.person(&format!("reader{number}")).await;
        welcome(&app, person.id).await;
    }
    let worker = app.in_process_worker().await;
    eventually("every letter has arrived", async || server.mails().len() == 20).await;
    worker.stop().await;
    assert!((1..=3).contains(&server.connections()), "{} connections", server.connections());
    let jobs = app.database.texts("SELECT DISTINCT state || ' ' || attempt FROM jobs").await;
    assert_eq!(jobs, ["done 1"], "who waits for a connection does not fail");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_mail_server_delays_mail_and_nothing_else() {
    let mut server = SmtpServer::start().await;
    server.down().await;
    let app = app_with(&server, &[]).await;
    let person = app.person("ali").await;
    welcome(&app, person.id).await;
    app.enqueue(Count { key: "beside".into() }).await;
    let deal = Story::new(&app).delivered().await;
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    let (state, error) = job_of(&app, &person).await;
    assert_eq!(state, "pending 1");
    assert!(error.contains("the mail server did not answer when we connected"), "{error}");
    assert!(error.contains("refused"), "{error}");
    assert_eq!(app.available(&deal.seller).await, "90000.00", "the seller is paid all the same");
    let other = "SELECT count(*) FROM jobs WHERE queue <> 'mail' AND state = 'pending' AND run_at <= app_now()";
    assert_eq!(app.database.number(other).await, 0);
    assert_eq!(
        app.database.number("SELECT count(*) FROM effects WHERE effect_key = 'beside'").await,
        1
    );
    server.up().await;
    app.advance("1 hour").await;
    app.run_due_jobs().await;
    assert_eq!(job_of(&app, &person).await.0, "done 2");
    assert_eq!(server.mails_to(&person.email).len(), 1);
    assert!(!server.mails_to(&deal.seller.email).is_empty(), "the deal's letters too");
    app.finish().await;
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[]).await;
    for (command, answer) in [
        ("", "421 4.3.2 too busy, come back later"),
        ("MAIL", "450 4.3.2 not now"),
        ("RCPT", "451 4.7.1 greylisted, come back in five minutes"),
        ("DATA", "451 4.3.0 not now"),
        (".", "452 4.3.1 no space left"),
        // These are about us, so the letter waits until we have put them right.
        ("", "554 5.3.2 no service for you"),
        ("MAIL", "550 5.7.1 you may not send as this"),
        ("RCPT", "530 5.7.0 log in first"),
    ] {
        let person = app.person("ali").await;
        server.on(command, Whim::Say(answer));
        // A kept connection has had its greeting.
        let app_of_this_case = app.engine().await;
        welcome(&app, person.id).await;
        app_of_this_case.run_due().await.expect("runs");
        let (state, error) = job_of(&app, &person).await;
        assert_eq!(state, "pending 1", "{command} {answer}: {error}");
        assert!(error.contains(answer), "{error}");
        server.obey();
        app.advance("1 hour").await;
        app.run_due_jobs().await;
        assert_eq!(job_of(&app, &person).await.0, "done 2", "{command} {answer}");
        assert_eq!(server.mails_to(&person.email).len(), 1, "{command} {answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_permanent_refusal_is_dead_at_once_with_the_servers_words() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[]).await;
    let neighbour = app.person("vali").await;
    for (command, answer) in [
        ("RCPT", "550 5.1.1 no such user here"),
        ("DATA", "554 5.7.1 not from you"),
        (".", "552 5.3.4 this letter is too large"),
    ] {
        let person = app.person("ali").await;
        server.on(command, Whim::Say(answer));
        welcome(&app, person.id).await;
        assert_eq!(app.run_due_jobs().await, 1);
        let (state, error) = job_of(&app, &person).await;
        assert_eq!(state, "dead 1");
        assert!(error.starts_with("the mail server answered") && error.contains(answer), "{error}");
        assert!(server.mails_to(&person.email).is_empty());
        server.obey();
        app.advance("1 day").await;
        assert_eq!(app.run_due_jobs().await, 0, "nobody tries again");
    }
    welcome(&app, neighbour.id).await;
    app.run_due_jobs().await;
    assert_eq!(server.mails_to(&neighbour.email).len(), 1);
    assert_eq!(server.connections(), 1, "a refusal does not cost the connection");
    app.expect_dead("send_welcome_email").await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_dead_at_once() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[]).await;
    for address in ["no address", "two@mail.uz, evil@mail.uz", "ali@mail.uz\r\nbcc: evil@mail.uz"] {
        let person = app.person("ali").await;
        let broken = format!("UPDATE users SET email = E'{address}' WHERE id = '{}'", person.id);
        app.database.execute(&broken.replace("\r\n", "\\r\\n")).await;
        welcome(&app, person.id).await;
        app.run_due_jobs().await;
        let (state, error) = job_of(&app, &person).await;
        assert_eq!(state, "dead 1", "{address}");
        assert!(error.starts_with("no mail address"), "{error}");
    }
    assert!(server.commands().is_empty(), "the server was not even asked");
    app.expect_dead("send_welcome_email").await;
    app.finish().await;
}

#[tokio::test]
async fn a_refused_login_is_ours_to_put_right_and_shows_no_password() {
    let server = SmtpServer::start_with_login("wibe", "c0rrect-horse").await;
    let login = [("EMAIL_HOST_USER", "wibe"), ("EMAIL_HOST_PASSWORD", "c0rrect-horse")];
    let app = app_with(&server, &login).await;
    let person = app.person("ali").await;
    server.on("AUTH", Whim::Say("535 5.7.8 AUTH PLAIN AHdpYmUAYzBycmVjdC1ob3JzZQ== is refused"));
    welcome(&app, person.id).await;
    app.run_due_jobs().await;
    let (state, error) = job_of(&app, &person).await;
    assert_eq!(state, "pending 1");
    assert!(error.contains("535") && error.contains("EMAIL_HOST_PASSWORD"), "{error}");
    assert!(!error.contains("AHdp") && !error.contains("c0rrect"), "{error}");
    assert!(!server.commands().contains(&"MAIL".to_owned()));
    server.obey();
    app.advance("1 hour").await;
    app.run_due_jobs().await;
    assert_eq!(job_of(&app, &person).await.0, "done 2");
    assert_eq!(server.mails().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_answer_to_another_letter() {
    let server = SmtpServer::start().await;
    let app = app_with(&server, &[("EMAIL_TIMEOUT", "1s")]).await;
    for (command, whim) in [
        (".", Whim::Dawdle(Duration::from_millis(1_500))),
        ("RCPT", Whim::Stall),
        ("DATA", Whim::Stall),
    ] {
        let (slow, next) = (app.person("slow").await, app.person("next").await);
        let connections = server.connections();
        server.on(command, whim);
        welcome(&app, slow.id).await;
        let started = Instant::now();
        app.run_due_jobs().await;
        assert!(started.elapsed() < Duration::from_secs(10), "a silent server is given up");
        let (state, error) = job_of(&app, &slow).await;
        assert_eq!(state, "pending 1");
        assert!(error.contains("took longer than 1s"), "{error}");
        server.obey();
        server.on("RCPT", Whim::Say("550 5.1.1 no such user here"));
        welcome(&app, next.id).await;
        app.run_due_jobs().await;
        assert_eq!(job_of(&app, &next).await.0, "dead 1", "after {command}");
        assert!(server.connections() > connections, "the slow one's connection is not used again");
        server.obey();
        app.advance("1 hour").await;
        app.run_due_jobs().await;
        assert_eq!(job_of(&app, &slow).await.0, "done 2", "after {command}");
        app.expect_dead("send_welcome_email").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_said_before_the_line_is_protected() {
    let authority = Authority::new();
    for line in [Line::Plain, Line::StartTls(authority.acceptor())] {
        // The one offers no protection; nobody here vouches for the other.
        let server = SmtpServer::start_protected(line, "wibe", "c0rrect-horse").await;
        let settings = [
            ("EMAIL_HOST", "localhost"),
            ("EMAIL_USE_TLS", "True"),
            ("EMAIL_HOST_USER", "wibe"),
            ("EMAIL_HOST_PASSWORD", "c0rrect-horse"),
        ];
        let app = app_with(&server, &settings).await;
        let person = app.person("ali").await;
        welcome(&app, person.id).await;
        app.run_due_jobs().await;
        let (state, error) = job_of(&app, &person).await;
        assert_eq!(state, "pending 1");
        assert!(error.contains("to STARTTLS"), "{error}");
        assert!(server.connections() > 0);
        for secret in ["AUTH", "MAIL"] {
            assert!(!server.commands().contains(&secret.to_owned()), "{:?}", server.commands());
        }
        app.database.execute("DELETE FROM jobs").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_mails_over_tls_to_a_server_that_somebody_vouches_for() {
    let authority = Authority::new();
    for (line, switch) in [
        (Line::StartTls(authority.acceptor()), "EMAIL_USE_TLS"),
        (Line::Tls(authority.acceptor()), "EMAIL_USE_SSL"),
    ] {
        let server = SmtpServer::start_protected(line, "wibe", "c0rrect-horse").await;
        let app = TestApp::start().await;
        let person = app.person("ali").await;
        welcome(&app, person.id).await;
        let mut variables = app.variables();
        for (name, value) in [
            ("MAIL_DIR", ""),
            ("EMAIL_HOST", "localhost"),
            ("EMAIL_PORT", &server.port()),
            (switch, "True"),
            ("EMAIL_HOST_USER", "wibe"),
            ("EMAIL_HOST_PASSWORD", "c0rrect-horse"),
            ("SSL_CERT_FILE", &authority.certificate()),
            ("WORKER_METRICS_LISTEN", "127.0.0.1:0"),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        let mut worker = Process::start("worker", &variables);
        eventually("the letter has arrived", async || {
            let (state, error) = job_of(&app, &person).await;
            assert!(error.is_empty() && worker.ended().is_none(), "{state}: {error}");
            server.mails().len() == 1
        })
        .await;
        assert_eq!(server.mails()[0].to, [person.email.as_str()]);
        assert!(server.commands().contains(&"AUTH".to_owned()));
        assert!(worker.terminate().success());
        app.finish().await;
    }
}
