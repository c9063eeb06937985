//! Staff switch a method on or off, rename it, or change what they keep about it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value, json};

use super::config;
use super::list::ManagedMethod;
use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, OnConstraint as _, Result, texts};
use crate::ids::UserId;
use crate::language::Text;
use crate::schema::payment_methods;

/// The longest name and icon, characters.
const NAME_MAX: usize = 50;

const TAKEN: Text = Text::new(
    "Bu nom boshqa to'lov usulida bor.",
    "Это название уже у другого способа оплаты.",
    "Another payment method has this name.",
);

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = payment_methods)]
pub struct MethodChange {
    /// Off: nothing new begins, what began ends.
    pub is_active: Option<bool>,
    /// 1 to 50 characters, of this method alone.
    pub name: Option<String>,
    /// At most 50 characters.
    pub icon: Option<String>,
    /// An object that replaces the one before; never a secret.
    pub config: Option<Value>,
}

/// Changes the method of this code. A change that is none is not written.
///
/// # Errors
/// `VALIDATION_ERROR` naming what is wrong, a config that looks like a secret among it; `NOT_FOUND`; `ALREADY_EXISTS`
/// when another method has the name.
pub async fn change_method(
    tx: &mut Tx,
    staff: UserId,
    code: &str,
    wanted: MethodChange,
) -> Result<ManagedMethod> {
    let wanted = wanted.checked()?;
    let method: ManagedMethod = ManagedMethod::query()
        .filter(payment_methods::code.eq(code))
        .for_no_key_update()
        .first(tx.conn())
        .await
        .optional()?
        .ok_or(Code::NotFound)?;
    let change = wanted.against(&method);
    if change == MethodChange::default() {
        return Ok(method);
    }
    let changed: ManagedMethod = diesel::update(payment_methods::table)
        .filter(payment_methods::id.eq(method.id))
        .set((&change, payment_methods::updated_at.eq(tx.now())))
        .returning(ManagedMethod::as_returning())
        .get_result(tx.conn())
        .await
        .on_constraint("payment_methods_name_key", || {
            Error::new(Code::AlreadyExists).and_field("name", TAKEN, "")
        })?;
    let action = "payment_method.changed";
    tracing::info!(target: "payments", action, method = code, is_active = changed.is_active, %staff, "{action}");
    audit::record(
        tx,
        Actor::Staff(staff),
        action,
        ("payment_method", method.code.clone()),
        change.described(&method),
    )
    .await?;
    Ok(changed)
}

impl MethodChange {
    fn checked(mut self) -> Result<Self> {
        let mut error = Error::new(Code::ValidationError);
        let mut refused = false;
        let mut refuse = |field: &str, text: Text, value: &str| {
            let so_far = std::mem::replace(&mut error, Error::new(Code::ValidationError));
            error = so_far.and_field(field, text, value);
            refused = true;
        };
        let max = NAME_MAX.to_string();
        if let Some(name) = &mut self.name {
            *name = name.trim().to_owned();
            if name.is_empty() {
                refuse("name", texts::TOO_SHORT, "1");
            } else if name.chars().count() > NAME_MAX {
                refuse("name", texts::TOO_LONG, &max);
            }
        }
        if let Some(icon) = &mut self.icon {
            *icon = icon.trim().to_owned();
            if icon.chars().count() > NAME_MAX {
                refuse("icon", texts::TOO_LONG, &max);
            }
        }
        if let Some(config) = &self.config
            && let Err(problem) = config::check(config)
        {
            refuse(&problem.field, problem.text, &problem.value);
        }
        if refused { Err(error) } else { Ok(self) }
    }

    /// Without what the method has already.
    fn against(self, method: &ManagedMethod) -> Self {
        Self {
            is_active: self.is_active.filter(|wanted| *wanted != method.is_active),
            name: self.name.filter(|wanted| *wanted != method.name),
            icon: self.icon.filter(|wanted| *wanted != method.icon),
            config: self.config.filter(|wanted| *wanted != method.config),
        }
    }

    /// What it was and what it is, by field.
    fn described(self, method: &ManagedMethod) -> Value {
        let mut fields = Map::new();
        let mut note = |field: &str, from: Value, to: Option<Value>| {
            if let Some(to) = to {
                fields.insert(field.to_owned(), json!({ "from": from, "to": to }));
            }
        };
        note("is_active", method.is_active.into(), self.is_active.map(Value::from));
        note("name", method.name.clone().into(), self.name.map(Value::from));
        note("icon", method.icon.clone().into(), self.icon.map(Value::from));
        note("config", method.config.clone(), self.config);
        Value::Object(fields)
    }
}
