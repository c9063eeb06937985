//! `cargo xtask coverage`: which lines the suite runs, per layer, against the floors we promise.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::checkout::Checkout;
use crate::console::say;
use crate::environment::Environment;
use crate::failure::{Attempt, Result};
use crate::files;
use crate::interrupts;
use crate::suite::{Build, Servers, Suite};

/// A part of the code with a floor in percent, and the files that belong to it.
struct Layer {
    name: &'static str,
    floor: usize,
    holds: fn(&str) -> bool,
}

/// Decisions without a database, the rest of the domain, the API, and all that is shipped.
const LAYERS: [Layer; 4] = [
    Layer { name: "model", floor: 100, holds: is_model },
    Layer { name: "domain", floor: 90, holds: |file| file.starts_with("shared/src/") },
    Layer { name: "api", floor: 85, holds: |file| file.starts_with("api/src/") },
    Layer { name: "all", floor: 80, holds: is_shipped },
];

/// Files of `shared` that decide and do nothing else.
const MODELS: [&str; 4] = ["model.rs", "money.rs", "outcome.rs", "backoff.rs"];
const SHIPPED: [&str; 5] = ["api/", "worker/", "scheduler/", "shared/", "wibe/"];

/// Lines of one file: number and how often it ran.
type Lines = BTreeMap<u32, u64>;

/// Runs the suite instrumented and prints the table; `--enforce` makes the floors count.
pub(crate) fn run(mut checkout: Checkout, args: &[String]) -> Result<ExitCode> {
    let (enforce, args): (Vec<_>, Vec<_>) =
        args.iter().cloned().partition(|arg| arg == "--enforce");
    if !is_installed(&checkout) {
        return Err("cargo-llvm-cov is missing; install with: cargo install cargo-llvm-cov && \
                    rustup component add llvm-tools"
            .to_owned());
    }
    // A folder of its own: instrumented and ordinary artefacts would chase each other out.
    let target = checkout.build_folder()?.join("coverage");
    checkout.cargo_env.push(("CARGO_TARGET_DIR".to_owned(), target.display().to_string()));
    checkout.cargo_env.extend(instrumentation(&checkout, &target)?);
    llvm_cov(&checkout, &["clean", "--workspace", "--profraw-only"])?;
    let code =
        Suite::start(&checkout, "test", Servers::Quick, Build::Quick)?.test(&checkout, &args)?;
    let report = target.join("lcov.info").display().to_string();
    llvm_cov(&checkout, &["report", "--lcov", "--output-path", &report])?;
    let text = fs::read_to_string(&report).attempt(format_args!("cannot read {report}"))?;
    let met = print_table(&parse(&text, &checkout.root));
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    Ok(if met || enforce.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_installed(checkout: &Checkout) -> bool {
    let mut cargo = checkout.cargo();
    cargo.args(["llvm-cov", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    cargo.status().is_ok_and(|status| status.success())
}

/// The variables that instrument a build and its runs.
///
/// They reach every process that a test starts, so the binaries of the fault tests count too;
/// what a `kill -9` ends writes no profile and counts for nothing.
fn instrumentation(checkout: &Checkout, target: &Path) -> Result<Vec<(String, String)>> {
    let mut cargo = checkout.cargo();
    let output = cargo.args(["llvm-cov", "show-env"]).output();
    let output = output.attempt("cannot run cargo llvm-cov show-env")?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    files::create_folder(target)?;
    let file = target.join("env");
    files::write(&file, &String::from_utf8_lossy(&output.stdout), 0o644)?;
    let environment = Environment::parse(&file);
    Ok(environment.pairs().map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn llvm_cov(checkout: &Checkout, args: &[&str]) -> Result<()> {
    let mut cargo: Command = checkout.cargo();
    cargo.arg("llvm-cov").args(args);
    interrupts::run_well(&mut cargo, "cargo llvm-cov", || {})
}

/// Reads an lcov report: `SF:file`, then `DA:line,count` for each of its lines.
fn parse(report: &str, root: &Path) -> BTreeMap<String, Lines> {
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut file = String::new();
    for line in report.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path);
            file = path.strip_prefix(root).unwrap_or(path).display().to_string();
        } else if let Some((number, count)) =
            line.strip_prefix("DA:").and_then(|line| line.split_once(','))
            && let (Ok(number), Ok(count)) = (number.parse(), count.parse::<u64>())
        {
            *files.entry(file.clone()).or_default().entry(number).or_default() += count;
        }
    }
    files
}

/// Prints a line per layer and says whether all floors are met.
fn print_table(files: &BTreeMap<String, Lines>) -> bool {
    say("layer     lines   covered   floor");
    let mut met = true;
    for layer in LAYERS {
        let lines = || {
            files
                .iter()
                .filter(|(file, _)| (layer.holds)(file))
                .flat_map(|(_, lines)| lines.values())
        };
        let (all, covered) = (lines().count(), lines().filter(|count| **count > 0).count());
        let permille = (covered * 1000).checked_div(all).unwrap_or(1000);
        let enough = permille >= layer.floor * 10;
        let verdict = if enough { "" } else { "  below" };
        let (name, whole, tenth) = (layer.name, permille / 10, permille % 10);
        say(format_args!("{name:<8} {all:>6} {whole:>6}.{tenth} % {:>5} %{verdict}", layer.floor));
        met &= enough;
    }
    met
}

fn is_model(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    file.starts_with("shared/src/") && MODELS.contains(&name)
}

fn is_shipped(file: &str) -> bool {
    SHIPPED.iter().any(|folder| file.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::parse;

    #[test]
    fn a_line_reported_twice_counts_once() {
        let report =
            "SF:/w/api/src/a.rs\nDA:1,0\nDA:2,3\nend_of_record\nSF:/w/api/src/a.rs\nDA:1,1\n";
        let files = parse(report, Path::new("/w"));
        let lines: Vec<_> = files.get("api/src/a.rs").into_iter().flatten().collect();
        assert_eq!(lines, [(&1, &1), (&2, &3)]);
    }
}
