//! A buyer takes a listing: the purchase.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::fund::take_money;
use super::jobs::ExpireUnpaidEscrow;
use super::model::{CloseReason, Escrow, EscrowStatus, Event, Locked, record};
use super::pay::pay_from_balance;
use crate::accounts::Principal;
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::{EscrowId, ListingId, UserId};
use crate::jobs::{after, enqueue_at};
use crate::listings::{Listing, ListingStatus};
use crate::payments::{self, Transaction, TransactionStatus, TransactionType};
use crate::schema::{escrows, payment_methods, transactions, users};
use crate::settings::Windows;
use crate::{App, Money, Outcome, Tx, subscriptions};

/// The payment method that is no provider.
const BALANCE: &str = "balance";
/// How many listings one buyer may reserve without money.
const UNPAID_MAX: i64 = 3;
/// How long a buyer who let a reservation expire waits before they reserve the same listing again.
const COOL_DOWN: TimeDelta = TimeDelta::hours(1);

/// What a buyer asks for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What they buy.
    pub listing_id: ListingId,
    /// `balance`, or a provider's code.
    pub payment_method: &'a str,
    /// The price they saw; a different one now refuses the purchase.
    pub expected_price: Option<Money>,
}

/// A deal, and how its money comes.
#[derive(Debug)]
pub struct Opened {
    /// The deal.
    pub escrow: Escrow,
    /// The deposit that will pay it, when a provider does.
    pub deposit: Option<Transaction>,
    /// `AlreadyDone` when the buyer had this deal before.
    pub outcome: Outcome,
}

/// Buys a listing. From the balance the deal is paid at once; by a provider it reserves the listing and waits for the
/// provider's money. The same buyer again gets the same deal, however often they ask; if it waits for money and they
/// now choose their balance, it is paid from there.
///
/// # Errors
/// `EMAIL_NOT_VERIFIED`; `TOKEN_INVALID` when the account was closed a moment ago; `PERMISSION_DENIED` for one's own listing; `LISTING_UNAVAILABLE`; `PRICE_CHANGED`;
/// `INSUFFICIENT_FUNDS`; `LIMIT_REACHED` for too many reservations; `VALIDATION_ERROR` naming `payment_method`.
pub async fn open(tx: &mut Tx, app: &App, who: &Principal, order: Order<'_>) -> Result<Opened> {
    let buyer = who.verified()?.id;
    let mut listing = Listing::lock(tx, order.listing_id).await?;
    if listing.seller_id == buyer {
        return Err(Error::new(Code::PermissionDenied));
    }
    if let Some(escrow) = open_deal(tx, &listing, buyer).await? {
        return again(tx, app, listing, escrow, order).await;
    }
    let was = listing.status;
    listing.reserve()?;
    may_be_bought(tx, &listing, buyer, order).await?;
    let by_provider = order.payment_method != BALANCE;
    if by_provider {
        may_reserve(tx, &listing, buyer).await?;
    }
    let rate = subscriptions::current_plan(tx, listing.seller_id).await?.commission_rate_bp;
    let opened = Escrow::between(&listing, buyer, rate, &app.settings.windows, tx.now())?;
    listing.save(tx, Actor::User(buyer), was, None).await?;
    if by_provider {
        await_money(tx, app, opened, order).await
    } else {
        pay_at_once(tx, app, &listing, opened).await
    }
}

/// The listing is reserved, paid for and recorded in one step.
async fn pay_at_once(tx: &mut Tx, app: &App, listing: &Listing, opened: Escrow) -> Result<Opened> {
    let mut escrow = opened.clone();
    escrow.pay(&app.settings.windows, tx.now())?;
    escrow.insert(tx).await?;
    let actor = Actor::User(escrow.buyer_id);
    record(tx, &opened, actor, Event::Opened, None, None).await?;
    record(tx, &escrow, actor, Event::Paid, Some(opened.status), None).await?;
    take_money(tx, app, listing, &escrow).await?;
    Ok(Opened { escrow, deposit: None, outcome: Outcome::Done })
}

