//! `payment/application` and the store's histories.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::book::Book;
use super::fields;
use super::problem::Problem;
use crate::world::World;

/// The window that a history was asked for.
struct Window {
    offset: usize,
    limit: usize,
    start: String,
    end: String,
    status: Option<String>,
}

impl Window {
    fn read(world: &World, query: &HashMap<String, String>) -> Result<Self, Problem> {
        let number = |name: &str, default: usize| match query.get(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Problem::fields(format!("«{name}» должно быть числом")))
            }
        };
        let mut end = query.get("end_date").cloned().unwrap_or_else(|| "9999".to_owned());
        if end.len() == "2026-11-25".len() {
            end.push_str(" 23:59:59");
        }
        Ok(Self {
            offset: number("offset", 0)?,
            limit: number("limit", 100)?.min(world.settings.multicard_page_max),
            start: query.get("start_date").cloned().unwrap_or_default(),
            end,
            status: query.get("only_status").filter(|status| !status.is_empty()).cloned(),
        })
    }

    /// Whether something of this moment and status is in the window.
    fn holds(&self, added_on: &str, status: &str) -> bool {
        let in_time = (self.start.as_str()..=self.end.as_str()).contains(&added_on);
        in_time && self.status.as_ref().is_none_or(|only| only == status)
    }

    fn page(&self, found: Vec<Value>) -> Value {
        let total = found.len();
        let list: Vec<_> = found.into_iter().skip(self.offset).take(self.limit).collect();
        json!({
            "pagination": { "total": total, "offset": self.offset, "limit": self.limit },
            "list": list,
        })
    }
}

impl Book {
    /// `GET payment/application`
    pub(crate) fn application(&self, world: &World) -> Value {
        json!({
            "application_id": world.settings.multicard_application,
            "wallet_sum": self.wallet,
            "wallet_overdraft": 0,
            "otp_length": 6,
        })
    }

    /// `GET payment/store/{store}/history`, oldest first.
    pub(crate) fn history(
        &self,
        world: &World,
        query: &HashMap<String, String>,
    ) -> Result<Value, Problem> {
        let (window, store) =
            (Window::read(world, query)?, fields::store(&world.settings.multicard_store));
        let held = |payment: &&super::Payment| {
            payment.card.is_some() && window.holds(&payment.added_on, payment.status.word())
        };
        let found = self.payments.iter().filter(held).map(|payment| payment.show(&store));
        Ok(window.page(found.collect()))
    }

    /// `GET payment/store/{store}/credit-history`, oldest first; who is listed has been asked for.
    pub(crate) fn credit_history(
        &mut self,
        world: &World,
        query: &HashMap<String, String>,
    ) -> Result<Value, Problem> {
        let window = Window::read(world, query)?;
        let in_window =
            |payout: &&mut super::Payout| window.holds(&payout.added_on, payout.status.word());
        let mut uuids = Vec::new();
        for payout in self.payouts.iter_mut().filter(in_window) {
            payout.asked += 1;
            uuids.push(payout.uuid.clone());
        }
        let shown: Result<Vec<_>, _> =
            uuids.iter().map(|uuid| self.carry_out(world, uuid)).collect();
        Ok(window.page(shown?))
    }
}
