//! How much a person may withdraw, when it leaves, and who looks at it first.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, select, sum};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::jobs::after;
use crate::payments::{TransactionStatus, TransactionType};
use crate::schema::{transactions, users, withdrawals};
use crate::settings::WithdrawalSettings;
use crate::{Money, Tx, subscriptions};

/// The daily limit counts so far back.
const DAY: TimeDelta = TimeDelta::hours(24);

/// When a withdrawal may leave, and after how many looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Not before.
    pub not_before: DateTime<Utc>,
    /// Approvals of staff.
    pub approvals_needed: i16,
    /// A Pro seller's.
    pub is_priority: bool,
}

/// What the terms depend on.
#[derive(Clone, Copy, Debug)]
struct Facts {
    amount: Money,
    is_pro: bool,
    /// Money of theirs has arrived at this card before.
    card_is_known: bool,
    password_changed_at: Option<DateTime<Utc>>,
}

impl Terms {
    /// The terms of this person, card and amount.
    pub(super) async fn find(
        tx: &mut Tx,
        settings: &WithdrawalSettings,
        user: UserId,
        amount: Money,
        card_print: &[u8],
    ) -> Result<Self> {
        let arrived = withdrawals::table
            .inner_join(transactions::table)
            .filter(withdrawals::user_id.eq(user).and(withdrawals::card_print.eq(card_print)))
            .filter(transactions::status.eq(TransactionStatus::Completed));
        let card_is_known = select(exists(arrived)).get_result(tx.conn()).await?;
        let password_changed_at =
            users::table.find(user).select(users::password_changed_at).first(tx.conn()).await?;
        let is_pro = subscriptions::current_plan(tx, user).await?.is_pro;
        let facts = Facts { amount, is_pro, card_is_known, password_changed_at };
        Ok(Self::of(facts, settings, tx.now()))
    }

    /// A card that was never used before waits a day, so that its owner's owner can object; a Pro seller is promised
    /// their money within that day, so a person looks instead. A new password makes everybody wait.
    fn of(facts: Facts, settings: &WithdrawalSettings, now: DateTime<Utc>) -> Self {
        let by_amount = match facts.amount {
            amount if amount > settings.second_review_above => 2,
            amount if amount > settings.review_above => 1,
            _ => 0,
        };
        let new_card = !facts.card_is_known && !settings.hold.is_zero();
        let by_card = i16::from(new_card && facts.is_pro);
        let card_wait = if new_card && !facts.is_pro { after(now, settings.hold) } else { now };
        let password_wait =
            facts.password_changed_at.map_or(now, |changed| after(changed, settings.hold));
        Self {
            not_before: now.max(card_wait).max(password_wait),
            approvals_needed: by_card.max(by_amount),
            is_priority: facts.is_pro,
        }
    }
}

/// Whether the amount is within the limits of one withdrawal; otherwise the field's error.
pub(super) fn check_amount(amount: Money, settings: &WithdrawalSettings) -> Option<(Money, bool)> {
    match amount {
        amount if amount < settings.min => Some((settings.min, true)),
        amount if amount > settings.max => Some((settings.max, false)),
        _ => None,
    }
}

/// Whether the person may withdraw so much more today. Nobody else's withdrawal of theirs is being recorded meanwhile.
pub(super) async fn check_day(
    tx: &mut Tx,
    settings: &WithdrawalSettings,
    user: UserId,
    amount: Money,
) -> Result<()> {
    let used: Option<Decimal> = transactions::table
        .filter(
            transactions::user_id.eq(user).and(transactions::kind.eq(TransactionType::Withdrawal)),
        )
        .filter(transactions::status.eq_any([
            TransactionStatus::Pending,
            TransactionStatus::Processing,
            TransactionStatus::Completed,
        ]))
        .filter(transactions::created_at.gt(tx.now() - DAY))
        .select(sum(transactions::amount))
        .first(tx.conn())
        .await?;
    let used = used.unwrap_or_default();
    if used + amount.decimal() > settings.daily_max.decimal() {
        return Err(Error::new(Code::LimitReached)
            .fact("daily_max", settings.daily_max.to_string().into())
            .fact("used", format!("{used:.2}").into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings::Settings;

    fn settings() -> WithdrawalSettings {
        Settings::from_vars(HashMap::new()).expect("the defaults").withdrawals
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(9_000)
    }

    fn facts(soum: i64) -> Facts {
        Facts {
            amount: Money::from_soum(soum),
            is_pro: false,
            card_is_known: true,
            password_changed_at: None,
        }
    }

    #[test]
    fn staff_look_at_large_amounts_and_two_of_them_at_larger_ones() {
        for (soum, approvals) in [
            (10_000, 0),
            (3_000_000, 0),
            (3_000_001, 1),
            (7_000_000, 1),
            (7_000_001, 2),
            (10_000_000, 2),
        ] {
            let terms = Terms::of(facts(soum), &settings(), now());
            assert_eq!((terms.approvals_needed, terms.not_before), (approvals, now()), "{soum}");
        }
    }

    #[test]
    fn a_new_card_waits_a_day_and_a_pro_sellers_is_looked_at_instead() {
        let new_card = Facts { card_is_known: false, ..facts(50_000) };
        let terms = Terms::of(new_card, &settings(), now());
        assert_eq!((terms.not_before, terms.approvals_needed), (now() + DAY, 0));
        let pro = Terms::of(Facts { is_pro: true, ..new_card }, &settings(), now());
        assert_eq!((pro.not_before, pro.approvals_needed, pro.is_priority), (now(), 1, true));
        let known = Terms::of(Facts { is_pro: true, ..facts(50_000) }, &settings(), now());
        assert_eq!((known.not_before, known.approvals_needed), (now(), 0), "no delay of ours");
    }

    #[test]
    fn a_new_password_makes_everybody_wait_out_its_day() {
        for (hours_ago, waits) in [(1, 23), (23, 1), (24, 0), (500, 0)] {
            let changed = Some(now() - TimeDelta::hours(hours_ago));
            let facts = Facts { password_changed_at: changed, is_pro: true, ..facts(50_000) };
            let terms = Terms::of(facts, &settings(), now());
            assert_eq!(terms.not_before, now() + TimeDelta::hours(waits), "{hours_ago}");
        }
    }

    #[test]
    fn amounts_outside_the_limits_are_told_which() {
        let limit = |text: &str| check_amount(Money::parse(text).expect("money"), &settings());
        assert_eq!(limit("9999.99"), Some((Money::from_soum(10_000), true)));
        assert_eq!(limit("10000.00"), None);
        assert_eq!(limit("10000000.00"), None);
        assert_eq!(limit("10000000.01"), Some((Money::from_soum(10_000_000), false)));
    }
}
