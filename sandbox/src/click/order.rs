//! What a developer or a test orders Click's Merchant API to do wrong, call by call.

use serde::{Deserialize, Serialize};

use super::book::PaymentStatus;

/// A call of the Merchant API, by which of them an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickCall {
    /// `POST invoice/create`
    CreateInvoice,
    /// `GET invoice/status/{service}/{invoice}`
    InvoiceStatus,
    /// `GET payment/status/{service}/{payment}`
    PaymentStatus,
    /// `GET payment/status_by_mti/{service}/{order}/{day}`
    StatusByOrder,
    /// `DELETE payment/reversal/{service}/{payment}`
    Reversal,
}

/// What the caller hears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClickReply {
    /// The truth, at once.
    #[default]
    Proper,
    /// Nothing, until the caller gives up.
    Silence,
    /// The connection is cut.
    Cut,
    /// This HTTP status with a page that is not JSON.
    Status(u16),
    /// HTTP 200 with something that is not Click's.
    Garbage,
    /// HTTP 400 with this code; what was asked is not done.
    Refusal(i64),
    /// The truth, but for status or amount: a contradiction.
    Says {
        /// Instead of the true status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<PaymentStatus>,
        /// Instead of the true amount, as soum.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
    },
    /// The truth with as few members as the documentation shows: neither status nor amount by order.
    Terse,
}

/// An order for the next calls of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickOrder {
    /// For which calls.
    pub on: ClickCall,
    /// For how many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// What the caller hears.
    #[serde(default)]
    pub reply: ClickReply,
    /// Whether what was asked is done at all.
    #[serde(default = "really")]
    pub done: bool,
}

const fn once() -> u32 {
    1
}

const fn really() -> bool {
    true
}

impl ClickOrder {
    /// An order for the next such call; changes nothing yet.
    #[must_use]
    pub const fn on(call: ClickCall) -> Self {
        Self { on: call, times: 1, reply: ClickReply::Proper, done: true }
    }

    /// For the next so many calls.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// What the caller hears.
    #[must_use]
    pub fn reply(mut self, reply: ClickReply) -> Self {
        self.reply = reply;
        self
    }

    /// What was asked is not done.
    #[must_use]
    pub const fn undone(mut self) -> Self {
        self.done = false;
        self
    }

    /// What is wrong with the order itself.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self.reply {
            _ if self.times == 0 => Some("an order is for one call at least"),
            ClickReply::Status(status) if !(100..=599).contains(&status) => {
                Some("no such HTTP status")
            }
            ClickReply::Proper | ClickReply::Says { .. } | ClickReply::Terse if !self.done => {
                Some("a call that does nothing cannot be answered properly")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_written_as_a_person_would_and_makes_sense() {
        let read = |order: serde_json::Value| serde_json::from_value::<ClickOrder>(order).ok();
        let silent = ClickOrder::on(ClickCall::Reversal).reply(ClickReply::Silence);
        assert_eq!(read(json!({ "on": "reversal", "reply": "silence" })), Some(silent.clone()));
        assert_eq!(silent.problem(), None);
        let says = ClickReply::Says { status: Some(PaymentStatus::Reversed), amount: None };
        assert_eq!(
            read(
                json!({ "on": "status_by_order", "times": 2, "reply": { "says": { "status": "reversed" } } })
            ),
            Some(ClickOrder::on(ClickCall::StatusByOrder).times(2).reply(says))
        );
        assert_eq!(read(json!({ "on": "everything" })), None);
        for order in [
            ClickOrder::on(ClickCall::Reversal).undone(),
            ClickOrder::on(ClickCall::Reversal).times(0),
            ClickOrder::on(ClickCall::Reversal).reply(ClickReply::Status(7)),
        ] {
            assert!(order.problem().is_some(), "{order:?}");
        }
    }
}
