//! `GetInformation`: whom does the payer pay, and how much? Changes nothing.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::order::{Account, Order};
use super::rpc::Answer;
use super::times;
use crate::error::Result;
use crate::schema::users;
use crate::{Money, Tx};

pub(super) async fn run(tx: &mut Tx, account: &Account) -> Result<Answer> {
    let Some(order) = Order::find(tx, account).await? else {
        return Ok(Err(Refusal::no_order()));
    };
    if let Err(refusal) = order.admits(tx.now()) {
        return Ok(Err(refusal));
    }
    let name: String = users::table
        .select(users::full_name)
        .filter(users::id.eq(order.deposit.user_id))
        .first(tx.conn())
        .await?;
    Ok(Ok(json!({
        "status": "0",
        "timestamp": times::text(tx.now()),
        "fields": { "name": short_name(&name), "amount": soum(order.deposit.amount)? },
    })))
}

/// Enough for the payer to know whom they pay, and no more: the screen stands in the street.
fn short_name(full_name: &str) -> String {
    let mut words = full_name.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    match words.next().and_then(|word| word.chars().next()) {
        Some(initial) => format!("{first} {initial}."),
        None => first,
    }
}

/// A number of soum for the payer's eyes: whole where it is whole.
fn soum(amount: Money) -> Result<Value> {
    let text = amount.to_string();
    let number = text.strip_suffix(".00").unwrap_or(&text);
    serde_json::from_str(number).map_err(crate::Error::internal)
}

#[cfg(test)]
mod tests {
    use super::{short_name, soum};
    use crate::Money;

    #[test]
    fn the_payer_is_shown_soum_and_hardly_a_name() {
        for (tiyin, shown) in
            [(5_000_000, "50000"), (100_050, "1000.5"), (9_999_999_999, "99999999.99")]
        {
            assert_eq!(soum(Money::from_tiyin(tiyin)).expect("a number").to_string(), shown);
        }
        for (name, shown) in [
            ("Aziz Karimov", "Aziz K."),
            ("Aziz", "Aziz"),
            ("", ""),
            ("  Дилноза   Ўринбоева Олим қизи", "Дилноза Ў."),
        ] {
            assert_eq!(short_name(name), shown);
        }
    }
}
