//! A real Prometheus with the repository's configuration and rules, and promtool.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Process, eventually, free_port};
use crate::{environment, grafana};

/// A Prometheus that scrapes and evaluates every two seconds.
pub struct Prometheus {
    url: String,
    folder: PathBuf,
    http: reqwest::Client,
    _process: Process,
}

impl Prometheus {
    /// Starts one that scrapes these processes: pairs of a job and an address.
    pub async fn start(targets: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir()
            .join(format!("wibe-test-prometheus-{}", uuid::Uuid::new_v4().simple()));
        let files = grafana::folder().join("prometheus");
        std::fs::create_dir_all(folder.join("targets")).expect("a folder");
        for rules in ["recording.rules.yml", "alerts.rules.yml"] {
            std::fs::copy(files.join(rules), folder.join(rules)).expect("copies the rules");
        }
        let config = std::fs::read_to_string(files.join("prometheus.yml")).expect("a file");
        let faster = config.replace(": 15s", ": 2s").replace(": 10s", ": 2s");
        std::fs::write(folder.join("prometheus.yml"), faster).expect("writes");
        for (job, address) in targets {
            let file = folder.join(format!("targets/{job}.yml"));
            std::fs::write(file, format!("- targets: [\"{address}\"]\n")).expect("writes");
        }
        let url = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(&environment().prometheus);
        command
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={url}"))
            .arg("--log.level=warn")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Process::launch(command);
        let http = reqwest::Client::new();
        let url = format!("http://{url}");
        eventually("Prometheus is ready", async || {
            let ready = http.get(format!("{url}/-/ready")).send().await;
            ready.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        Self { url, folder, http, _process: process }
    }

    /// Calls its API; the answer's `data`, or what is wrong.
    pub async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let encode = |text: &str| -> String {
            let byte = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            };
            text.bytes().map(byte).collect()
        };
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let url = format!("{}/api/v1/{path}?{}", self.url, query.join("&"));
        let answer = self.http.get(url).send().await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if answer["status"] == "success" {
            Ok(answer["data"].clone())
        } else {
            Err(answer["error"].as_str().unwrap_or("no answer").to_owned())
        }
    }

    /// Whether any series matches a selector.
    pub async fn has(&self, selector: &str) -> bool {
        let series = self.ask("series", &[("match[]", selector)]).await;
        series.is_ok_and(|series| series.as_array().is_some_and(|series| !series.is_empty()))
    }

    /// How many series an expression gives now, or what is wrong with it.
    pub async fn results(&self, expression: &str) -> Result<usize, String> {
        let data = self.ask("query", &[("query", expression)]).await?;
        Ok(data["result"].as_array().map_or(0, Vec::len))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Runs promtool in the folder of the rules; fails with what it says.
pub fn promtool(arguments: &[&str]) {
    let output = Command::new(&environment().promtool)
        .args(arguments)
        .current_dir(grafana::folder().join("prometheus"))
        .output()
        .expect("promtool runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "promtool {arguments:?}: {}{}",
        said(&output.stdout),
        said(&output.stderr)
    );
}
