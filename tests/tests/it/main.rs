//! The suite: one binary, one module per noun.

mod accounts;
mod architecture;
mod dashboards;
mod deals;
mod events;
mod front;
mod idempotency;
mod jobs;
mod ledger;
mod letters;
mod listings;
mod mail;
mod metrics;
mod moderation;
mod observability;
mod operate;
mod payme;
mod purchases;
mod schema;
mod staff_money;
mod switches;
mod transactions;
mod upkeep;
