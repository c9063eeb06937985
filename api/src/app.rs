//! What every request finds: the platform, and whether the process is on its way out.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use salvo::oapi::{Components, Operation};
use salvo::{Depot, Request};
use shared::{App, Error, Result};

use crate::extract::{FromRequest, extractor};

/// The platform, as a handler's argument.
#[derive(Clone)]
pub(crate) struct AppState(Arc<App>);

impl AppState {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self(app)
    }

    /// The platform of the process that serves this request.
    pub(crate) fn of(depot: &Depot) -> Result<Self> {
        depot
            .get_typed::<Self>()
            .ok()
            .cloned()
            .ok_or_else(|| Error::internal("the service was built without the platform"))
    }
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl FromRequest for AppState {
    async fn read(_req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        Self::of(depot)
    }

    fn describe(_components: &mut Components, _operation: &mut Operation, _arg: &str) {}
}

extractor!([] AppState);

/// Whether the process has been told to stop: then it is not ready, and finishes what it has.
#[derive(Clone, Default)]
pub(crate) struct Draining(Arc<AtomicBool>);

impl Draining {
    pub(crate) fn start(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn started(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl FromRequest for Draining {
    async fn read(_req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        Ok(depot.get_typed::<Self>().ok().cloned().unwrap_or_default())
    }

    fn describe(_components: &mut Components, _operation: &mut Operation, _arg: &str) {}
}

extractor!([] Draining);
