//! What surrounds every request, outermost first: see `router::service`.

mod arrival;
mod cors;
mod headers;
mod hosts;
mod measure;
mod panics;
mod rate;
mod timeout;
mod timing;
mod tokens;
mod trace;

pub(crate) use cors::Cors;
pub(crate) use headers::SecurityHeaders;
pub(crate) use hosts::AllowedHosts;
pub(crate) use measure::observe;
pub(crate) use panics::catch_panics;
pub(crate) use rate::{limit, show_zeros as show_limit_zeros};
pub(crate) use timeout::Timeout;
pub(crate) use timing::server_timing;
pub(crate) use trace::RequestId;
