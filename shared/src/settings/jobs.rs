//! What the job platform is told from outside.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::SettingsError;
use super::vars::Vars;
use crate::jobs::Queue;
use crate::text_enum::text_enum;

/// What a mail server of one's own takes without complaint.
const MAIL_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
/// More slots than this in one process are a mistake.
const SLOTS_MAX: usize = 10_000;

/// The job platform.
#[derive(Clone, Debug)]
pub struct JobSettings {
    /// `WORKER_NAME` (host name and process id): shown to operators; a boot id is added.
    pub worker_name: String,
    /// `WORKER_QUEUES` (all): the queues this worker serves; `worker --queues` wins over it.
    pub queues: Vec<Queue>,
    /// `WORKER_SLOTS` (the table of queues): slots of this worker by queue, such as `default=32,mail=4`.
    pub slots: HashMap<Queue, usize>,
    /// `MAIL_PER_SECOND` (20): how many mails all workers together hand to the mail server.
    pub mail_per_second: NonZeroU32,
    /// `JOBS_KEEP_DONE` (7d): finished and cancelled jobs are removed after this long, unless a cancelled one is the last
    /// word on its business key.
    pub keep_done: Duration,
    /// `JOBS_KEEP_DEAD` (180d): dead jobs are removed after this long, with the same exception.
    pub keep_dead: Duration,
    /// `JOBS_TRANSPORT` (redis): `redis`, or `direct` to claim straight from PostgreSQL.
    pub transport: Transport,
    /// `JOBS_LEASE` (20s): how long a silent worker keeps its jobs.
    pub lease: Duration,
    /// `JOBS_SWEEP_EVERY` (5s): how often leases and lost messages are looked for.
    pub sweep_every: Duration,
    /// `JOBS_POLL_EVERY` (500ms): how often due jobs are looked for when no doorbell rings.
    pub poll_every: Duration,
    /// `JOBS_DISPATCH_GRACE` (5s): added to the queue's time limit before a handed-out job is offered again.
    pub dispatch_grace: Duration,
    /// `JOBS_REDIS_PATIENCE` (10s): Redis away for longer turns the transport to `direct`.
    pub redis_patience: Duration,
    /// `SHUTDOWN_GRACE` (25s): how long running work may take to finish after SIGTERM.
    pub shutdown_grace: Duration,
    /// `SCHEDULER_NAME`: shown on the ticks it fires.
    pub scheduler_name: String,
}

impl JobSettings {
    /// How many jobs of a queue this process runs at a time.
    #[must_use]
    pub fn slots(&self, queue: Queue) -> usize {
        self.slots.get(&queue).copied().unwrap_or(queue.policy().slots)
    }

    /// The least time between two calls to the outside from a queue, for all workers together; none when it has no limit.
    #[must_use]
    pub fn call_interval(&self, queue: Queue) -> Option<Duration> {
        match queue {
            Queue::Mail => Some(Duration::from_secs(1) / self.mail_per_second.get()),
            Queue::Money | Queue::Default | Queue::Bulk => None,
        }
    }
}

text_enum! {
    /// How a due job reaches a worker.
    Transport {
        /// Through apalis-redis; `direct` by itself while Redis is away.
        Redis = "redis",
        /// Straight from PostgreSQL.
        Direct = "direct",
    }
}

pub(super) fn jobs(vars: &Vars) -> Result<JobSettings, SettingsError> {
    let process = format!("{}-{}", vars.text("HOSTNAME", "localhost"), std::process::id());
    let transport = Transport::parse(&vars.text("JOBS_TRANSPORT", "redis"))
        .ok_or_else(|| SettingsError::new("JOBS_TRANSPORT", "must be redis or direct"))?;
    Ok(JobSettings {
        worker_name: vars.text("WORKER_NAME", &process),
        queues: queues(&vars.list("WORKER_QUEUES", ""))?,
        slots: slots(&vars.list("WORKER_SLOTS", ""))?,
        mail_per_second: vars.parse("MAIL_PER_SECOND", MAIL_PER_SECOND)?,
        keep_done: vars.duration("JOBS_KEEP_DONE", "7d")?,
        keep_dead: vars.duration("JOBS_KEEP_DEAD", "180d")?,
        transport,
        lease: vars.duration("JOBS_LEASE", "20s")?,
        sweep_every: vars.duration("JOBS_SWEEP_EVERY", "5s")?,
        poll_every: vars.duration("JOBS_POLL_EVERY", "500ms")?,
        dispatch_grace: vars.duration("JOBS_DISPATCH_GRACE", "5s")?,
        redis_patience: vars.duration("JOBS_REDIS_PATIENCE", "10s")?,
        shutdown_grace: vars.duration("SHUTDOWN_GRACE", "25s")?,
        scheduler_name: vars.text("SCHEDULER_NAME", &process),
    })
}

/// The queues by name; none means all.
fn queues(names: &[String]) -> Result<Vec<Queue>, SettingsError> {
    if names.is_empty() {
        return Ok(Queue::ALL.to_vec());
    }
    let named: Option<Vec<Queue>> = names.iter().map(|name| Queue::parse(name)).collect();
    named.ok_or_else(|| {
        SettingsError::new("WORKER_QUEUES", "must name queues: money, default, mail, bulk")
    })
}

fn slots(items: &[String]) -> Result<HashMap<Queue, usize>, SettingsError> {
    let one = |item: &String| {
        let (queue, slots) = item.split_once('=')?;
        let slots = slots.trim().parse().ok().filter(|slots| (1..=SLOTS_MAX).contains(slots))?;
        Some((Queue::parse(queue.trim())?, slots))
    };
    items.iter().map(one).collect::<Option<_>>().ok_or_else(|| {
        SettingsError::new("WORKER_SLOTS", "must be slots by queue, such as default=32,mail=4")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<String> {
        text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn queues_and_slots_are_read_or_refused() {
        assert_eq!(queues(&items("")).expect("all"), Queue::ALL);
        assert_eq!(queues(&items("money,mail")).expect("two"), [Queue::Money, Queue::Mail]);
        assert!(queues(&items("money,gold")).is_err());
        let some = slots(&items("default=32,mail=4")).expect("two");
        assert_eq!(some, HashMap::from([(Queue::Default, 32), (Queue::Mail, 4)]));
        for wrong in ["default", "default=0", "default=x", "gold=1", "default=100000"] {
            assert!(slots(&items(wrong)).is_err(), "{wrong}");
        }
    }
}
