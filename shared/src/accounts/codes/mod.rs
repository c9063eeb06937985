//! One-time codes: six digits prove that a person reads the messages of a phone.
//!
//! ```text
//!   request ──▶ row (5 minutes) ── SMS ──▶ verify: right ──▶ used, with every other live code of phone and purpose
//!   the bot ──▶ row, and its code in the answer       ├── wrong ──▶ one of 5 tries of this network gone, and of 25 in all
//!                                                     └── used, too old, tried too often ──▶ refused
//! ```
//!
//! The code is derived from its row, so nothing that signs anybody in is stored; its MAC is bound to row, phone and
//! purpose. Tries are counted under the row's lock and committed although the answer is a refusal: a refusal is a value.
//!
//! **Who has a number.** A number that was only typed proves nothing, or anybody could register somebody's number and
//! wait for them to come. Who proves a number takes it from whoever typed it, and gets an account of their own; a number
//! that was proved is its holder's.

mod bot;
mod consume;
mod forget;
mod guess;
mod limits;
mod model;
mod newcomer;
mod number;
mod refusal;
mod request;
mod telegram;
mod texts;
mod verify;
mod verify_phone;

pub use bot::{BotCall, BotCode, BotContact, give_bot_code};
pub use consume::{Proved, consume};
pub use forget::{count_old, forget_old};
pub use guess::{Guess, Which};
pub(super) use model::OneTimeCode;
pub use model::Purpose;
pub(super) use number::keeps_a_way_in;
pub use refusal::Refusal;
pub use request::{CodeRequest, Requested, request_code};
pub use telegram::{TelegramMode, sign_in_by_telegram};
pub(super) use texts::message;
pub use verify::sign_in_by_code;
pub use verify_phone::{proves_another_number, verify_phone};

use crate::telemetry::metrics;

/// Shows what may be counted.
pub(super) fn show_zeros() {
    for limit in limits::LIMITS {
        metrics::CODES_LIMITED.with_label_values(&[limit]);
    }
    for purpose in Purpose::ALL {
        for refusal in Refusal::ALL {
            metrics::CODES_REFUSED.with_label_values(&[purpose.as_str(), refusal.as_str()]);
        }
    }
}
