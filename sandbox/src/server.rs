//! Every address of the sandbox.

use std::sync::Arc;

use salvo::affix_state::inject;
use salvo::{Router, Service, handler};

use crate::multicard;
use crate::world::World;

/// The providers as one service.
pub(crate) fn service(world: Arc<World>) -> Service {
    let router =
        Router::new().push(Router::with_path("health/ready").get(ready)).push(multicard::router());
    Service::new(router).hoop(inject(world))
}

/// Whoever started us wants to know when we listen.
#[handler]
async fn ready() -> &'static str {
    "ready"
}
