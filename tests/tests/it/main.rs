//! The suite: one binary, one module per noun.

mod accounts;
mod architecture;
mod bank;
mod dashboards;
mod deal_steps;
mod deals;
mod front;
mod jobs;
mod ledger;
mod letters;
mod listings;
mod mail;
mod metrics;
mod model;
mod moderation;
mod observability;
mod operate;
mod payme;
mod purchases;
mod sandbox;
mod races;
mod schema;
mod subscriptions;
mod upkeep;
