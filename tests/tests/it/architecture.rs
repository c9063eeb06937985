//! What Cargo and clippy cannot hold: sizes, walls inside crates, and that every kind is registered.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Longer files are not read top-down.
const FILE_MAX: usize = 500;
/// Longer functions hide their decisions.
const FUNCTION_MAX: usize = 70;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    found
}

fn shipped() -> Vec<(PathBuf, String)> {
    ["shared/src", "api/src", "worker/src", "scheduler/src", "wibe/src"]
        .iter()
        .flat_map(|folder| sources(folder))
        .collect()
}

/// The code without its unit tests and comments.
fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]").next().unwrap_or(text);
    before_tests
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn files_and_functions_can_be_read() {
    let everything = shipped()
        .into_iter()
        .chain(sources("xtask/src"))
        .chain(sources("sandbox/src"))
        .chain(sources("tests/src"))
        .chain(sources("tests/tests"));
    for (path, text) in everything.filter(|(path, _)| !path.ends_with("schema.rs")) {
        let lines = text.lines().count();
        assert!(lines <= FILE_MAX, "{} has {lines} lines", path.display());
        let mut start: Option<(usize, usize)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let head = line.trim_start();
            let opens = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(crate) fn ",
                "pub(crate) async fn ",
                "pub(super) async fn ",
            ];
            if opens.iter().any(|open| head.starts_with(open)) {
                start = Some((number, indent));
            } else if let Some((first, depth)) = start
                && head == "}"
                && indent == depth
            {
                assert!(
                    number - first <= FUNCTION_MAX,
                    "{}:{} has {} lines",
                    path.display(),
                    first + 1,
                    number - first
                );
                start = None;
            }
        }
    }
}

#[test]
fn sql_is_never_built_from_strings() {
    for (path, text) in shipped() {
        let code = code(&text);
        for building in [
            "sql_query(format!",
            "sql_query(&",
            "batch_execute(&format!",
            "dsl::sql(",
            "batch_execute(format!",
        ] {
            assert!(!code.contains(building), "{} builds SQL: {building}", path.display());
        }
        for line in code.lines().filter(|line| line.contains("format!(")) {
            let built = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"]
                .iter()
                .any(|word| line.contains(word));
            assert!(!built, "{} builds SQL: {line}", path.display());
        }
    }
}

#[test]
fn no_float_decides_anything() {
    for (path, text) in shipped() {
        // Prometheus speaks in floats; the walk over a JSON body sees them only to refuse them.
        if path.ends_with("telemetry/metrics.rs") || path.ends_with("extract/body/walk.rs") {
            continue;
        }
        for float in ["f64", "f32"] {
            let found = code(&text)
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == float);
            assert!(!found, "{} speaks of {float}", path.display());
        }
    }
}

#[test]
fn the_walls_stand() {
    let manifest = |name: &str| {
        std::fs::read_to_string(Path::new(ROOT).join(name).join("Cargo.toml")).expect("a manifest")
    };
    for (member, forbidden) in [
        ("api", "diesel"),
        ("api", "apalis"),
        ("worker", "diesel"),
        ("worker", "salvo"),
        ("scheduler", "diesel"),
        ("scheduler", "redis"),
        ("shared", "salvo"),
        ("shared", "apalis"),
        ("wibe", "diesel"),
    ] {
        let depends = manifest(member).lines().any(|line| line.starts_with(forbidden));
        assert!(!depends, "{member} depends on {forbidden}");
    }
    for dependency in manifest("sandbox").lines() {
        let ours = ["shared", "api", "worker", "scheduler"]
            .iter()
            .any(|ours| dependency.starts_with(ours));
        assert!(!ours, "the providers do not know the platform: {dependency}");
    }
    for shipped in ["api", "worker", "scheduler", "shared", "wibe"] {
        assert!(!manifest(shipped).contains("sandbox"), "{shipped} ships the sandbox");
    }
    assert!(
        std::fs::read_to_string(Path::new(ROOT).join("shared/src/lib.rs"))
            .expect("lib")
            .contains("pub(crate) mod schema;")
    );
    for (path, text) in sources("worker/src") {
        assert!(
            path.ends_with("redis.rs") || !code(&text).contains("push_all"),
            "only the dispatcher's pusher pushes: {}",
            path.display()
        );
    }
    for (path, text) in sources("scheduler/src") {
        let code = code(&text);
        for noun in ["escrow::", "ledger::", "payments::", "accounts::", "listings::"] {
            assert!(!code.contains(noun), "{} knows {noun}", path.display());
        }
    }
}

#[test]
fn every_kind_is_registered_and_every_scheduled_kind_exists() {
    let declared: BTreeSet<String> = sources("shared/src")
        .into_iter()
        .flat_map(|(_, text)| {
            let kinds: Vec<_> = text
                .split("const KIND: &'static str = \"")
                .skip(1)
                .map(|rest| rest.split('"').next().expect("a name").to_owned())
                .collect();
            kinds
        })
        .collect();
    let registered: BTreeSet<String> =
        shared::jobs::registry().kinds().into_iter().map(str::to_owned).collect();
    assert_eq!(declared, registered);
    assert!(scheduler::schedule::schedule().iter().all(|line| registered.contains(line.name)));
}

