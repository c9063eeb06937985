//! The money job's ceiling: a worker's own statements, recorded on the wire, and pgbench sending them.

use std::time::Duration;

use shared::jobs::{JobKind, Queue};
use shared::settings::Transport;

use super::till::{Payment, State, Till};
use crate::Bench;
use crate::ceiling::pgbench::{Load, Pgbench};
use crate::ceiling::script::{self, Known, Piece};
use crate::ceiling::wire::{Recording, Relay, Sent};
use crate::failure::{Attempt, Result};
use crate::jobs::kinds::Pay;
use crate::jobs::platform::Setup;
use crate::jobs::process::Process;
use crate::jobs::queue;
use crate::meter::{Meter, Worker};
use crate::progress;
use crate::series::Turn;
use crate::servers::{Database, execute};

/// Jobs per claim: what a worker claims at best.
pub(super) const GROUP: usize = Queue::Money.policy().slots;
/// Whom to pay, by the number that pgbench counts up.
const TABLE: &str = "bench.pay";
const DONE_WITHIN: Duration = Duration::from_secs(30);

/// What pgbench is given.
pub(super) struct Ceiling {
    pgbench: Pgbench,
    /// Connections, each with one transaction at a time.
    pub(super) clients: usize,
    /// Statements per job.
    pub(super) statements: usize,
    /// Parameters that differ for no known reason.
    pub(super) unexplained: Vec<String>,
}

/// What one run sent.
struct Run {
    claim: Sent,
    /// From BEGIN to COMMIT.
    transaction: Vec<Sent>,
}

impl Ceiling {
    /// Lets a worker with one connection make three payments, and writes down what the last two sent.
    pub(super) async fn record(
        bench: &Bench,
        database: &Database,
        till: &mut Till<'_>,
    ) -> Result<Self> {
        let mut runs = Vec::new();
        queue::empty(database).await?;
        let relay = Relay::start(&database.app).await?;
        let setup = Setup { connections: 1, ..Setup::of(Queue::Money, Transport::Redis) };
        let mut variables = setup.variables(&bench.servers, database);
        let relayed = relay.relayed(&database.app)?;
        variables.insert("DATABASE_URL".to_owned(), relayed.to_string());
        let worker = Process::with(variables).await?;
        let mut admin = database.admin().await?;
        for _ in 0..3 {
            let payments = till.record(1, State::DueTomorrow).await?;
            relay.take();
            queue::make_due(&mut admin).await?;
            queue::wait(&mut admin, Pay::QUEUE, DONE_WITHIN).await?;
            // The answer to its COMMIT may still be on the way through the recorder.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let payment = payments.first().copied().attempt("a payment")?;
            runs.push((payment, Run::find(relay.take())?));
        }
        worker.stop().await?;
        let [_first, first, second] = runs.as_slice() else {
            return Err("three payments are recorded".to_owned());
        };
        let write = |of: fn(&Run) -> Vec<Sent>| {
            script::write(&piece(first.0, of(&first.1)), &piece(second.0, of(&second.1)))
        };
        let claim = write(|run| vec![run.claim.clone()])?;
        let transaction = write(|run| run.transaction.clone())?;
        let text = unit(&widened(&claim.text)?, &transaction.text);
        let copy = bench.scripts.as_ref().map(|folder| folder.join("money.sql"));
        progress(&format!(
            "a money job is {} statements in its transaction",
            transaction.statements
        ));
        Ok(Self {
            pgbench: Pgbench::prepare("money", &text, copy.as_deref())?,
            clients: Queue::Money.policy().slots,
            statements: transaction.statements,
            unexplained: [claim.unexplained, transaction.unexplained].concat(),
        })
    }

    /// One turn: jobs that are handed out already are claimed, paid and completed.
    pub(super) async fn turn(
        &self,
        bench: &Bench,
        till: &mut Till<'_>,
        jobs: usize,
    ) -> Result<Turn> {
        queue::empty(till.database).await?;
        let payments = till.record(jobs, State::HandedOut).await?;
        tabulate(till.database, &payments).await?;
        till.database.settle().await?;
        let first = payments.first().attempt("a payment")?.job;
        let load = Load {
            clients: self.clients,
            each: jobs / (self.clients * GROUP),
            variables: &[("first_job", first)],
        };
        let meter = Meter::start(&bench.servers, Worker::Children).await?;
        let timed = self.pgbench.run(&bench.servers, till.database, &load).await?;
        let cost = meter.finish(jobs).await?;
        queue::check(&mut till.database.admin().await?, jobs, jobs).await?;
        let rate = jobs as f64 / timed.elapsed.as_secs_f64();
        Ok(Turn { rate, latencies: Vec::new(), cost })
    }
}