/// The listing is reserved until the provider's money comes, or the window closes.
async fn await_money(tx: &mut Tx, app: &App, escrow: Escrow, order: Order<'_>) -> Result<Opened> {
    escrow.insert(tx).await?;
    record(tx, &escrow, Actor::User(escrow.buyer_id), Event::Opened, None, None).await?;
    let deposit = payments::begin_deposit(
        tx,
        app,
        escrow.buyer_id,
        escrow.amount,
        order.payment_method,
        Some(escrow.id),
    )
    .await?;
    enqueue_at(tx, &ExpireUnpaidEscrow { escrow_id: escrow.id }, escrow.pay_by).await?;
    Ok(Opened { escrow, deposit: Some(deposit), outcome: Outcome::Done })
}

/// The buyer asks again: the same deal, paid now if it waits and they choose their balance.
async fn again(
    tx: &mut Tx,
    app: &App,
    listing: Listing,
    escrow: Escrow,
    order: Order<'_>,
) -> Result<Opened> {
    let waits = escrow.status == EscrowStatus::PendingPayment;
    if waits && order.payment_method == BALANCE {
        let from = escrow.status;
        let escrow = pay_from_balance(tx, app, Locked { listing, escrow, from }).await?;
        return Ok(Opened { escrow, deposit: None, outcome: Outcome::AlreadyDone });
    }
    let deposit =
        if waits { Some(deposit_for(tx, app, &escrow, order.payment_method).await?) } else { None };
    Ok(Opened { escrow, deposit, outcome: Outcome::AlreadyDone })
}

/// The buyer's open deal on this listing, locked.
async fn open_deal(tx: &mut Tx, listing: &Listing, buyer: UserId) -> Result<Option<Escrow>> {
    if listing.status == ListingStatus::Active {
        return Ok(None);
    }
    let open = [
        EscrowStatus::PendingPayment,
        EscrowStatus::Paid,
        EscrowStatus::Delivered,
        EscrowStatus::Disputed,
    ];
    let deal = Escrow::query()
        .filter(
            escrows::listing_id
                .eq(listing.id)
                .and(escrows::buyer_id.eq(buyer))
                .and(escrows::status.eq_any(open)),
        )
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?;
    Ok(deal)
}

/// The deposit that is to pay this deal by this method, or a new one when the provider gave the last one up.
async fn deposit_for(tx: &mut Tx, app: &App, escrow: &Escrow, method: &str) -> Result<Transaction> {
    let live = transactions::table
        .inner_join(payment_methods::table)
        .filter(
            transactions::escrow_id
                .eq(escrow.id)
                .and(transactions::kind.eq(TransactionType::Deposit)),
        )
        .filter(
            transactions::status
                .eq_any([TransactionStatus::Pending, TransactionStatus::Processing]),
        )
        .filter(payment_methods::code.eq(method))
        .order(transactions::created_at.desc())
        .select(Transaction::as_select())
        .first(tx.conn())
        .await
        .optional()?;
    match live {
        Some(deposit) => Ok(deposit),
        None => {
            payments::begin_deposit(
                tx,
                app,
                escrow.buyer_id,
                escrow.amount,
                method,
                Some(escrow.id),
            )
            .await
        }
    }
}

