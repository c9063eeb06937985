//! What a purchase means to somebody who has a subscription: nothing, more now, or less later.

use chrono::{DateTime, Utc};

use super::{BillingPeriod, Plan, Subscription};
use crate::Money;

/// What a purchase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// They have it: the click was sent again.
    Same,
    /// They get more from now on, and pay for it what the rest of the old period does not cover.
    Now {
        /// What the rest of the old period is worth.
        credit: Money,
    },
    /// They get less when the running period, which is paid, has ended.
    Later,
}

impl Subscription {
    /// What it means that its owner buys `wanted` now, while the period of `running` runs. More is a better plan, or the
    /// same plan for longer.
    pub(super) fn change_to(
        &self,
        running: &Plan,
        wanted: (&Plan, BillingPeriod),
        now: DateTime<Utc>,
    ) -> Change {
        let (plan, billing) = wanted;
        let now_or_later = |more: bool| {
            if more { Change::Now { credit: self.unused(now) } } else { Change::Later }
        };
        if plan.id == running.id {
            match (self.billing_period, billing) {
                (BillingPeriod::Monthly, BillingPeriod::Monthly)
                | (BillingPeriod::Yearly, BillingPeriod::Yearly) => Change::Same,
                (BillingPeriod::Monthly, BillingPeriod::Yearly) => now_or_later(true),
                (BillingPeriod::Yearly, BillingPeriod::Monthly) => now_or_later(false),
            }
        } else {
            now_or_later(plan.rank() > running.rank())
        }
    }

    /// What the rest of the running period is worth, floored to the tiyin.
    pub(super) fn unused(&self, now: DateTime<Utc>) -> Money {
        let microseconds = |from: DateTime<Utc>| {
            i128::from((self.end_date - from).num_microseconds().unwrap_or(i64::MAX)).max(0)
        };
        let whole = microseconds(self.start_date);
        let left = microseconds(now).min(whole);
        let price = i128::from(self.period_price.to_tiyin().unwrap_or(0));
        let share = price.checked_mul(left).and_then(|product| product.checked_div(whole));
        Money::from_tiyin(share.and_then(|share| i64::try_from(share).ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::model::tests::{sample, start};
    use super::super::plan::tests::plan;
    use super::*;

    #[test]
    fn more_comes_now_and_less_comes_later() {
        use BillingPeriod::{Monthly, Yearly};
        let (premium, pro) = (plan("premium", 49_000, 490_000), plan("pro", 99_000, 990_000));
        for (has, wants, expected) in [
            ((&premium, Monthly), (&premium, Monthly), "same"),
            ((&premium, Monthly), (&premium, Yearly), "now"),
            ((&premium, Monthly), (&pro, Monthly), "now"),
            ((&premium, Monthly), (&pro, Yearly), "now"),
            ((&premium, Yearly), (&premium, Monthly), "later"),
            ((&premium, Yearly), (&pro, Monthly), "now"),
            ((&pro, Monthly), (&premium, Monthly), "later"),
            ((&pro, Monthly), (&premium, Yearly), "later"),
            ((&pro, Yearly), (&pro, Yearly), "same"),
        ] {
            let change = sample(has.0, has.1).change_to(has.0, wants, start());
            let told = match change {
                Change::Same => "same",
                Change::Now { .. } => "now",
                Change::Later => "later",
            };
            assert_eq!(told, expected, "{} {} to {} {}", has.0.slug, has.1, wants.0.slug, wants.1);
        }
    }

    #[test]
    fn the_rest_of_a_period_is_floored_to_the_tiyin() {
        let premium = plan("premium", 49_000, 490_000);
        let mut period = sample(&premium, BillingPeriod::Monthly);
        period.end_date = start() + TimeDelta::days(28);
        for (price, passed, rest) in [
            ("49000", TimeDelta::zero(), "49000.00"),
            ("49000", TimeDelta::days(14), "24500.00"),
            ("49000", TimeDelta::days(1), "47250.00"),
            // 49,000 × 27 days 23:59:59 / 28 days = 48,999.979745…
            ("49000", TimeDelta::seconds(1), "48999.97"),
            ("49000", TimeDelta::microseconds(1), "48999.99"),
            ("49000", TimeDelta::days(28) - TimeDelta::seconds(1), "0.02"),
            ("49000", TimeDelta::days(28), "0.00"),
            ("49000", TimeDelta::days(29), "0.00"),
            ("49000", TimeDelta::days(-1), "49000.00"),
            ("0.01", TimeDelta::microseconds(1), "0.00"),
            ("0", TimeDelta::days(1), "0.00"),
            ("9999999999999999.99", TimeDelta::days(14), "4999999999999999.99"),
        ] {
            period.period_price = Money::parse(price).expect("money");
            assert_eq!(period.unused(start() + passed).to_string(), rest, "{price} after {passed}");
        }
    }
}
