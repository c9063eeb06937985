//! A person's own numbers.

use salvo::oapi::{BasicType, Object};
use shared::Money;
use shared::accounts::{self, Dashboard};

use crate::prelude::*;

/// A seller's numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct DashboardOut {
    active_listings: i64,
    sold_listings: i64,
    total_views: i64,
    /// Deals whose money they got.
    total_sales_count: i64,
    /// UZS, commission included.
    #[salvo(schema(value_type = String))]
    total_sales_amount: Money,
    /// Sales per hundred views, two decimals.
    #[salvo(schema(schema_with = number))]
    conversion: serde_json::Number,
}

fn number() -> Object {
    Object::with_type(BasicType::Number)
}

/// Shows what the caller offers, how often it was looked at, and what they sold.
#[endpoint(tags("accounts"))]
pub(crate) async fn show_dashboard(
    app: AppState,
    me: SignedIn,
) -> ApiResult<NoStore<Json<DashboardOut>>> {
    let numbers = accounts::dashboard(&mut *app.db.read().await?, me.user.id).await?;
    Ok(NoStore(Json(DashboardOut::try_from(numbers)?)))
}

impl TryFrom<Dashboard> for DashboardOut {
    type Error = shared::Error;

    fn try_from(numbers: Dashboard) -> Result<Self, shared::Error> {
        let conversion = serde_json::from_str(&numbers.conversion.to_string())
            .map_err(shared::Error::internal)?;
        Ok(Self {
            active_listings: numbers.active_listings,
            sold_listings: numbers.sold_listings,
            total_views: numbers.total_views,
            total_sales_count: numbers.total_sales_count,
            total_sales_amount: numbers.total_sales_amount,
            conversion,
        })
    }
}
