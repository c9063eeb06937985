//! Money: soum with exactly two decimals, never a float.

use std::fmt;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Numeric;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

/// An amount in UZS with two decimals (1 UZS = 100 tiyin), as `NUMERIC(18,2)` and as a JSON string `"123456.78"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Numeric)]
pub struct Money(Decimal);

/// The largest amount the platform speaks about: what `NUMERIC(18,2)` holds.
const MAX_TIYIN: i128 = 999_999_999_999_999_999;

/// Ten thousand basis points are the whole.
const BASIS_POINTS: i64 = 10_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::from_parts(0, 0, 0, false, 2));

    /// Whole soum.
    #[must_use]
    pub fn from_soum(soum: i64) -> Self {
        let mut amount = Decimal::from(soum);
        amount.rescale(2);
        Self(amount)
    }

    /// An integer number of tiyin, as providers count.
    #[must_use]
    pub fn from_tiyin(tiyin: i64) -> Self {
        Self(Decimal::new(tiyin, 2))
    }

    /// The amount in tiyin; `None` when it does not fit a provider's integer.
    #[must_use]
    pub fn to_tiyin(self) -> Option<i64> {
        (self.0 * Decimal::ONE_HUNDRED).to_i64()
    }

    /// Reads `"123456.78"`: digits, and at most two decimals. No sign, no exponent, no space, no float.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 2 || whole.len() > 16 {
            return None;
        }
        Self::from_decimal(text.parse().ok()?)
    }

    /// An amount that has at most two decimals and fits the column.
    #[must_use]
    pub fn from_decimal(mut amount: Decimal) -> Option<Self> {
        if amount.normalize().scale() > 2 {
            return None;
        }
        amount.rescale(2);
        (amount.mantissa().abs() <= MAX_TIYIN).then_some(Self(amount))
    }

    /// The number itself.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// `self + other`; `None` past what the column holds.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::from_decimal(self.0.checked_add(other.0)?)
    }

    /// `self - other`, also below zero; `None` past what the column holds.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::from_decimal(self.0.checked_sub(other.0)?)
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// This share of the amount, in basis points, rounded half-up to the tiyin.
    ///
    /// The rest is `self - share`; it is never rounded a second time (design, section 5).
    #[must_use]
    pub fn share(self, basis_points: i32) -> Self {
        let exact = self.0 * Decimal::from(basis_points) / Decimal::from(BASIS_POINTS);
        let mut rounded = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(2);
        Self(rounded)
    }
}

impl std::ops::Neg for Money {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} UZS")
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// Reads a JSON string or number from its raw text, so that no float ever stands between.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, Self::parse)
    }
}

/// An amount with its sign, as staff write a correction: `"-5000.00"` takes, `"5000.00"` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedMoney(pub Money);

impl<'de> Deserialize<'de> for SignedMoney {
    /// Reads a JSON string or number from its raw text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let signed = |text: &str| match text.strip_prefix('-') {
            Some(amount) => Money::parse(amount).map(|amount| Self(-amount)),
            None => Money::parse(text).map(Self),
        };
        read(deserializer, signed)
    }
}

fn read<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    parse(text).ok_or_else(|| D::Error::custom("expected an amount with at most two decimals"))
}

impl diesel::serialize::ToSql<Numeric, diesel::pg::Pg> for Money {
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
    ) -> diesel::serialize::Result {
        <Decimal as diesel::serialize::ToSql<Numeric, diesel::pg::Pg>>::to_sql(&self.0, out)
    }
}

impl diesel::deserialize::FromSql<Numeric, diesel::pg::Pg> for Money {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let amount =
            <Decimal as diesel::deserialize::FromSql<Numeric, diesel::pg::Pg>>::from_sql(bytes)?;
        Self::from_decimal(amount)
            .ok_or_else(|| format!("{amount} is not an amount with two decimals").into())
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    fn money(text: &str) -> Money {
        Money::parse(text).expect("a valid amount")
    }

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        for good in ["0", "1", "1.5", "1.50", "123456.78", "9999999999999999.99"] {
            assert!(Money::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1.005",
            "1e3",
            "1,5",
            " 1",
            "1 ",
            "NaN",
            "0x1",
            "10000000000000000.00",
            "١",
        ] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
        assert_eq!(money("1.5").to_string(), "1.50");
        assert_eq!(money("1.5").to_tiyin(), Some(150));
        assert_eq!(Money::from_tiyin(150), money("1.50"));
    }

    #[test]
    fn json_never_passes_through_a_float() {
        let read = |json: &str| serde_json::from_str::<Money>(json);
        assert_eq!(read("0.1").expect("number").to_string(), "0.10");
        assert_eq!(
            read("\"9007199254740993.01\"").expect("string").to_string(),
            "9007199254740993.01"
        );
        for bad in ["1e3", "1E3", "-1", "0.001", "null", "true", "[1]", "\"1e3\"", "\" 1\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commission_is_half_up_and_the_rest_is_never_rounded() {
        // reliability study, section 2.5
        for (price, rate, share) in [
            ("0.01", 1000, "0.00"),
            ("0.05", 1000, "0.01"),
            ("0.25", 1000, "0.03"),
            ("99.99", 1000, "10.00"),
            ("99.99", 800, "8.00"),
            ("1000.05", 1000, "100.01"),
            ("1000.05", 500, "50.00"),
            ("333333.33", 800, "26666.67"),
            ("1234567.89", 500, "61728.39"),
            ("9999999999.99", 1000, "1000000000.00"),
        ] {
            let commission = money(price).share(rate);
            assert_eq!(commission.to_string(), share, "{price} at {rate}");
            let rest = money(price).checked_sub(commission).expect("smaller");
            assert_eq!(rest.checked_add(commission), Some(money(price)));
        }
    }
}
