//! Subscriptions: what a person pays for, and the commission it buys.
//!
//! ```text
//!            purchase               cancel                end
//!   (nobody) ────────▶ active ─────────────▶ cancelled ─────────▶ expired
//!                      │    ▲ ◀── resume ────                        ▲
//!                      │    │                                        │
//!                  end │    └── paid from the balance                │
//!                      └──────── not paid: +6 h, +24 h ──────────────┘
//! ```
//!
//! A subscription counts until its `rights_until`, whatever a sweep has or has not written into its status: the
//! commission of a deal must not depend on when a job ran. Each period is paid once, under the permanent key
//! `subscription:<id>:<period start>`, whoever pays it: a click, a timer, or a second run of either.
//!
//! Locks are taken in one order everywhere: the person's subscriptions (a name, because there may be no row yet), the
//! subscription, ledger accounts, jobs.

mod calendar;
mod cancel;
mod change;
mod charge;
mod check;
mod current_plan;
mod grant;
pub mod jobs;
mod measure;
mod model;
mod plan;
mod purchase;
pub mod queries;
mod renew;

pub(crate) use calendar::stamp;
pub use cancel::{Which, cancel, resume};
pub(crate) use check::SWEEP;
pub use check::{Checked, check};
pub use current_plan::current_plan;
pub use grant::{Grant, grant};
pub use measure::measure;
pub use model::{BillingPeriod, Subscription, SubscriptionStatus};
pub use plan::{Chosen, Plan};
pub use purchase::{Order, purchase};
pub(crate) use renew::OUTCOMES;
pub use renew::renew;
