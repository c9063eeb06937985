//! Every address of the sandbox.

use std::sync::Arc;

use salvo::affix_state::inject;
use salvo::{Router, Service, handler};

use crate::world::World;
use crate::{click, index, multicard, payme, paynet};

/// The providers as one service.
pub(crate) fn service(world: Arc<World>) -> Service {
    let router = Router::new()
        .push(Router::with_path("health/ready").get(ready))
        .push(payme::router())
        .push(click::router())
        .push(paynet::router())
        .push(multicard::router())
        .push(index::router());
    Service::new(router).hoop(inject(world))
}

/// Whoever started us wants to know when we listen.
#[handler]
async fn ready() -> &'static str {
    "ready"
}
