//! Grafana's and Prometheus' files as the tests read them.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The dashboards whose panels ask Prometheus.
pub const DASHBOARDS: [&str; 3] = ["platform", "jobs", "money"];

/// Their folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../grafana")
}

/// One of them as text.
pub fn file(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A dashboard by its name.
pub fn dashboard(name: &str) -> Value {
    serde_json::from_str(&file(&format!("dashboards/{name}.json"))).expect(name)
}

/// Every panel that is not a row.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let all = list(dashboard, "panels").iter();
    all.flat_map(|panel| std::iter::once(panel).chain(list(panel, "panels")))
        .filter(|panel| text(panel, "type") != "row")
        .collect()
}

/// A text member; empty when there is none.
pub fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// A list member; empty when there is none.
pub fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}
