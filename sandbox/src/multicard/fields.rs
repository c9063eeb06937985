//! The members of a request's body, checked as Multicard documents them.

use serde_json::Value;

use super::problem::Problem;

/// The longest id of the platform.
const ID_MAX: usize = 255;

/// A body that is an object, or nothing.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Value);

impl<'a> Fields<'a> {
    /// A text that must be there.
    pub(crate) fn text(self, name: &str) -> Result<&'a str, Problem> {
        let text = self.optional(name)?.unwrap_or_default();
        if text.is_empty() {
            return Err(Problem::fields(format!("Необходимо заполнить «{name}»")));
        }
        Ok(text)
    }

    /// A text that may be absent or null.
    pub(crate) fn optional(self, name: &str) -> Result<Option<&'a str>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::fields(format!("«{name}» должно быть строкой"))),
        }
    }

    /// The platform's id.
    pub(crate) fn invoice_id(self) -> Result<&'a str, Problem> {
        let id = self.text("invoice_id")?;
        if id.chars().count() > ID_MAX {
            return Err(Problem::fields("«invoice_id» слишком длинное"));
        }
        Ok(id)
    }

    /// A positive amount in tiyin, a whole number and not a string.
    pub(crate) fn amount(self, name: &str) -> Result<i64, Problem> {
        let amount = self.0.get(name).and_then(Value::as_i64).filter(|amount| *amount > 0);
        amount.ok_or_else(|| Problem::fields(format!("«{name}» должно быть целым числом тийинов")))
    }

    /// Refuses another store than ours; its id may be a number or a text.
    pub(crate) fn store(self, ours: &str) -> Result<(), Problem> {
        let given = match self.0.get("store_id") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(Problem::fields("Необходимо заполнить «store_id»")),
        };
        if given == ours { Ok(()) } else { Err(Problem::fields("Касса не найдена")) }
    }
}

/// The store's id as Multicard shows it: a number when it is one.
pub(crate) fn store(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| Value::from(id), Value::from)
}