impl Run {
    /// Finds the claim and the paying transaction among what a worker sends all the time.
    fn find(recording: Recording) -> Result<Self> {
        let sent = recording.sent;
        let is = |sent: &Sent, word: &str| sent.sql.trim().eq_ignore_ascii_case(word);
        let post = sent.iter().position(|sent| sent.sql.contains("ledger.post("));
        let post = post.attempt("the recorder saw no posting")?;
        let (before, after) = sent.split_at(post);
        let begin = before.iter().rposition(|sent| is(sent, "BEGIN"));
        let commit = after.iter().position(|sent| is(sent, "COMMIT"));
        let (Some(begin), Some(commit)) = (begin, commit) else {
            return Err("the recorder saw no transaction around the posting".to_owned());
        };
        let claim = before.iter().rfind(|sent| sent.sql.contains("SET state = 'running'"));
        Ok(Self {
            claim: claim.cloned().attempt("the recorder saw no claim")?,
            transaction: sent.get(begin..=post + commit).unwrap_or_default().to_vec(),
        })
    }
}

fn piece(payment: Payment, sent: Vec<Sent>) -> Piece {
    let known = Known {
        ids: vec![("payment", payment.payment), ("user", payment.user)],
        numbers: vec![("job", payment.job)],
        ..Known::default()
    };
    Piece { known, recording: Recording { sent, prepared: Vec::new() } }
}

/// The claim of one job as the claim of a whole group: every array of one number gets as many as the group has.
fn widened(claim: &str) -> Result<String> {
    let mut parts = claim.split("ARRAY[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut arrays = 0;
    for part in parts {
        let (element, rest) = part.split_once(']').attempt("an array ends")?;
        let is_of_numbers = rest.starts_with(")::int") && !element.contains(',');
        text.push_str("ARRAY[");
        if is_of_numbers {
            let elements: Vec<String> = (1..=GROUP).map(|nth| numbered(element, nth)).collect();
            text.push_str(&elements.join(", "));
            arrays += 1;
        } else {
            text.push_str(element);
        }
        text.push(']');
        text.push_str(rest);
    }
    if arrays == 0 {
        return Err(format!("the recorded claim takes no list of jobs: {claim}"));
    }
    Ok(text)
}

/// The variables of one job of a group.
fn numbered(text: &str, nth: usize) -> String {
    ["job", "payment", "user"].into_iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!(":{name}"), &format!(":{name}_{nth}"))
    })
}

/// A group of jobs: whom to pay, the claim, and a transaction for each.
fn unit(claim: &str, transaction: &str) -> String {
    let mut text = format!(
        "\\set i :i + 1\n\\set unit :client_id * :each + :i - 1\n\\set job_1 :first_job + :unit * {GROUP}\n"
    );
    for nth in 2..=GROUP {
        text.push_str(&format!("\\set job_{nth} :job_{} + 1\n", nth - 1));
    }
    text.push_str(&format!("SELECT * FROM {TABLE} WHERE unit = :unit \\gset\n"));
    text.push_str(claim);
    for nth in 1..=GROUP {
        text.push_str(&numbered(transaction, nth));
    }
    text
}

/// Writes the helper table for pgbench: one row per group.
async fn tabulate(database: &Database, payments: &[Payment]) -> Result<()> {
    let mut admin = database.admin().await?;
    let columns: String =
        (1..=GROUP).map(|nth| format!(", payment_{nth} text, user_{nth} text")).collect();
    execute(
        &mut admin,
        &format!(
            "DROP SCHEMA IF EXISTS bench CASCADE;
             CREATE SCHEMA bench;
             CREATE TABLE {TABLE} (unit int PRIMARY KEY{columns});
             GRANT USAGE ON SCHEMA bench TO PUBLIC;
             GRANT SELECT ON {TABLE} TO PUBLIC"
        ),
    )
    .await?;
    let rows = payments.chunks(GROUP).enumerate().map(|(unit, group)| {
        let values: String = group
            .iter()
            .map(|Payment { payment, user, .. }| format!(", '{payment}', '{user}'"))
            .collect();
        format!("({unit}{values})")
    });
    let rows: Vec<String> = rows.collect();
    for chunk in rows.chunks(500) {
        execute(&mut admin, &format!("INSERT INTO {TABLE} VALUES {}", chunk.join(", "))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_of_one_becomes_a_claim_of_a_group() {
        let claim = "… unnest((ARRAY[(:job)::int8])::int8[], (ARRAY[1])::int4[]), (E'w')::text;\n";
        let widened = widened(claim).expect("two lists");
        assert!(widened.contains(&format!("(:job_{GROUP})::int8])::int8[]")), "{widened}");
        let generations = ["1"; GROUP].join(", ");
        assert!(widened.contains(&format!("(ARRAY[{generations}])::int4[]")), "{widened}");
    }

    #[test]
    fn every_job_of_a_group_has_its_own_variables() {
        assert_eq!(
            numbered("(:job)::int8, 'x' || :payment::text", 3),
            "(:job_3)::int8, 'x' || :payment_3::text"
        );
    }
}
