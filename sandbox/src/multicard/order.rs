//! What a developer or a test orders Multicard to do wrong, call by call.

use serde::{Deserialize, Serialize};

use super::model::{End, Status};

/// A call, by which of them an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /auth`
    Auth,
    /// `POST /payment/invoice`
    CreateInvoice,
    /// `GET /payment/invoice/{uuid}`
    GetInvoice,
    /// `DELETE /payment/invoice/{uuid}`
    DeleteInvoice,
    /// `GET /payment/{uuid}`
    GetPayment,
    /// `DELETE /payment/{uuid}`, whole or partial.
    Refund,
    /// `GET /payment/store/{store}/history`
    History,
    /// `GET /payment/application`
    Application,
    /// `POST /payment/credit`
    CreateCredit,
    /// `PUT /payment/credit/{uuid}`
    ConfirmCredit,
    /// `GET /payment/credit/{uuid}`
    GetCredit,
    /// `GET /payment/store/{store}/credit-history`
    CreditHistory,
    /// Multicard's own call to the platform. [`Reply::Silence`] means that it is never made, [`Reply::Late`] that it is
    /// made later, [`Reply::Says`] that it lies, and [`Reply::Garbage`] that its signature is wrong.
    Callback,
}

/// What the caller hears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// The truth, at once.
    #[default]
    Proper,
    /// Nothing, until the caller gives up.
    Silence,
    /// The connection is cut.
    Cut,
    /// The truth, after so many milliseconds.
    Late {
        /// Milliseconds.
        millis: u64,
    },
    /// This HTTP status with a page that is not JSON.
    Status(u16),
    /// HTTP 200 with something that is not Multicard's.
    Garbage,
    /// HTTP 400 with `ERROR_DEBIT_UNKNOWN`.
    DebitUnknown,
    /// HTTP 400 with this code; what was asked is not done.
    Refusal(String),
    /// The truth, but for status or amount: a contradiction.
    Says {
        /// Instead of the true status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
        /// Instead of the true amount, in tiyin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<i64>,
    },
}

/// What really happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// What was asked.
    #[default]
    Normal,
    /// Nothing.
    Nothing,
    /// A payout is accepted and stays in progress until it has been asked for so often.
    SettlesAfter {
        /// How often.
        asks: u32,
        /// How it ends then.
        end: End,
    },
    /// A payout is accepted and stays in progress until somebody settles it.
    Waits,
    /// A payout is accepted and fails at once.
    Fails,
    /// A payout is accepted although its `invoice_id` was used before.
    AcceptsDuplicate,
}

/// An order for the next calls of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// For which calls.
    pub on: Call,
    /// Only for this `invoice_id` or `uuid`, when it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// For how many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// What the caller hears.
    #[serde(default)]
    pub reply: Reply,
    /// What really happens.
    #[serde(default)]
    pub effect: Effect,
}

const fn once() -> u32 {
    1
}

impl Order {
    /// An order for the next such call; changes nothing yet.
    #[must_use]
    pub const fn on(call: Call) -> Self {
        Self { on: call, of: None, times: 1, reply: Reply::Proper, effect: Effect::Normal }
    }

    /// Only for this `invoice_id` or `uuid`.
    #[must_use]
    pub fn of(mut self, id: impl Into<String>) -> Self {
        self.of = Some(id.into());
        self
    }

    /// For the next so many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// What the caller hears.
    #[must_use]
    pub fn reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    /// What really happens.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// What is wrong with the order itself.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let payout = matches!(self.on, Call::CreateCredit | Call::ConfirmCredit);
        match self.effect {
            Effect::Normal => None,
            Effect::Nothing
                if matches!(
                    self.reply,
                    Reply::Proper | Reply::Late { .. } | Reply::Says { .. }
                ) =>
            {
                Some("a call that does nothing cannot be answered properly")
            }
            Effect::Nothing => None,
            Effect::SettlesAfter { .. }
            | Effect::Waits
            | Effect::Fails
            | Effect::AcceptsDuplicate => {
                (!payout).then_some("this effect is for create_credit and confirm_credit")
            }
        }
        .or_else(|| match self.reply {
            Reply::Status(status) if !(100..=599).contains(&status) => Some("no such HTTP status"),
            _ if self.times == 0 => Some("an order is for one call at least"),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Call, Effect, End, Order, Reply, Status};

    fn read(order: Value) -> Result<Order, String> {
        serde_json::from_value(order).map_err(|error| error.to_string())
    }

    #[test]
    fn an_order_is_written_as_a_person_would() {
        for (written, order) in [
            (json!({ "on": "create_credit", "reply": "silence" }), {
                Order::on(Call::CreateCredit).reply(Reply::Silence)
            }),
            (
                json!({ "on": "auth", "times": 3, "reply": { "status": 502 }, "effect": "nothing" }),
                {
                    Order::on(Call::Auth).times(3).reply(Reply::Status(502)).effect(Effect::Nothing)
                },
            ),
            (
                json!({ "on": "get_payment", "of": "x", "reply": { "says": { "status": "error" } } }),
                {
                    let says = Reply::Says { status: Some(Status::Error), amount: None };
                    Order::on(Call::GetPayment).of("x").reply(says)
                },
            ),
            (
                json!({ "on": "create_credit", "reply": "debit_unknown",
                    "effect": { "settles_after": { "asks": 2, "end": "success" } } }),
                Order::on(Call::CreateCredit)
                    .reply(Reply::DebitUnknown)
                    .effect(Effect::SettlesAfter { asks: 2, end: End::Success }),
            ),
        ] {
            assert_eq!(read(written.clone()), Ok(order.clone()), "{written}");
            assert_eq!(order.problem(), None, "{written}");
        }
    }

    #[test]
    fn an_order_that_makes_no_sense_is_refused() {
        assert!(read(json!({ "on": "create_credit", "replies": "silence" })).is_err());
        assert!(read(json!({ "on": "everything" })).is_err());
        for order in [
            Order::on(Call::Auth).effect(Effect::Nothing),
            Order::on(Call::GetPayment).effect(Effect::Waits),
            Order::on(Call::Auth).reply(Reply::Status(7)),
            Order::on(Call::Auth).times(0),
        ] {
            assert!(order.problem().is_some(), "{order:?}");
        }
    }
}
