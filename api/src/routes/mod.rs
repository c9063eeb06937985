//! Handlers: one file per noun. The list of routes is `router.rs`.

pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod click;
pub(crate) mod docs;
pub(crate) mod escrows;
pub(crate) mod games;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod listings;
pub(crate) mod payme;
pub(crate) mod payment_cases;
pub(crate) mod payments;
