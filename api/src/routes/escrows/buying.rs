//! Buying.

use shared::escrow::queries::{self, DealView};
use shared::escrow::{self, Opened, Order};
use shared::ids::{EscrowId, ListingId, TransactionId};
use shared::{App, Money, Outcome, payments};

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
        user: &SignedIn,
        method: &str,
        opened: &Opened,
        view: DealView,
    ) -> shared::Result<Self> {
        let payment_url = match &opened.deposit {
            Some(deposit) => {
                Some(payments::payment_url(app, deposit, method, user.user.language).await?)
            }
            None => None,
        };
        let data = PurchaseData { id: opened.escrow.id, chat_room_id: None };
        Ok(Self {
            deal: view.into(),
            payment_url,
            transaction_id: opened.deposit.as_ref().map(|deposit| deposit.id),
            data,
        })
    }
}

/// Buys a listing. From the balance the deal is paid at once; by a provider it waits for its payment. The same buyer
/// again gets the same deal.
#[endpoint(tags("deals"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS")))]
pub(crate) async fn purchase(
    app: AppState,
    user: SignedIn,
    body: Body<PurchaseBody>,
) -> ApiResult<NewOrSame<PurchaseOut>> {
    let method = body.payment_method.as_deref().unwrap_or("balance");
    let order = Order {
        listing_id: body.listing_id,
        payment_method: method,
        expected_price: body.expected_price,
    };
    let (opened, view) = app
        .db
        .transaction(async |tx| {
            let opened = escrow::open(tx, &app, &user, order).await?;
            let view = queries::find(tx, opened.escrow.id).await?;
            Ok((opened, view))
        })
        .await?;
    let bought = PurchaseOut::new(&app, &user, method, &opened, view).await?;
    Ok(match opened.outcome {
        Outcome::Done => NewOrSame::New(bought),
        Outcome::AlreadyDone => NewOrSame::Same(bought),
    })
}
