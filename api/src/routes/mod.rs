//! Handlers: one file per noun. The list of routes is `router.rs`.

pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod audit_log;
pub(crate) mod click;
pub(crate) mod docs;
pub(crate) mod escrows;
pub(crate) mod games;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod listings;
pub(crate) mod multicard;
pub(crate) mod payme;
pub(crate) mod payment_cases;
pub(crate) mod payment_methods;
pub(crate) mod payments;
pub(crate) mod paynet;
pub(crate) mod profile;
pub(crate) mod roles;
pub(crate) mod staff_money;
pub(crate) mod statements;
pub(crate) mod subscriptions;
pub(crate) mod switches;
pub(crate) mod uploads;
pub(crate) mod withdrawals;
