//! Kinds behind their names: what the executor calls without knowing their types.

use std::marker::PhantomData;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{Batch, BatchJob, ExternalJob, Job, JobKind, JobVerdict, PlainJob, Progress};
use crate::error::{Error, Result};
use crate::{App, Tx};

/// The ways a kind runs.
pub enum Runner {
    /// Inside the fenced transaction.
    Effect(Box<dyn EffectRunner>),
    /// Prepare (transaction), call (none), record (transaction).
    External(Box<dyn ExternalRunner>),
    /// In no transaction, completed in groups.
    Plain(Box<dyn PlainRunner>),
    /// Batch by batch, each in a fenced transaction with its progress.
    Batch(Box<dyn BatchRunner>),
}

impl Runner {
    pub(super) fn effect<J: Job>() -> Self {
        Self::Effect(Box::new(Typed::<J>(PhantomData)))
    }

    pub(super) fn external<J: ExternalJob>() -> Self {
        Self::External(Box::new(Typed::<J>(PhantomData)))
    }

    pub(super) fn plain<J: PlainJob>() -> Self {
        Self::Plain(Box::new(Typed::<J>(PhantomData)))
    }

    pub(super) fn batch<J: BatchJob>() -> Self {
        Self::Batch(Box::new(Typed::<J>(PhantomData)))
    }

    /// How operators call it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Effect(_) => "effect",
            Self::External(_) => "external",
            Self::Plain(_) => "plain",
            Self::Batch(_) => "batch",
        }
    }
}

/// A [`BatchJob`] behind its kind's name.
pub trait BatchRunner: Send + Sync {
    /// Decodes the arguments and does one batch; `Err` of the inner result is the verdict of undecodable arguments.
    fn batch<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
        so_far: Progress,
    ) -> BoxFuture<'a, Result<std::result::Result<Batch, JobVerdict>>>;
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

struct Typed<J>(PhantomData<fn() -> J>);

/// Whether arguments of a version are arguments of this kind.
pub(super) fn readable<J: JobKind>(args: Value, version: i16) -> std::result::Result<(), String> {
    parse::<J>(args, version).map(drop).map_err(|error| error.to_string())
}

fn parse<J: JobKind>(args: Value, version: i16) -> serde_json::Result<J> {
    let args = if version == J::VERSION { args } else { J::upgrade(args, version) };
    serde_json::from_value(args)
}

/// The arguments in today's form, or the verdict that no deploy will change.
fn decode<J: JobKind>(args: Value, version: i16) -> std::result::Result<J, JobVerdict> {
    parse(args, version)
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

impl<J: BatchJob> BatchRunner for Typed<J> {
    fn batch<'a>(
        &'a self,
        args: Value,
        version: i16,
        tx: &'a mut Tx,
        app: &'a App,
        so_far: Progress,
    ) -> BoxFuture<'a, Result<std::result::Result<Batch, JobVerdict>>> {
        async move {
            match decode::<J>(args, version) {
                Ok(job) => job.batch(tx, app, so_far).await.map(Ok),
                Err(verdict) => Ok(Err(verdict)),
            }
        }
        .boxed()
    }
}
