//! ★ Screen 2: every kind of job. A kind that is not here does not run, and start-up says so.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{ExternalJob, Job, JobVerdict, Limits, PlainJob, Queue, kinds};
use crate::error::{Error, Result};
use crate::{App, Tx};

/// Every kind, grouped by queue.
///
/// # Panics
/// When two kinds share a name: a mistake that must not start.
#[must_use]
pub fn registry() -> Registry {
    Registry::default()
        // money
        .effect::<kinds::ReleaseEscrowPayment>()
        .effect::<kinds::ReceiveSilentEscrow>()
        .effect::<kinds::RefundUndeliveredEscrow>()
        .effect::<kinds::ExpireUnpaidEscrow>()
        .effect::<kinds::ReconcileEscrows>()
        .effect::<kinds::ExpireDeposits>()
        // bulk
        .external::<kinds::LedgerCheck>()
        // mail
        .external::<kinds::SendEmailVerification>()
}

/// The kinds by name.
#[derive(Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, Entry>,
}

/// One kind: what the executor needs to run a row of it.
pub struct Entry {
    /// Its name.
    pub kind: &'static str,
    /// Where it waits.
    pub queue: Queue,
    /// How long and how often it may try.
    pub limits: Limits,
    /// How it runs.
    pub runner: Runner,
}

/// The three ways a kind runs.
pub enum Runner {
    /// Inside the fenced transaction.
    Effect(Box<dyn EffectRunner>),
    /// Prepare (transaction), call (none), record (transaction).
    External(Box<dyn ExternalRunner>),
    /// In no transaction, completed in groups.
    Plain(Box<dyn PlainRunner>),
}

/// A [`PlainJob`] behind its kind's name.
pub trait PlainRunner: Send + Sync {
    /// Decodes the arguments and runs.
    fn run<'a>(
        &'a self,
        args: Value,
        version: i16,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>>;
}

/// A [`Job`] behind its kind's name.
pub trait EffectRunner: Send + Sync {
    /// Decodes the arguments and runs.
    fn run<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>>;
}

/// An [`ExternalJob`] behind its kind's name.
pub trait ExternalRunner: Send + Sync {
    /// Decodes the arguments and prepares the call; `Err` carries the verdict of undecodable arguments.
    fn prepare<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<Prepared>>;
}

/// What preparing came to.
pub enum Prepared {
    /// There is a call to make.
    Call(Box<dyn Call>),
    /// There is not.
    Settled(JobVerdict),
}

/// A prepared call to the outside.
pub trait Call: Send {
    /// Makes it.
    fn call<'a>(&'a mut self, app: &'a App) -> BoxFuture<'a, Result<()>>;
    /// Records its answer.
    fn record<'a>(
        self: Box<Self>,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>>;
}

impl Registry {
    /// Adds a kind whose effect is in our database.
    #[must_use]
    pub fn effect<J: Job>(self) -> Self {
        self.add::<J>(Runner::Effect(Box::new(Typed::<J>(std::marker::PhantomData))))
    }

    /// Adds a kind whose effect is outside.
    #[must_use]
    pub fn external<J: ExternalJob>(self) -> Self {
        self.add::<J>(Runner::External(Box::new(Typed::<J>(std::marker::PhantomData))))
    }

    /// Adds a kind that runs in no transaction.
    #[must_use]
    pub fn plain<J: PlainJob>(self) -> Self {
        self.add::<J>(Runner::Plain(Box::new(Typed::<J>(std::marker::PhantomData))))
    }

    fn add<J: super::JobKind>(mut self, runner: Runner) -> Self {
        let entry = Entry { kind: J::KIND, queue: J::QUEUE, limits: J::LIMITS, runner };
        assert!(
            J::LIMITS.timeout <= J::QUEUE.timeout(),
            "{} may run longer than its queue allows",
            J::KIND
        );
        assert!(self.entries.insert(J::KIND, entry).is_none(), "two kinds are called {}", J::KIND);
        self
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Entry> {
        self.entries.get(kind)
    }

    /// Every kind, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The names of the kinds.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.entries.keys().copied().collect()
    }
}

struct Typed<J>(std::marker::PhantomData<fn() -> J>);

/// The arguments in today's form, or the verdict that no deploy will change.
fn decode<J: super::JobKind>(args: Value, version: i16) -> std::result::Result<J, JobVerdict> {
    let args = if version == J::VERSION { args } else { J::upgrade(args, version) };
    serde_json::from_value(args)
        .map_err(|error| JobVerdict::Dead(format!("undecodable arguments: {error}")))
}

impl<J: Job> EffectRunner for Typed<J> {
    fn run<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>> {
        async move {
            match decode::<J>(args, version) {
                Ok(job) => job.run(tx, app).await,
                Err(verdict) => Ok(verdict),
            }
        }
        .boxed()
    }
}

impl<J: PlainJob> PlainRunner for Typed<J> {
    fn run<'a>(
        &'a self,
        args: Value,
        version: i16,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>> {
        async move {
            match decode::<J>(args, version) {
                Ok(job) => job.run(app).await,
                Err(verdict) => Ok(verdict),
            }
        }
        .boxed()
    }
}

impl<J: ExternalJob> ExternalRunner for Typed<J> {
    fn prepare<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<Prepared>> {
        async move {
            let job = match decode::<J>(args, version) {
                Ok(job) => job,
                Err(verdict) => return Ok(Prepared::Settled(verdict)),
            };
            Ok(match job.prepare(tx, app).await? {
                Some(plan) => Prepared::Call(Box::new(Planned::<J> { plan, answer: None })),
                None => Prepared::Settled(JobVerdict::Done(crate::Outcome::AlreadyDone)),
            })
        }
        .boxed()
    }
}

struct Planned<J: ExternalJob> {
    plan: J::Plan,
    answer: Option<J::Answer>,
}

impl<J: ExternalJob> Call for Planned<J> {
    fn call<'a>(&'a mut self, app: &'a App) -> BoxFuture<'a, Result<()>> {
        async move {
            self.answer = Some(J::call(&self.plan, app).await?);
            Ok(())
        }
        .boxed()
    }

    fn record<'a>(
        self: Box<Self>,
        tx: &'a mut Tx,
        app: &'a App,
    ) -> BoxFuture<'a, Result<JobVerdict>> {
        async move {
            let answer =
                self.answer.ok_or_else(|| Error::internal("recorded before it was called"))?;
            J::record(self.plan, answer, tx, app).await
        }
        .boxed()
    }
}
