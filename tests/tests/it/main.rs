//! The suite: one binary, one module per noun.

mod accounts;
mod architecture;
mod dashboards;
mod deals;
mod faults;
mod front;
mod jobs;
mod ledger;
mod listings;
mod metrics;
mod observability;
mod payme;
mod purchases;
mod schema;
