//! Roles of staff: who gives them, what they are good for, and that they are gone at once.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use futures::future::join;
use serde_json::json;
use tests::{Client, Finished, Person, Race, Reply, TestApp, Winner, environment};

use super::profile::{PASSWORD, with_password};

async fn turn(by: &Person, who: &Person, action: &str, role: &str) -> Reply {
    let path = format!("admin-panel/users/{}/roles/", who.id);
    by.client.post(&path, json!({ "role": role, "action": action })).await
}

/// The statuses of a moderator's page, a page of the money's, and a superuser's.
async fn doors(client: &Client) -> [u16; 3] {
    let mut statuses = [0; 3];
    let paths = ["admin-panel/listings/", "admin-panel/transactions/", "admin-panel/users/"];
    for (status, path) in statuses.iter_mut().zip(paths) {
        let own = "01890000-0000-7000-8000-000000000000/roles/";
        let path = if path.ends_with("users/") { format!("{path}{own}") } else { path.to_owned() };
        *status = client.get(&path).await.status;
    }
    statuses
}

async fn superusers(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM users WHERE is_superuser").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_opens_its_doors_with_the_next_request_and_closes_them_so() {
    let app = TestApp::start().await;
    let (superuser, person) = (app.superuser().await, app.person("newcomer").await);
    let steps: [(&str, &str, &[&str], [u16; 3]); 7] = [
        ("grant", "moderator", &["moderator"], [200, 403, 403]),
        ("grant", "moderator", &["moderator"], [200, 403, 403]),
        ("grant", "finance", &["moderator", "finance"], [200, 200, 403]),
        ("revoke", "moderator", &["finance"], [403, 200, 403]),
        ("grant", "superuser", &["finance", "superuser"], [200, 200, 404]),
        ("revoke", "superuser", &["finance"], [403, 200, 403]),
        ("revoke", "finance", &[], [403, 403, 403]),
    ];
    assert_eq!(doors(&person.client).await, [403, 403, 403]);
    for (action, role, roles, open) in steps {
        let reply = turn(&superuser, &person, action, role).await.expect(200);
        assert_eq!(reply.at("/roles"), &json!(roles), "{action} {role}");
        let me = person.client.get("auth/me/").await.expect(200);
        assert_eq!(me.at("/is_staff"), &json!(!roles.is_empty()), "{action} {role}");
        assert_eq!(doors(&person.client).await, open, "{action} {role}");
    }
    let audited = format!(
        "SELECT replace(action, 'staff.role_', '') || ' ' || (details ->> 'role') FROM audit_log
         WHERE action LIKE 'staff.role%' AND object_id = '{}' AND actor = 'staff:{}' ORDER BY id",
        person.id, superuser.id
    );
    assert_eq!(
        app.database.texts(&audited).await,
        [
            "granted moderator",
            "granted finance",
            "revoked moderator",
            "granted superuser",
            "revoked superuser",
            "revoked finance"
        ]
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_being_staff_is_worth_nothing_and_knowing_roles_costs_no_statement() {
    let app = TestApp::start().await;
    let (person, moderator) = (app.person("person").await, app.staff_with("moderator").await);
    let cost = async |client: &Client| app.statements(client.get("auth/me/")).await.0;
    let of_a_person = cost(&person.client).await;
    assert_eq!(cost(&moderator.client).await, of_a_person);
    assert_eq!(doors(&moderator.client).await, [200, 403, 403]);
    let sql = format!("UPDATE users SET is_staff = false WHERE id = '{}'", moderator.id);
    app.database.execute(&sql).await;
    assert_eq!(doors(&moderator.client).await, [403, 403, 403]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_makes_no_sense_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let (superuser, person) = (app.superuser().await, app.person("person").await);
    let (unverified, banned) = (app.unverified("new").await, app.person("banned").await);
    let ban = format!("UPDATE users SET is_active = false WHERE id = '{}'", banned.id);
    app.database.execute(&ban).await;
    for (body, field) in [
        (json!({}), "role"),
        (json!({ "role": "moderator" }), "action"),
        (json!({ "role": "admin", "action": "grant" }), "role"),
        (json!({ "role": "Moderator", "action": "grant" }), "role"),
        (json!({ "role": "moderator", "action": "give" }), "action"),
        (json!({ "role": ["moderator"], "action": "grant" }), "role"),
        (json!({ "role": "moderator", "action": "grant", "is_superuser": true }), "is_superuser"),
    ] {
        let path = format!("admin-panel/users/{}/roles/", person.id);
        let reply = superuser.client.post(&path, body.clone()).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{body}: {}", reply.text);
    }
    for (who, status) in [(&unverified, "unverified"), (&banned, "banned")] {
        let reply = turn(&superuser, who, "grant", "moderator").await;
        let reply = reply.expect_error(409, "INVALID_STATE");
        assert_eq!(reply.text_at("/error/details/status"), status);
    }
    let nobody = "admin-panel/users/01890000-0000-7000-8000-000000000000/roles/";
    let grant = json!({ "role": "finance", "action": "grant" });
    superuser.client.post(nobody, grant).await.expect_error(404, "NOT_FOUND");
    superuser.client.get(nobody).await.expect_error(404, "NOT_FOUND");
    // What they have not got is taken away already.
    turn(&superuser, &person, "revoke", "finance").await.expect(200);
    turn(&superuser, &superuser, "revoke", "superuser")
        .await
        .expect_error(403, "PERMISSION_DENIED");
    let left = "SELECT (SELECT count(*) FROM audit_log WHERE action LIKE 'staff.%')
                + (SELECT count(*) FROM users WHERE is_staff AND NOT is_superuser)";
    assert_eq!((app.database.number(left).await, superusers(&app).await), (0, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_superusers_who_remove_each_other_at_once_leave_one() {
    let app = TestApp::start().await;
    for round in 0..8 {
        let (one, two) = (app.superuser().await, app.superuser().await);
        let (first, second) =
            join(turn(&one, &two, "revoke", "superuser"), turn(&two, &one, "revoke", "superuser"))
                .await;
        assert_eq!(superusers(&app).await, 1, "round {round}");
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        // The one who was too late was no superuser any more, or would have been the last.
        assert!(matches!(statuses, [200, 403 | 409]), "round {round}: {statuses:?}");
        app.database.execute("UPDATE users SET is_superuser = false").await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_superuser_who_leaves_while_their_role_is_taken_waits_and_not_for_ever() {
    let app = TestApp::start().await;
    let stays = app.superuser().await;
    let mut race = Race::new("closing a superuser's account against taking the role", 8);
    for _ in race.rounds() {
        let leaver = with_password(&app, app.superuser().await).await;
        let body = json!({ "password": PASSWORD });
        let leaving = leaver.client.post("auth/account/delete/", body);
        let (closed, taken) =
            race.duel(leaving, turn(&stays, &leaver, "revoke", "superuser")).await;
        match (closed.status, taken.status) {
            (200, 404) => race.won(Winner::Left, "closed"),
            (200, 200) => race.won(Winner::Right, "taken, then closed"),
            other => race.fail(&format!("{other:?}: {} {}", closed.text, taken.text)),
        }
    }
    race.end_some(&["closed", "taken, then closed"]);
    app.run_due_jobs().await;
    app.finish().await;
}

/// `wibe` with something on its standard input.
fn wibe(variables: &HashMap<String, String>, args: &[&str], input: &str) -> Finished {
    let program = environment().binaries.join("wibe");
    let mut child = Command::new(&program)
        .args(args)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // It may not want to read it.
    drop(child.stdin.take().expect("piped").write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Finished { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

async fn signs_in(app: &TestApp, email: &str, password: &str) -> Client {
    let body = json!({ "email": email, "password": password });
    let reply = app.client.post("auth/login/", body).await.expect(200);
    app.client.with_token(reply.text_at("/tokens/access"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_superuser_is_made_by_an_operator_with_a_password_of_their_own() {
    let app = TestApp::start().await;
    let mut shell = app.variables();
    shell.remove("REDIS_URL");
    shell.insert("WIBE_OPERATOR".to_owned(), "nigora".to_owned());
    let make = |email: &str, more: &[&str], input: &str| {
        wibe(&shell, &[&["create-superuser", "--email", email], more].concat(), input)
    };
    // No password is no password; a weak one, a common one and their own address are refused.
    for password in ["", "\n", "short1\n", "onlyletters\n", "password1\n", "root@example.uz1\n"] {
        let refused = make("root@example.uz", &[], password).expect(1);
        assert!(!refused.err.is_empty() && refused.out.is_empty(), "{password:?}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 0);
    let made = make("Root@Example.uz", &["--full-name", "Root"], "tulip-7-river\n").expect(0);
    assert!(made.out.contains("root@example.uz may do everything"), "{}", made.out);
    let again = make("root@example.uz", &[], "").expect(0);
    assert!(again.out.contains("may do everything already"), "{}", again.out);
    let root = signs_in(&app, "root@example.uz", "tulip-7-river").await;
    assert_eq!(doors(&root).await, [200, 200, 404]);

    let generated = make("second@example.uz", &["--generate-password"], "").expect(0);
    let password = generated.out.lines().find_map(|line| line.strip_prefix("password: "));
    let password = password.expect("is shown");
    assert_eq!(doors(&signs_in(&app, "second@example.uz", password).await).await, [200, 200, 404]);

    let mut with_variable = shell.clone();
    with_variable.insert("WIBE_PASSWORD".to_owned(), "orchid-9-stone".to_owned());
    let args = ["create-superuser", "--email", "third@example.uz"];
    wibe(&with_variable, &args, "").expect(0);
    signs_in(&app, "third@example.uz", "orchid-9-stone").await;

    let person = app.person("somebody").await;
    let refused = make(&person.email, &[], "tulip-7-river\n").expect(1);
    assert!(refused.err.contains("wibe grant-role"), "{}", refused.err);
    let by = "SELECT DISTINCT actor FROM audit_log WHERE action = 'user.superuser_created'";
    assert_eq!(app.database.texts(by).await, ["operator:nigora"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gives_and_takes_roles_by_address() {
    let app = TestApp::start().await;
    let mut shell = app.variables();
    shell.insert("WIBE_OPERATOR".to_owned(), "nigora".to_owned());
    let person = app.person("somebody").await;
    let run = |args: &[&str]| wibe(&shell, args, "");
    let given = run(&["grant-role", &person.email, "finance"]).expect(0);
    assert_eq!(given.out.trim(), format!("{} has finance", person.email));
    assert_eq!(doors(&person.client).await, [403, 200, 403]);
    let again = run(&["grant-role", &person.email.to_uppercase(), "finance"]).expect(0);
    assert!(again.out.contains("already"), "{}", again.out);
    run(&["grant-role", &person.email, "superuser"]).expect(0);
    let last = run(&["revoke-role", &person.email, "superuser"]).expect(1);
    assert!(last.err.contains("the last superuser"), "{}", last.err);
    app.superuser().await;
    run(&["revoke-role", &person.email, "superuser"]).expect(0);
    let none = run(&["revoke-role", &person.email, "finance"]).expect(0);
    assert_eq!(none.out.trim(), format!("{} has no role", person.email));
    assert_eq!(doors(&person.client).await, [403, 403, 403]);
    run(&["grant-role", "nobody@example.uz", "finance"]).expect(1);
    run(&["grant-role", &person.email, "king"]).expect(2);
    let by = "SELECT count(*) FROM audit_log WHERE action LIKE 'staff.role%' AND actor = 'operator:nigora' AND actor_id IS NULL";
    assert_eq!(app.database.number(by).await, 4);
    app.finish().await;
}
