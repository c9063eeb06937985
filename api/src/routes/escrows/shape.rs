//! What a deal looks like.

use chrono::{DateTime, Utc};
use shared::Money;
use shared::escrow::queries::DealView;
use shared::escrow::{CloseReason, Escrow, EscrowStatus};
use shared::ids::{EscrowId, ListingId, UserId};

use crate::prelude::*;

/// A deal.
#[derive(Serialize, ToSchema)]
pub(crate) struct DealOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: EscrowId,
    /// The same.
    #[salvo(schema(value_type = String, format = Uuid))]
    escrow_id: EscrowId,
    #[salvo(schema(value_type = String, format = Uuid))]
    listing: ListingId,
    /// The same.
    #[salvo(schema(value_type = String, format = Uuid))]
    listing_id: ListingId,
    listing_code: String,
    listing_title: String,
    game_name: String,
    #[salvo(schema(value_type = String, format = Uuid))]
    buyer: UserId,
    buyer_name: String,
    #[salvo(schema(value_type = String, format = Uuid))]
    seller: UserId,
    seller_name: String,
    /// What the buyer pays.
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// What the platform keeps, by the seller's plan when the deal was made, rounded half-up.
    #[salvo(schema(value_type = String))]
    commission_amount: Money,
    /// What the seller gets.
    #[salvo(schema(value_type = String))]
    seller_earnings: Money,
    /// What the buyer got back.
    #[salvo(schema(value_type = String))]
    buyer_refund: Money,
    /// `pending_payment`, `paid`, `delivered`, `confirmed`, `disputed`, `refunded` or `cancelled`.
    #[salvo(schema(value_type = String))]
    status: EscrowStatus,
    /// The seller has handed the account over.
    seller_confirmed: bool,
    /// The buyer has received it.
    buyer_confirmed: bool,
    both_confirmed: bool,
    /// The seller gave up.
    seller_cancelled: bool,
    /// The buyer gave up, or wishes to and the account was not handed over.
    buyer_cancelled: bool,
    /// Unpaid by then, it is cancelled.
    #[salvo(schema(value_type = String, format = DateTime))]
    pay_by: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    paid_at: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer may cancel.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    deliver_by: Option<DateTime<Utc>>,
    /// Nothing handed over by then, the buyer is refunded.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    refund_after: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    handed_over_at: Option<DateTime<Utc>>,
    /// The buyer silent by then, it counts as received.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    receive_by: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    buyer_confirmed_at: Option<DateTime<Utc>>,
    /// The seller is paid then, unless the buyer complains.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    release_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    seller_paid_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    admin_released_at: Option<DateTime<Utc>>,
    /// The buyer wished to cancel; at `deliver_by` the money goes back unless the account was handed over.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    cancel_asked_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    disputed_at: Option<DateTime<Utc>>,
    dispute_reason: Option<String>,
    dispute_resolution: Option<String>,
    /// Why it ended: `released`, `completed_by_staff`, `refunded_by_staff`, `resolved`, `seller_cancelled`,
    /// `buyer_cancelled`, `undelivered`, `unpaid` or `listing_blocked`.
    #[salvo(schema(value_type = Option<String>))]
    close_reason: Option<CloseReason>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    closed_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    chat_room_id: Option<String>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
}

impl Shown for DealOut {}

impl From<DealView> for DealOut {
    fn from(view: DealView) -> Self {
        let DealView { escrow, item, buyer, seller } = view;
        let steps = TradeStatusOut::from(&escrow);
        Self {
            id: escrow.id,
            escrow_id: escrow.id,
            listing: escrow.listing_id,
            listing_id: escrow.listing_id,
            listing_code: item.code,
            listing_title: item.title,
            game_name: item.game_name,
            buyer: escrow.buyer_id,
            buyer_name: buyer.display_name().to_owned(),
            seller: escrow.seller_id,
            seller_name: seller.display_name().to_owned(),
            amount: escrow.amount,
            commission_amount: escrow.commission_amount,
            seller_earnings: escrow.seller_earnings,
            buyer_refund: escrow.buyer_refund,
            status: escrow.status,
            seller_confirmed: steps.seller_confirmed,
            buyer_confirmed: steps.buyer_confirmed,
            both_confirmed: steps.both_confirmed,
            seller_cancelled: steps.seller_cancelled,
            buyer_cancelled: steps.buyer_cancelled,
            pay_by: escrow.pay_by,
            paid_at: escrow.paid_at,
            deliver_by: escrow.deliver_by,
            refund_after: escrow.refund_after,
            handed_over_at: escrow.handed_over_at,
            receive_by: escrow.receive_by,
            buyer_confirmed_at: escrow.buyer_confirmed_at,
            release_at: escrow.release_at,
            seller_paid_at: escrow.seller_paid_at,
            admin_released_at: escrow.admin_released_at,
            cancel_asked_at: escrow.cancel_asked_at,
            disputed_at: escrow.disputed_at,
            dispute_reason: escrow.dispute_reason,
            dispute_resolution: escrow.dispute_resolution,
            close_reason: escrow.close_reason,
            closed_at: escrow.closed_at,
            chat_room_id: None,
            created_at: escrow.created_at,
            updated_at: escrow.updated_at,
        }
    }
}

/// How far a deal is, as the trade page asks for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TradeStatusOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    escrow_id: EscrowId,
    #[salvo(schema(value_type = String))]
    status: EscrowStatus,
    seller_confirmed: bool,
    buyer_confirmed: bool,
    seller_cancelled: bool,
    buyer_cancelled: bool,
    both_confirmed: bool,
    both_cancelled: bool,
    /// `seller`, `buyer` or `none`.
    waiting_for: &'static str,
}

impl Shown for TradeStatusOut {}

impl From<&Escrow> for TradeStatusOut {
    fn from(escrow: &Escrow) -> Self {
        let (seller_confirmed, buyer_confirmed) =
            (escrow.handed_over_at.is_some(), escrow.buyer_confirmed_at.is_some());
        let waiting_for = match escrow.status {
            EscrowStatus::Paid if !seller_confirmed => "seller",
            EscrowStatus::Paid | EscrowStatus::PendingPayment => "buyer",
            EscrowStatus::Delivered
            | EscrowStatus::Confirmed
            | EscrowStatus::Disputed
            | EscrowStatus::Refunded
            | EscrowStatus::Cancelled => "none",
        };
        Self {
            escrow_id: escrow.id,
            status: escrow.status,
            seller_confirmed,
            buyer_confirmed,
            seller_cancelled: escrow.close_reason == Some(CloseReason::SellerCancelled),
            buyer_cancelled: escrow.close_reason == Some(CloseReason::BuyerCancelled)
                || (escrow.cancel_asked_at.is_some() && !seller_confirmed),
            both_confirmed: seller_confirmed && buyer_confirmed,
            both_cancelled: matches!(
                escrow.status,
                EscrowStatus::Refunded | EscrowStatus::Cancelled
            ),
            waiting_for,
        }
    }
}