/// The specification's section on Celery tasks.
const SPECIFIED: [&str; 18] = [
    "archive_old_listings",
    "auto_approve_if_timeout",
    "auto_renew_subscription",
    "calculate_daily_statistics",
    "check_subscription_expirations",
    "cleanup_old_notifications",
    "cleanup_unverified_users",
    "notify_admins_new_listing",
    "process_deposit",
    "process_withdrawal",
    "release_escrow_payment",
    "send_email_verification",
    "send_notification_email",
    "send_password_reset_email",
    "send_subscription_expiring_soon",
    "send_transaction_email",
    "send_welcome_email",
    "update_search_index",
];

#[test]
fn every_kind_of_the_specification_is_registered_or_awaited() {
    let registered: BTreeSet<&str> = shared::jobs::registry().kinds().into_iter().collect();
    let awaited: BTreeSet<&str> = shared::jobs::AWAITED.iter().map(|(kind, _)| *kind).collect();
    assert!(registered.is_disjoint(&awaited), "a kind that is here is not awaited");
    let known: BTreeSet<&str> = registered.union(&awaited).copied().collect();
    let missing: Vec<_> = SPECIFIED.iter().filter(|kind| !known.contains(*kind)).collect();
    assert!(missing.is_empty(), "neither registered nor awaited: {missing:?}");
    let invented: Vec<_> = awaited.iter().filter(|kind| !SPECIFIED.contains(*kind)).collect();
    assert!(invented.is_empty(), "awaited, but not specified: {invented:?}");
    assert!(shared::jobs::AWAITED.iter().all(|(_, domain)| !domain.is_empty()));
}

#[test]
fn the_three_screens_fit_on_a_screen() {
    for (screen, max) in [
        ("api/src/router.rs", 330),
        ("shared/src/jobs/registry.rs", 260),
        ("scheduler/src/schedule.rs", 190),
    ] {
        let lines = std::fs::read_to_string(Path::new(ROOT).join(screen))
            .expect("a screen")
            .lines()
            .count();
        assert!(lines <= max, "{screen} has {lines} lines");
    }
}

#[test]
fn every_setting_is_in_the_example_and_every_name_of_the_specification_is_accounted_for() {
    let example =
        std::fs::read_to_string(Path::new(ROOT).join(".env.example")).expect("an example");
    let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let named: BTreeSet<&str> = example.split(|c| !word(c)).collect();
    let mut read = BTreeSet::new();
    for (path, text) in sources("shared/src/settings").into_iter().chain(sources("wibe/src")) {
        for name in code(&text).split('"').skip(1).step_by(2) {
            let is_variable = name.len() > 3 && name.contains('_') && name.chars().all(word);
            // Cargo's own are known when we are compiled.
            if !is_variable || name.starts_with("CARGO_") {
                continue;
            }
            assert!(named.contains(name), "{name} of {} is not in .env.example", path.display());
            read.insert(name.to_owned());
        }
    }
    // Names of the demo and of a developer's machine are read there.
    for (_, text) in sources("xtask/src").into_iter().chain(sources("tests/src")) {
        read.extend(code(&text).split('"').skip(1).step_by(2).map(str::to_owned));
    }
    for line in example.lines() {
        let Some((name, _)) = line.trim_start_matches("# ").split_once('=') else { continue };
        let is_read = read.contains(name) || !name.contains('_');
        assert!(is_read || !name.chars().all(word), "nobody reads {name} of .env.example");
    }
    for name in [
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "REDIS_URL",
        "EMAIL_HOST",
        "EMAIL_PORT",
        "EMAIL_HOST_USER",
        "EMAIL_HOST_PASSWORD",
        "DEFAULT_FROM_EMAIL",
        "JWT_SECRET_KEY",
        "JWT_ACCESS_TOKEN_LIFETIME",
        "JWT_REFRESH_TOKEN_LIFETIME",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
        "PAYME_MERCHANT_ID",
        "PAYME_SECRET_KEY",
        "CLICK_SECRET_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_REGION_NAME",
        "SENTRY_DSN",
        "CELERY_BROKER_URL",
        "CELERY_RESULT_BACKEND",
    ] {
        assert!(named.contains(name), "{name} of the specification is not in .env.example");
    }
}

/// Rows of earlier releases wait in production when a new one starts. A line of the file is never changed: a field that is
/// added is optional, and arguments that serde cannot bridge get another version, an upgrade, and a line of their own.
#[test]
fn arguments_that_were_ever_recorded_can_still_be_run() {
    let recorded: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("recorded_arguments.json")).expect("a list");
    let registry = shared::jobs::registry();
    let mut seen = BTreeSet::new();
    for row in recorded {
        let kind = row["kind"].as_str().expect("a kind");
        let version = i16::try_from(row["version"].as_i64().expect("a version")).expect("small");
        let entry = registry.get(kind).unwrap_or_else(|| panic!("{kind} is registered"));
        if let Err(problem) = (entry.readable)(row["args"].clone(), version) {
            panic!("version {version} of {kind} cannot be read any more: {problem}");
        }
        seen.insert((kind.to_owned(), version));
    }
    for entry in registry.iter() {
        assert!(
            seen.contains(&(entry.kind.to_owned(), entry.version)),
            "version {} of {} has no line in recorded_arguments.json",
            entry.version,
            entry.kind
        );
    }
}
