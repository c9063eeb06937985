//! Deals: buying, and what buyer and seller do with a deal. The UI calls a deal a trade.

mod buying;
mod lists;
mod record;
mod shape;
mod steps;

pub(crate) use buying::purchase;
pub(crate) use lists::{list_purchases, list_sales};
pub(crate) use record::{add_evidence, list_evidence, list_steps};
pub(crate) use shape::DealOut;
pub(crate) use steps::{
    cancel_by_buyer, cancel_by_seller, confirm_receipt, dispute, hand_over, pay_deal, release_now,
    reveal_credentials, show_deal, trade_status,
};
