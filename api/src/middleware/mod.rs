//! What surrounds every request, outermost first: see `router::service`.

mod cors;
mod headers;
mod hosts;
mod measure;
mod panics;
mod timing;
mod trace;

pub(crate) use cors::Cors;
pub(crate) use headers::SecurityHeaders;
pub(crate) use hosts::AllowedHosts;
pub(crate) use measure::observe;
pub(crate) use panics::catch_panics;
pub(crate) use timing::server_timing;
pub(crate) use trace::request_id;
