//! Buying.

use shared::escrow::queries::{self, DealView};
use shared::escrow::{self, Opened, Order};
use shared::idempotency::{self, Keep};
use shared::ids::{EscrowId, ListingId, TransactionId, UserId};
use shared::payments::{self, Transaction};
use shared::{App, Money, Outcome};

use super::shape::DealOut;
use crate::prelude::*;

/// What is bought, and how it is paid.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchaseBody {
    #[salvo(schema(value_type = String, format = Uuid))]
    listing_id: ListingId,
    /// `balance` (when nothing is said), or the code of a payment method.
    #[validate(length(min = 1, max = 50))]
    payment_method: Option<String>,
    /// The price the buyer saw: another one now is 409 `PRICE_CHANGED`.
    #[salvo(schema(value_type = Option<String>))]
    expected_price: Option<Money>,
}

/// A deal that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseOut {
    #[serde(flatten)]
    deal: DealOut,
    /// Where the payer goes now; none when the balance paid.
    payment_url: Option<String>,
    /// The deposit that will pay the deal; none when the balance paid.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    transaction_id: Option<TransactionId>,
    /// The same for the frontend.
    data: PurchaseData,
}

/// What the frontend goes on with.
#[derive(Serialize, ToSchema)]
struct PurchaseData {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: EscrowId,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    chat_room_id: Option<String>,
}

impl PurchaseOut {
    async fn new(
        app: &App,
        user: &Verified,
        method: &str,
        deposit: Option<&Transaction>,
        view: DealView,
    ) -> shared::Result<Self> {
        let payment_url = match deposit {
            Some(deposit) => {
                Some(payments::payment_url(app, deposit, method, user.user.language).await?)
            }
            None => None,
        };
        let data = PurchaseData { id: view.escrow.id, chat_room_id: None };
        Ok(Self {
            deal: view.into(),
            payment_url,
            transaction_id: deposit.map(|deposit| deposit.id),
            data,
        })
    }
}

/// What a purchase made, for a repeat that finds it without its answer.
#[derive(Serialize, Deserialize)]
struct Bought {
    escrow_id: EscrowId,
    deposit_id: Option<TransactionId>,
    again: bool,
}

fn bought((opened, _view): &(Opened, DealView)) -> shared::Result<Keep> {
    Keep::made(&Bought {
        escrow_id: opened.escrow.id,
        deposit_id: opened.deposit.as_ref().map(|deposit| deposit.id),
        again: opened.outcome == Outcome::AlreadyDone,
    })
}

/// A purchase as it stands: the deal, the deposit that pays it, and whether the buyer had it before.
struct Purchase {
    view: DealView,
    deposit: Option<Transaction>,
    again: bool,
}

impl Purchase {
    async fn read(app: &App, buyer: UserId, made: &str) -> shared::Result<Self> {
        let Bought { escrow_id, deposit_id, again } = idempotency::read_made(made)?;
        let conn = &mut app.db.read().await?;
        let deposit = match deposit_id {
            Some(id) => Some(payments::find_own(conn, buyer, id).await?.transaction),
            None => None,
        };
        Ok(Self { view: queries::find(conn, escrow_id).await?, deposit, again })
    }
}

impl From<(Opened, DealView)> for Purchase {
    fn from((opened, view): (Opened, DealView)) -> Self {
        let again = opened.outcome == Outcome::AlreadyDone;
        Self { view, deposit: opened.deposit, again }
    }
}

/// Buys a listing. From the balance the deal is paid at once; by a provider it waits for its payment. The same buyer
/// again gets the same deal.
#[endpoint(tags("deals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn purchase(
    app: AppState,
    user: Verified,
    body: Body<PurchaseBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<PurchaseOut>>> {
    let method = body.payment_method.as_deref().unwrap_or("balance");
    let order = Order {
        listing_id: body.listing_id,
        payment_method: method,
        expected_price: body.expected_price,
    };
    let begun = once
        .begin(&app, bought, async |tx| {
            let opened = escrow::open(tx, &app, &user, order).await?;
            let view = queries::find(tx, opened.escrow.id).await?;
            Ok((opened, view))
        })
        .await?;
    let (bought, before) = match begun {
        Begun::Now(made) => (Purchase::from(made), false),
        Begun::Before(made) => (Purchase::read(&app, user.user.id, &made).await?, true),
        Begun::Answered(answer) => return Ok(answer),
    };
    let Purchase { view, deposit, again } = bought;
    let out = PurchaseOut::new(&app, &user, method, deposit.as_ref(), view).await?;
    let answer = if again { NewOrSame::Same(out) } else { NewOrSame::New(out) };
    once.finish(&app, answer, before).await
}
