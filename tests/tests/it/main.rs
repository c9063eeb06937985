//! The suite: one binary, one module per noun.

mod accounts;
mod architecture;
mod click;
mod dashboards;
mod deals;
mod front;
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
mod payment_cases;
mod purchases;
mod schema;
mod upkeep;
