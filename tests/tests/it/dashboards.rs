//! The files of operators in themselves: dashboards are whole, every alert has its test, its runbook and its panel.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::grafana::{DASHBOARDS, dashboard, file, folder, list, panels, text};
use tests::promtool;

#[test]
fn rules_are_valid_and_every_alert_fires_and_is_silent_in_its_tests() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "recording.rules.yml", "alerts.rules.yml"]);
    promtool(&["test", "rules", "alerts.test.yml"]);
}

/// The alerts with the given line of each, such as its runbook.
fn alerts(line: &str) -> BTreeMap<String, String> {
    let rules = file("prometheus/alerts.rules.yml");
    let alerts = rules.split("- alert: ").skip(1);
    alerts
        .map(|alert| {
            let value = alert.lines().find_map(|found| found.trim().strip_prefix(line));
            let name = alert.lines().next().unwrap_or_default().to_owned();
            (name, value.unwrap_or_default().trim().to_owned())
        })
        .collect()
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_and_the_day_in_health_has_all_series() {
    let tests = file("prometheus/alerts.test.yml");
    let (health, scenarios) = tests.split_once("# A paused queue").expect("health is first");
    for alert in alerts("labels:").keys() {
        let own = scenarios.split("- name: ").find(|test| test.starts_with(&format!("{alert}\n")));
        let own = own.unwrap_or_else(|| panic!("{alert} has a test"));
        let silent = own.contains("exp_samples: []");
        let fires = own.contains(&format!("exp_samples: [{{labels: '{{alertname=\"{alert}\"}}'"));
        assert!(silent && fires, "{alert} is silent at first, and fires then");
    }
    let rules =
        [file("prometheus/alerts.rules.yml"), file("prometheus/recording.rules.yml")].concat();
    let named = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    let in_a_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ':');
    for name in named.flat_map(|line| line.split(|sign| !in_a_name(sign))) {
        let metric =
            ["_total", "_bucket", "_seconds", "_count", "_timestamp", "job_slots", "job_depth"]
                .iter()
                .any(|end| name.ends_with(end));
        assert!(
            !metric || name.contains(':') || health.contains(name),
            "{name} is in the day in health"
        );
    }
}

#[test]
fn every_alert_leads_to_its_runbook_and_to_a_panel() {
    let severities = alerts("labels:");
    let (runbooks, panels_of) = (alerts("runbook:"), alerts("dashboard:"));
    for (alert, severity) in &severities {
        let known = ["page", "warn", "info"].map(|name| format!("{{severity: {name}}}"));
        assert!(known.contains(severity), "{alert} is {severity}");
        assert_eq!(title_of(&runbooks[alert]), *alert, "its runbook");
        assert!(!title_of(&panels_of[alert]).is_empty(), "{alert} has a panel");
    }
    let sections: BTreeSet<String> = runbook_sections().into_iter().map(|(name, _)| name).collect();
    assert_eq!(sections, severities.into_keys().collect());
}

#[test]
fn runbooks_speak_of_panels_that_exist() {
    let book = file("runbooks.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut spoken_of = 0;
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let titles: Vec<&str> =
            panels(&dashboard).iter().map(|panel| text(panel, "title")).collect();
        for rest in book.split(&format!("*{} / ", text(&dashboard, "title"))).skip(1) {
            let title = rest.split('*').next().unwrap_or_default();
            assert!(titles.contains(&title), "{name} has no panel {title}");
            spoken_of += 1;
        }
    }
    assert!(spoken_of > 20, "the runbooks lead to panels");
}

/// The title of the panel that a link leads to; empty when it leads nowhere.
fn title_of(link: &str) -> String {
    let path = link.strip_prefix("/d/wibe-").unwrap_or_default();
    let Some((name, id)) = path.split_once("?viewPanel=") else { return String::new() };
    let dashboard = dashboard(name.split('/').next().unwrap_or_default());
    let panel =
        panels(&dashboard).into_iter().find(|panel| panel["id"].as_i64() == id.parse().ok());
    panel.map(|panel| text(panel, "title").to_owned()).unwrap_or_default()
}

