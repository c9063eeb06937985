//! Beginning a deposit: a pending row and the provider's payment page.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{PaymentMethod, Transaction, TransactionType};
use super::providers::Provider;
use crate::accounts::User;
use crate::audit::Actor;
use crate::error::{Error, Result, texts};
use crate::ids::{EscrowId, UserId};
use crate::language::Language;
use crate::schema::payment_methods;
use crate::{App, Money, Tx};

/// The smallest deposit, whole UZS.
const DEPOSIT_MIN: i64 = 1_000;
/// The largest deposit, whole UZS.
pub(super) const DEPOSIT_MAX: i64 = 100_000_000;

/// Records a deposit that waits for its payer. With `escrow` it pays that deal when it completes.
///
/// Every call is a new deposit: two tabs may want two.
///
/// # Errors
/// `VALIDATION_ERROR` naming `amount` or `payment_method`; `TOKEN_INVALID` when the account was closed a moment ago.
pub async fn begin_deposit(
    tx: &mut Tx,
    _app: &App,
    user: UserId,
    amount: Money,
    method_code: &str,
    escrow: Option<EscrowId>,
) -> Result<Transaction> {
    check_amount(amount)?;
    let method = active_method(tx, method_code).await?;
    User::hold_open(tx, user).await?;
    let deposit = Transaction {
        payment_method_id: Some(method.id),
        escrow_id: escrow,
        ..Transaction::new(TransactionType::Deposit, user, amount, tx.now())
    };
    deposit.insert(tx).await?;
    deposit.tell(tx, Actor::User(user), "deposit.begin").await?;
    Ok(deposit)
}

/// Where the payer of a deposit goes. Some providers are asked first, so this is never called inside a transaction.
///
/// # Errors
/// `INTERNAL_ERROR` when no provider serves the method; `SERVICE_UNAVAILABLE` when the provider does not answer.
pub async fn payment_url(
    app: &App,
    deposit: &Transaction,
    method_code: &str,
    language: Language,
) -> Result<String> {
    let provider = Provider::parse(method_code).ok_or_else(|| {
        Error::internal(format!("deposit {} by {method_code}, which has no adapter", deposit.id))
    })?;
    provider.payment_url(app, deposit, language).await
}

fn check_amount(amount: Money) -> Result<()> {
    let (min, max) = (Money::from_soum(DEPOSIT_MIN), Money::from_soum(DEPOSIT_MAX));
    let issue = |text, limit: Money| {
        Error::new(crate::Code::ValidationError).and_field("amount", text, limit.to_string())
    };
    match amount {
        amount if amount < min => Err(issue(texts::TOO_SMALL, min)),
        amount if amount > max => Err(issue(texts::TOO_LARGE, max)),
        _ => Ok(()),
    }
}

/// The method of this code, if staff have it switched on and a provider serves it.
async fn active_method(tx: &mut Tx, code: &str) -> Result<PaymentMethod> {
    let method = PaymentMethod::query()
        .filter(payment_methods::code.eq(code).and(payment_methods::is_active))
        .first(tx.conn())
        .await
        .optional()?
        .ok_or_else(|| Error::field("payment_method", texts::INVALID))?;
    if !method.is_wired() {
        return Err(Error::field("payment_method", texts::NOT_AVAILABLE_YET));
    }
    Ok(method)
}

#[cfg(test)]
mod tests {
    use super::check_amount;
    use crate::{Money, error::Code};

    #[test]
    fn amounts_outside_the_limits_are_refused() {
        for (amount, allowed) in [
            ("0", false),
            ("999.99", false),
            ("1000.00", true),
            ("100000000.00", true),
            ("100000000.01", false),
            ("9999999999999999.99", false),
        ] {
            let result = check_amount(Money::parse(amount).expect("an amount"));
            assert_eq!(
                result.as_ref().err().map(crate::Error::code),
                (!allowed).then_some(Code::ValidationError),
                "{amount}"
            );
        }
    }
}
