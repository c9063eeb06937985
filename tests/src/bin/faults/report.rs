//! The table at the end.

use std::time::Duration;

use crate::oracle::Verdict;

/// What one fault came to in one round.
pub(crate) struct Line {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

/// One round, or the sum of several.
pub(crate) struct Round {
    /// Its dice, or the first round's.
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) took: Duration,
    pub(crate) lines: Vec<Line>,
}

impl Line {
    fn word(&self) -> &'static str {
        if self.verdict.holds() { "holds" } else { "BROKEN" }
    }
}

impl Round {
    /// Whether every fault left everything as promised.
    pub(crate) fn holds(&self) -> bool {
        self.lines.iter().all(|line| line.verdict.holds())
    }

    /// Prints the table, the measurements, and whatever does not hold.
    pub(crate) fn print(&self, full: bool) {
        println!(
            "\n{:>2} {:<34} {:>6} {:>8} {:>8} {:>6} {:>7} {:>5} {:>5} {:>8} {:>8} {:>7}  verdict",
            "#",
            "fault",
            "hits",
            "jobs",
            "deposits",
            "sales",
            "payouts",
            "lost",
            "twice",
            "worst s",
            "bound s",
            "took s"
        );
        for line in &self.lines {
            let verdict = &line.verdict;
            println!(
                "{:>2} {:<34} {:>6} {:>8} {:>8} {:>6} {:>7} {:>5} {:>5} {:>8.2} {:>8.1} {:>7.1}  {}",
                line.number,
                line.name,
                verdict.injections,
                verdict.jobs,
                verdict.deposits,
                verdict.sales,
                verdict.withdrawals,
                verdict.lost,
                verdict.duplicated,
                verdict.worst.as_secs_f64(),
                verdict.bound.as_secs_f64(),
                line.took.as_secs_f64(),
                line.word(),
            );
        }
        for line in &self.lines {
            for note in &line.verdict.notes {
                println!("   {:>2} {note}", line.number);
            }
            for problem in &line.verdict.problems {
                println!("!! {:>2} {problem}", line.number);
            }
        }
        let full = if full { " --full" } else { "" };
        println!(
            "{:.1} s; again with: cargo xtask faults --rounds {} --seed {}{full}",
            self.took.as_secs_f64(),
            self.rounds,
            self.seed
        );
    }
}

/// Adds up the rounds, fault by fault.
pub(crate) fn sum(rounds: &[Round]) -> Round {
    let mut lines: Vec<Line> = Vec::new();
    for line in rounds.iter().flat_map(|round| &round.lines) {
        match lines.iter_mut().find(|sum| sum.number == line.number) {
            Some(sum) => {
                sum.took += line.took;
                let mut verdict = line.verdict.clone();
                verdict.notes.clear();
                sum.verdict.add(verdict);
            }
            None => {
                let mut verdict = line.verdict.clone();
                verdict.notes.clear();
                lines.push(Line { number: line.number, name: line.name, took: line.took, verdict });
            }
        }
    }
    let seed = rounds.first().map_or(0, |round| round.seed);
    Round { seed, rounds: rounds.len(), took: rounds.iter().map(|round| round.took).sum(), lines }
}
