//! HTTP in: parse, authenticate, open one transaction, call one command, render. The rules live in `shared`.

mod app;
mod error;
mod extract;
mod limits;
mod middleware;
mod openapi;
pub mod prelude;
mod response;
mod router;
mod routes;
mod server;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod wire_front_door;

pub use router::service;
pub use server::{Running, serve, terminated};
