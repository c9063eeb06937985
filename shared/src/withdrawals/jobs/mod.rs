//! The kinds of job about withdrawals.

mod process_withdrawal;
mod wipe_card_numbers;

pub use process_withdrawal::ProcessWithdrawal;
pub use wipe_card_numbers::WipeCardNumbers;
