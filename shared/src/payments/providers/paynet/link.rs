//! The pay link: `?m=service&c=order&a=tiyin`.

use crate::App;
use crate::error::{Error, Result};
use crate::payments::Transaction;

/// Paynet's page for a deposit.
///
/// # Errors
/// `INTERNAL_ERROR` when the amount is no provider's integer.
pub fn link(app: &App, deposit: &Transaction) -> Result<String> {
    let paynet = &app.settings.paynet;
    let amount = deposit
        .amount
        .to_tiyin()
        .ok_or_else(|| Error::internal("the amount is no integer of tiyin"))?;
    Ok(format!(
        "{}/?m={}&c={}&a={amount}",
        paynet.checkout_url.trim_end_matches('/'),
        paynet.service_id,
        deposit.id,
    ))
}