fn runbook_sections() -> Vec<(String, String)> {
    let book = file("runbooks.md");
    let sections = book.split("\n## ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n'))
        .map(|(name, text)| (name.to_owned(), text.trim().to_owned()))
        .collect()
}

#[test]
fn the_runbooks_in_grafana_are_the_runbooks() {
    if std::env::var_os("UPDATE_RUNBOOKS").is_some() {
        let text = serde_json::to_string_pretty(&runbook_dashboard()).expect("JSON");
        let path = folder().join("dashboards/runbooks.json");
        std::fs::write(path, text + "\n").expect("writes");
    }
    assert_eq!(
        dashboard("runbooks"),
        runbook_dashboard(),
        "write it with UPDATE_RUNBOOKS=1, see grafana/README.md"
    );
}

/// The dashboard that shows `runbooks.md`: a panel per section.
fn runbook_dashboard() -> Value {
    let book = file("runbooks.md");
    let foreword = book.split("\n## ").next().and_then(|text| text.split_once('\n'));
    let foreword = foreword.map(|(_, text)| text.trim().to_owned()).unwrap_or_default();
    let mut panels =
        vec![("Runbooks".to_owned(), foreword, json!({ "x": 0, "y": 0, "w": 24, "h": 6 }))];
    for (number, (name, text)) in runbook_sections().into_iter().enumerate() {
        let place = json!({ "x": number % 2 * 12, "y": 6 + number / 2 * 8, "w": 12, "h": 8 });
        panels.push((name, text, place));
    }
    let panels: Vec<Value> = panels
        .into_iter()
        .zip(1..)
        .map(|((title, content, place), id)| {
            json!({
                "id": id, "type": "text", "title": title, "gridPos": place,
                "options": { "mode": "markdown", "content": content },
            })
        })
        .collect();
    json!({
        "uid": "wibe-runbooks", "title": "Runbooks", "tags": ["wibestore"], "schemaVersion": 39, "version": 1,
        "description": "What each alert means, what to look at, what to press: the text of runbooks.md.",
        "editable": false, "time": { "from": "now-3h", "to": "now" }, "panels": panels,
    })
}

#[test]
fn dashboards_are_whole() {
    let mut uids = BTreeSet::new();
    for name in DASHBOARDS.iter().chain(["runbooks"].iter()) {
        let dashboard = dashboard(name);
        assert_eq!(text(&dashboard, "uid"), format!("wibe-{name}"), "links lead here");
        assert!(uids.insert(text(&dashboard, "uid").to_owned()));
        assert!(
            !text(&dashboard, "title").is_empty() && !text(&dashboard, "description").is_empty()
        );
        assert!(dashboard["schemaVersion"].as_i64().is_some_and(|version| version >= 36));
        let (mut ids, mut titles, mut taken) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for panel in list(&dashboard, "panels") {
            let title = text(panel, "title");
            assert!(ids.insert(panel["id"].as_i64().expect("an id")), "{title}: its id is its own");
            assert!(titles.insert(title), "{name}: {title} is one panel's");
            let place = |side: &str| panel["gridPos"][side].as_i64().expect("a place");
            assert!(place("x") + place("w") <= 24, "{title} is on the screen");
            for (x, y) in (place("x")..place("x") + place("w"))
                .flat_map(|x| (place("y")..place("y") + place("h")).map(move |y| (x, y)))
            {
                assert!(taken.insert((x, y)), "{title} covers another panel");
            }
        }
        for panel in panels(&dashboard).into_iter().filter(|panel| text(panel, "type") != "text") {
            whole(panel);
        }
    }
}

fn whole(panel: &Value) {
    let title = text(panel, "title");
    let description = text(panel, "description");
    assert!(description.contains('?') || description.ends_with('.'), "{title} answers a question");
    let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
    assert_eq!(panel["datasource"], datasource, "{title}");
    let targets = list(panel, "targets");
    assert!(!targets.is_empty(), "{title} asks something");
    for target in targets {
        assert_eq!(target["datasource"], datasource, "{title}");
    }
    let unit = &panel["fieldConfig"]["defaults"]["unit"];
    let needs_one = ["timeseries", "stat", "bargauge"].contains(&text(panel, "type"));
    assert!(!needs_one || unit.is_string(), "{title} has a unit");
    for link in list(panel, "links") {
        if let Some(alert) = text(link, "title").strip_prefix("Runbook: ") {
            assert_eq!(title_of(text(link, "url")), alert, "{title} leads to its runbook");
        }
    }
}
