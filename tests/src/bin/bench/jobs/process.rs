//! A worker in a process of its own: this program again, in another role, with the measured kinds in its registry.
//!
//! The two speak in lines. The worker says `# ready`; it answers each line it is sent with `# <jobs done>`, which it
//! knows to be durable; it drains when its input ends.

use std::collections::HashMap;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::App;
use shared::settings::Settings;
use shared::telemetry::{self, metrics};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use worker::Engine;

use super::kinds;
use super::platform::{READY_WITHIN, Setup};
use crate::failure::{Attempt, Result};
use crate::servers::{Database, Servers, number};

/// What makes this program a worker.
const ROLE: &str = "BENCH_ROLE";
const WORKER: &str = "worker";
/// Everything else on the worker's output is its log.
const MARK: &str = "# ";
/// How often it is asked whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Longer than the grace that a worker gives its jobs.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);

/// Whether this process was started as a worker.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(ROLE).is_some_and(|role| role == WORKER)
}

/// Is a worker until its input ends.
pub(crate) async fn serve() -> ExitCode {
    match work().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench worker: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<()> {
    let settings = Settings::from_env().attempt("settings")?;
    let _telemetry = telemetry::start("worker", &settings)?;
    let app = Arc::new(App::new(settings).attempt("the platform is not built")?);
    let engine = Engine::with_registry(app, kinds::registry());
    let asked = Arc::clone(&engine);
    worker::run(engine, async move {
        while !asked.is_ready() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("{MARK}ready");
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(_)) = lines.next_line().await {
            println!("{MARK}{}", done());
        }
    })
    .await;
    Ok(())
}

/// Jobs of the measured kinds that this process has ended well.
fn done() -> u64 {
    let ended = |(kind, queue): &(&str, &str)| {
        metrics::JOB_FINISHED.with_label_values(&[*kind, *queue, "ok"]).get()
    };
    kinds::MEASURED.iter().map(ended).sum()
}

/// A running worker. Dropping it kills it.
pub(crate) struct Process {
    /// Its process.
    pub(crate) pid: u32,
    child: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a worker and waits until it takes jobs. Fails when it does not run as many at a time as it was told.
    pub(crate) async fn start(
        servers: &Servers,
        database: &Database,
        setup: Setup,
    ) -> Result<Self> {
        let worker = Self::with(setup.variables(servers, database)).await?;
        if let (Some(slots), Some(queue)) = (setup.slots, setup.queue) {
            let announced = format!(
                "SELECT max(slots) FROM job_workers WHERE queue = '{}' AND seen_at > now() - interval '30 seconds'",
                queue.as_str()
            );
            let announced = number(&mut database.admin().await?, &announced).await?;
            if usize::try_from(announced) != Ok(slots) {
                worker.stop().await?;
                return Err(format!(
                    "WORKER_SLOTS asked for {slots} slots and the worker has {announced}"
                ));
            }
        }
        Ok(worker)
    }

    /// Starts a worker with these variables and nothing else.
    pub(crate) async fn with(variables: HashMap<String, String>) -> Result<Self> {
        let program = std::env::current_exe().attempt("this program has no path")?;
        let mut child = Command::new(program)
            .env_clear()
            .envs(variables)
            .env(ROLE, WORKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .attempt("a worker does not start")?;
        let pid = child.id().attempt("the worker has ended")?;
        let questions = child.stdin.take().attempt("the worker has no input")?;
        let output = child.stdout.take().attempt("the worker has no output")?;
        let mut worker = Self { pid, child, questions, answers: BufReader::new(output).lines() };
        let ready = tokio::time::timeout(READY_WITHIN, worker.answer()).await;
        match ready.attempt("the worker does not become ready")??.as_str() {
            "ready" => Ok(worker),
            other => Err(format!("the worker says {other}")),
        }
    }

    /// How many jobs it has ended well.
    pub(crate) async fn done(&mut self) -> Result<usize> {
        self.questions.write_all(b"?\n").await.attempt("the worker does not listen")?;
        self.answer().await?.parse().attempt("the worker does not count")
    }

    /// Waits until it has ended so many jobs well. The table is not asked: a question costs it as much as a claim.
    pub(crate) async fn wait(&mut self, jobs: usize, within: Duration) -> Result<()> {
        let started = Instant::now();
        while self.done().await? < jobs {
            if started.elapsed() > within {
                let done = self.done().await?;
                return Err(format!(
                    "{done} of {jobs} jobs were done within {} s",
                    within.as_secs()
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> Result<()> {
        let Self { mut child, questions, mut answers, .. } = self;
        drop(questions);
        let ended = async {
            while let Ok(Some(line)) = answers.next_line().await {
                eprintln!("{line}");
            }
            child.wait().await
        };
        let status = tokio::time::timeout(DRAINED_WITHIN, ended).await;
        let status = status.attempt("the worker does not drain")?.attempt("the worker is gone")?;
        if status.success() { Ok(()) } else { Err(format!("the worker ended: {status}")) }
    }

    async fn answer(&mut self) -> Result<String> {
        while let Some(line) = self.answers.next_line().await.attempt("the worker is gone")? {
            match line.strip_prefix(MARK) {
                Some(answer) => return Ok(answer.to_owned()),
                None => eprintln!("{line}"),
            }
        }
        Err("the worker has ended".to_owned())
    }
}
