//! What is printed at the end: ratios first.

use std::fmt::Display;
use std::time::Duration;

use crate::series::{Series, ratio};

/// Everything that was found out.
#[derive(Default)]
pub(crate) struct Report {
    /// One line about the machine.
    pub(crate) facts: String,
    sections: Vec<Section>,
    targets: Vec<String>,
    /// How many of the targets this run does not keep.
    broken: usize,
    /// What was not measured, and why.
    skipped: Vec<String>,
}

/// One part of the bench.
pub(crate) struct Section {
    title: String,
    ratios: Vec<String>,
    series: Vec<Series>,
    notes: Vec<String>,
}

impl Section {
    pub(crate) fn new(title: String) -> Self {
        Self { title, ratios: Vec::new(), series: Vec::new(), notes: Vec::new() }
    }

    /// Adds the ratio of two sides, when both had a turn.
    pub(crate) fn ratio(&mut self, ours: &Series, theirs: &Series) {
        if let Some((median, rounds)) = ratio(ours, theirs) {
            let rounds: Vec<String> = rounds.iter().map(|ratio| format!("{ratio:.2}")).collect();
            self.ratios.push(format!(
                "{median:>6.2}   {} / {}   (rounds {})",
                ours.name,
                theirs.name,
                rounds.join(" ")
            ));
        }
    }

    /// Adds a line that is as important as a ratio.
    pub(crate) fn headline(&mut self, line: String) {
        self.ratios.push(line);
    }

    /// Adds a side.
    pub(crate) fn series(&mut self, series: Series) {
        self.series.push(series);
    }

    /// Adds what must be known to read the figures.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl Report {
    /// Adds a part.
    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Adds a target, and whether this run keeps it.
    pub(crate) fn target(&mut self, kept: bool, line: impl Display) {
        self.broken += usize::from(!kept);
        self.targets.push(format!("{}   {line}", if kept { "kept  " } else { "BROKEN" }));
    }

    /// How many targets are broken.
    pub(crate) fn broken(&self) -> usize {
        self.broken
    }

    /// Adds a target that is pursued, not promised.
    pub(crate) fn pursued(&mut self, reached: bool, line: impl Display) {
        self.targets.push(format!("{}   {line}", if reached { "kept  " } else { "behind" }));
    }

    /// Says what was left out.
    pub(crate) fn skip(&mut self, line: impl Display) {
        let line = line.to_string();
        crate::progress(&line);
        self.skipped.push(line);
    }

    /// Prints everything that is known.
    pub(crate) fn print(&self) {
        if self.sections.is_empty() {
            return;
        }
        println!("\n{}", self.facts);
        println!(
            "How to read it: the sides took turns on one shared machine, so trust the ratios and the processor time per"
        );
        println!(
            "piece; the rates are medians of the rounds and belong to this machine and this hour."
        );
        for section in &self.sections {
            section.print();
        }
        let blocks = [("TARGETS   in this run", &self.targets), ("NOT MEASURED", &self.skipped)];
        for (title, lines) in blocks.iter().filter(|(_, lines)| !lines.is_empty()) {
            println!("\n{title}");
            lines.iter().for_each(|line| println!("  {line}"));
        }
    }
}

impl Section {
    fn print(&self) {
        println!("\n{}", self.title);
        for line in &self.ratios {
            println!("  {line}");
        }
        if !self.series.is_empty() {
            self.print_table();
        }
        for note in &self.notes {
            println!("  - {note}");
        }
    }

    fn print_table(&self) {
        println!(
            "\n  {:<46}{:>9}{:>26}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "",
            "per s",
            "rounds",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "process*",
            "client*",
            "PG*",
            "Redis*",
            "WAL KB",
            "commits"
        );
        for series in &self.series {
            print_series(series);
        }
        println!("  * milliseconds of processor time per piece; WAL and commits are per piece too");
    }
}

fn print_series(series: &Series) {
    let rounds: Vec<String> = series.rates().iter().map(|rate| format!("{rate:.0}")).collect();
    let rate = series.rate().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    let latencies = series.latencies();
    let latency = |percent| millis(latencies.percentile(percent));
    let cost =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    println!(
        "  {:<46}{rate:>9}{:>26}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}",
        series.name,
        rounds.join(" "),
        latency(50),
        latency(95),
        latency(99),
        latency(100),
        cost(series.cost(|cost| cost.worker)),
        cost(series.cost(|cost| cost.client)),
        cost(series.cost(|cost| cost.postgres)),
        cost(series.cost(|cost| cost.redis)),
        rounded(series.cost(|cost| cost.wal)),
        rounded(series.cost(|cost| cost.commits)),
    );
}

fn rounded(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

/// A duration in milliseconds, or a dash.
pub(crate) fn millis(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || "-".to_owned(),
        |duration| format!("{:.1}", duration.as_secs_f64() * 1_000.0),
    )
}