/// Both still trade, and neither account can be closed before the deal is there; the price is the one the buyer saw.
async fn may_be_bought(
    tx: &mut Tx,
    listing: &Listing,
    buyer: UserId,
    order: Order<'_>,
) -> Result<()> {
    let both = users::id.eq_any([listing.seller_id, buyer]);
    let held: Vec<UserId> = users::table
        .filter(both.and(users::is_active).and(users::deleted_at.is_null()))
        .select(users::id)
        .order(users::id)
        .for_share()
        .load(tx.conn())
        .await?;
    if !held.contains(&buyer) {
        return Err(Error::new(Code::TokenInvalid));
    }
    if !held.contains(&listing.seller_id) {
        return Err(Error::new(Code::ListingUnavailable));
    }
    match order.expected_price {
        Some(price) if price != listing.price => {
            Err(Error::new(Code::PriceChanged).fact("price", listing.price.to_string().into()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reservations without money are few, and not renewed for ever.
async fn may_reserve(tx: &mut Tx, listing: &Listing, buyer: UserId) -> Result<()> {
    tx.one_at_a_time(&format!("escrow.reserve:{buyer}")).await?;
    let unpaid = escrows::table
        .filter(escrows::buyer_id.eq(buyer).and(escrows::status.eq(EscrowStatus::PendingPayment)));
    if unpaid.count().get_result::<i64>(tx.conn()).await? >= UNPAID_MAX {
        return Err(Error::new(Code::LimitReached).fact("unpaid_deals", UNPAID_MAX.into()));
    }
    let expired = escrows::table
        .filter(escrows::buyer_id.eq(buyer).and(escrows::listing_id.eq(listing.id)))
        .filter(
            escrows::status
                .eq(EscrowStatus::Cancelled)
                .and(escrows::close_reason.eq(CloseReason::Unpaid)),
        )
        .filter(escrows::closed_at.gt(tx.now() - COOL_DOWN))
        .select(diesel::dsl::max(escrows::closed_at));
    match expired.first::<Option<DateTime<Utc>>>(tx.conn()).await? {
        Some(closed_at) => Err(Error::new(Code::LimitReached)
            .fact("retry_at", (closed_at + COOL_DOWN).to_rfc3339().into())),
        None => Ok(()),
    }
}

impl Escrow {
    /// A new deal at today's price and the seller's rate: neither changes any more.
    fn between(
        listing: &Listing,
        buyer: UserId,
        rate_bp: i32,
        windows: &Windows,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let commission_amount = listing.price.share(rate_bp);
        let seller_earnings = listing
            .price
            .checked_sub(commission_amount)
            .ok_or_else(|| Error::internal("a share is larger than its whole"))?;
        Ok(Self {
            id: EscrowId::new(),
            listing_id: listing.id,
            buyer_id: buyer,
            seller_id: listing.seller_id,
            amount: listing.price,
            commission_rate_bp: rate_bp,
            commission_amount,
            seller_earnings,
            buyer_refund: Money::ZERO,
            status: EscrowStatus::PendingPayment,
            pay_by: after(now, windows.pay_within),
            paid_at: None,
            deliver_by: None,
            refund_after: None,
            handed_over_at: None,
            receive_by: None,
            buyer_confirmed_at: None,
            release_at: None,
            seller_paid_at: None,
            admin_released_at: None,
            disputed_at: None,
            disputed_by: None,
            dispute_reason: None,
            dispute_resolved_by: None,
            dispute_resolution: None,
            close_reason: None,
            closed_at: None,
            created_at: now,
            updated_at: now,
            cancel_asked_at: None,
            counted_at: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{START, assert_adds_up, windows};
    use super::*;
    use crate::listings::tests::sample as listing;

    #[test]
    fn a_new_deal_freezes_price_and_commission() {
        for (price, rate, commission) in [
            ("100000.00", 1000, "10000.00"),
            ("1000.05", 1000, "100.01"),
            ("333333.33", 800, "26666.67"),
            ("5000", 0, "0.00"),
        ] {
            let listing = Listing {
                price: Money::parse(price).expect("money"),
                ..listing(ListingStatus::Reserved)
            };
            let buyer = UserId::new();
            let deal = Escrow::between(&listing, buyer, rate, &windows(), START).expect("a deal");
            assert_eq!(
                (deal.status, deal.amount, deal.buyer_id, deal.seller_id),
                (EscrowStatus::PendingPayment, listing.price, buyer, listing.seller_id)
            );
            assert_eq!(deal.commission_amount.to_string(), commission, "{price} at {rate}");
            assert_eq!(deal.pay_by, START + TimeDelta::minutes(30));
            assert_adds_up(&deal);
        }
    }
}
