//! The row of a plan: what it costs and what it brings.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::BillingPeriod;
use crate::error::{Error, Result};
use crate::ids::PlanId;
use crate::language::Text;
use crate::schema::subscription_plans;
use crate::{Conn, Money};

const UNKNOWN: Text =
    Text::new("Bunday tarif yo'q.", "Такого тарифа нет.", "There is no such plan.");
const NOT_SOLD: Text = Text::new(
    "Bu tarifni hozir sotib olib bo'lmaydi.",
    "Этот тариф сейчас нельзя купить.",
    "This plan cannot be bought now.",
);
const FREE_OF_CHARGE: Text = Text::new(
    "Bepul tarif sotib olinmaydi: u hammada bor.",
    "Бесплатный тариф не покупают: он есть у всех.",
    "The free plan is not bought: everybody has it.",
);

/// What a subscription costs and brings.
#[derive(Clone, Debug, PartialEq, Eq, HasQuery)]
#[diesel(table_name = subscription_plans)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// `free`, `premium` or `pro`.
    pub slug: String,
    /// As people read it.
    pub name: String,
    /// What a month costs.
    pub price_monthly: Money,
    /// What a year costs.
    pub price_yearly: Money,
    /// What we keep of a sale, in basis points: 1000 is 10 %.
    pub commission_rate_bp: i32,
    /// What it brings: a list of names.
    pub features: Value,
    /// Whether it is Premium or better.
    pub is_premium: bool,
    /// Whether it is Pro.
    pub is_pro: bool,
    /// Its place in lists.
    pub sort_order: i32,
    /// Staff switch a plan off here: it is neither sold nor renewed.
    pub is_active: bool,
    /// Who serves its subscribers in person; empty for nobody.
    pub manager_name: String,
    /// Where they answer.
    pub manager_contact: String,
}

/// A plan as a buyer names it, and the field they named it in.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// The field of the request.
    pub field: &'static str,
    /// Its id or its slug.
    pub plan: &'a str,
}

impl Plan {
    /// The plan of everybody who pays for none: reference data that every installation has.
    pub(super) const FREE: &'static str = "free";

    /// What a period of it costs.
    #[must_use]
    pub fn price(&self, billing: BillingPeriod) -> Money {
        match billing {
            BillingPeriod::Monthly => self.price_monthly,
            BillingPeriod::Yearly => self.price_yearly,
        }
    }

    /// The share we keep of a sale, as a decimal: `0.08`.
    #[must_use]
    pub fn commission_rate(&self) -> String {
        let (whole, rest) = (self.commission_rate_bp / 10_000, self.commission_rate_bp % 10_000);
        let digits = format!("{rest:04}");
        let digits = digits.strip_suffix("00").unwrap_or(&digits);
        format!("{whole}.{digits}")
    }

    /// Whether nobody pays for it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.slug == Self::FREE
    }

    /// How much it brings, for telling an upgrade from a downgrade.
    pub(super) fn rank(&self) -> (bool, bool, i32) {
        (self.is_pro, self.is_premium, self.sort_order)
    }

    /// The plan of this id.
    pub(super) async fn find(conn: &mut Conn, id: PlanId) -> Result<Self> {
        Ok(Self::query().filter(subscription_plans::id.eq(id)).first(conn).await?)
    }

    /// The plan of this id or slug.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` naming the field when there is none.
    pub(super) async fn find_named(conn: &mut Conn, chosen: Chosen<'_>) -> Result<Self> {
        let id = Uuid::parse_str(chosen.plan).ok().map(PlanId);
        let named =
            subscription_plans::slug.eq(chosen.plan).or(subscription_plans::id.nullable().eq(id));
        let plan = Self::query().filter(named.assume_not_null()).first(conn).await.optional()?;
        plan.ok_or_else(|| Error::field(chosen.field, UNKNOWN))
    }

    /// Whether it is sold now.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` naming the field when it is free or switched off.
    pub(super) fn require_sold(&self, field: &'static str) -> Result<()> {
        if self.is_free() {
            Err(Error::field(field, FREE_OF_CHARGE))
        } else if self.is_active {
            Ok(())
        } else {
            Err(Error::field(field, NOT_SOLD))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::Code;

    /// A plan at these prices, in whole UZS.
    pub(in crate::subscriptions) fn plan(slug: &str, monthly: i64, yearly: i64) -> Plan {
        let (is_premium, is_pro) = (slug != Plan::FREE, slug == "pro");
        Plan {
            id: PlanId::new(),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            price_monthly: Money::from_soum(monthly),
            price_yearly: Money::from_soum(yearly),
            commission_rate_bp: 800,
            features: json!([]),
            is_premium,
            is_pro,
            sort_order: 1 + i32::from(is_premium) + i32::from(is_pro),
            is_active: true,
            manager_name: String::new(),
            manager_contact: String::new(),
        }
    }

    #[test]
    fn a_rate_is_told_as_a_decimal() {
        for (bp, rate) in [
            (1_000, "0.10"),
            (800, "0.08"),
            (50, "0.0050"),
            (1_250, "0.1250"),
            (0, "0.00"),
            (10_000, "1.00"),
        ] {
            let plan = Plan { commission_rate_bp: bp, ..plan("premium", 1, 1) };
            assert_eq!(plan.commission_rate(), rate);
        }
    }

    #[test]
    fn what_is_free_or_switched_off_is_not_sold() {
        let refused = |plan: Plan| plan.require_sold("plan_id").expect_err("refused").code();
        assert_eq!(refused(plan("free", 0, 0)), Code::ValidationError);
        assert_eq!(refused(Plan { is_active: false, ..plan("pro", 1, 1) }), Code::ValidationError);
        plan("pro", 1, 1).require_sold("plan_id").expect("sold");
    }
}
