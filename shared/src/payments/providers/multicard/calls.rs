//! The calls that we make.

use chrono::{DateTime, NaiveDate, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Ask, Multicard};
use super::failure::Failure;
use super::model::{Entry, Listed, REFERENCE, entries, is_uuid, text, total};
use crate::payments::reports::day_of;

/// Entries of one page of a history.
const PAGE: usize = 100;
/// More pages are not read: then we do not know.
const PAGES_MAX: usize = 200;

/// An invoice that a payer can pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invoice {
    /// Multicard's id.
    pub uuid: String,
    /// Where the payer goes.
    pub checkout_url: String,
}

/// What is known of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InvoiceState {
    /// Nobody has paid it.
    Unpaid,
    /// A payment was made or begun.
    Payment(Entry),
    /// It was taken back, or its time is over, or there never was one.
    Gone,
}

impl Multicard {
    /// The number of our till.
    pub(crate) fn store(&self) -> i64 {
        self.settings.store_id
    }

    /// Makes an invoice.
    pub(super) async fn make_invoice(&self, body: Value) -> Result<Invoice, Failure> {
        let data = self.ask(post("invoice", "/payment/invoice", body)).await?;
        let invoice = data.as_object().and_then(|members| {
            Some(Invoice {
                uuid: text(members, &["uuid"]).filter(|uuid| is_uuid(uuid))?.to_owned(),
                checkout_url: text(members, &["checkout_url"])
                    .filter(|url| url.starts_with("http"))?
                    .to_owned(),
            })
        });
        invoice.ok_or_else(|| Failure::Unknown("an invoice that cannot be read".to_owned()))
    }

    /// What became of an invoice.
    pub(super) async fn invoice(&self, uuid: &str) -> Result<InvoiceState, Failure> {
        match self.ask(get("invoice_state", format!("/payment/invoice/{}", safe(uuid)?), &[])).await
        {
            Ok(data) => read_invoice(&data),
            Err(Failure::NotReady) => Ok(InvoiceState::Gone),
            Err(failure) if failure.is_not_found() => Ok(InvoiceState::Gone),
            Err(failure) => Err(failure),
        }
    }

    /// Takes an invoice back, so that nobody pays it any more; one that is gone is taken back.
    pub(super) async fn delete_invoice(&self, uuid: &str) -> Result<(), Failure> {
        match self.ask(delete("delete_invoice", format!("/payment/invoice/{}", safe(uuid)?))).await
        {
            Ok(_) | Err(Failure::NotReady) => Ok(()),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// A payment; none when Multicard does not know it.
    pub(super) async fn payment(&self, uuid: &str) -> Result<Option<Entry>, Failure> {
        self.entry("payment", format!("/payment/{}", safe(uuid)?)).await
    }

    /// Gives a payment back whole.
    pub(super) async fn delete_payment(&self, uuid: &str) -> Result<(), Failure> {
        self.ask(delete("delete_payment", format!("/payment/{}", safe(uuid)?))).await.map(drop)
    }

    /// Pays to a card.
    pub(crate) async fn credit(
        &self,
        card: &str,
        amount: i64,
        reference: &str,
    ) -> Result<Entry, Failure> {
        let body = json!({
            "card": { "pan": card },
            "amount": amount,
            "store_id": self.store(),
            "invoice_id": reference,
        });
        let mut data = self.ask(post("credit", "/payment/credit", body)).await?;
        // The answer to our own question may leave out what we asked.
        if let Some(members) = data.as_object_mut() {
            if !members.contains_key("invoice_id") && !members.contains_key("store_invoice_id") {
                members.insert("invoice_id".to_owned(), reference.into());
            }
            if !members.contains_key("payment_amount") && !members.contains_key("amount") {
                members.insert("amount".to_owned(), amount.into());
            }
        }
        Entry::expect(&data)
    }

    /// A payout by Multicard's id; none when Multicard does not know it.
    pub(crate) async fn payout(&self, uuid: &str) -> Result<Option<Entry>, Failure> {
        self.entry("payout", format!("/payment/credit/{}", safe(uuid)?)).await
    }

    /// Every payout under our reference since a day. An empty list is certain: the history was read to its end.
    pub(crate) async fn payouts_by_reference(
        &self,
        reference: &str,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Entry>, Failure> {
        let path = format!("/payment/store/{}/credit-history", self.store());
        let (start, end) = (day_of(since).to_string(), day_of(until).to_string());
        let mut found = Vec::new();
        for page in 0..PAGES_MAX {
            let query = [
                ("offset", (page * PAGE).to_string()),
                ("limit", PAGE.to_string()),
                ("start_date", start.clone()),
                ("end_date", end.clone()),
            ];
            let data = self.ask(get("credit_history", path.clone(), &query)).await?;
            let rows = entries(&data)?;
            for row in rows {
                // A row whose reference cannot be read might be the one that is looked for.
                let named = row.as_object().and_then(|row| text(row, &REFERENCE));
                if named.is_none_or(|named| named.eq_ignore_ascii_case(reference)) {
                    found.push(Entry::expect(row)?);
                }
            }
            if rows.len() < PAGE {
                return Ok(found);
            }
        }
        Err(Failure::Unknown("a history that does not end".to_owned()))
    }

    /// A page of the payments of a day in our till, from a place in its list; and whether it is the last.
    pub(super) async fn payments_of(
        &self,
        day: NaiveDate,
        offset: usize,
    ) -> Result<(Vec<Listed>, bool), Failure> {
        if offset >= PAGE * PAGES_MAX {
            return Err(Failure::Unknown("a history that does not end".to_owned()));
        }
        let path = format!("/payment/store/{}/history", self.store());
        let query = [
            ("offset", offset.to_string()),
            ("limit", PAGE.to_string()),
            ("start_date", day.to_string()),
            ("end_date", day.to_string()),
        ];
        let data = self.ask(get("history", path, &query)).await?;
        let rows = entries(&data)?;
        // Multicard may make its pages smaller than they were asked for.
        let last = match total(&data) {
            Some(total) => rows.is_empty() || offset + rows.len() >= total,
            None => rows.len() < PAGE,
        };
        Ok((rows.iter().map(Listed::read).collect(), last))
    }

    async fn entry(&self, name: &'static str, path: String) -> Result<Option<Entry>, Failure> {
        match self.ask(get(name, path, &[])).await {
            Ok(data) => Entry::expect(&data).map(Some),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// An invoice tells of its payment in a member of its own, or is one with it.
fn read_invoice(data: &Value) -> Result<InvoiceState, Failure> {
    let Some(members) = data.as_object() else {
        return Err(Failure::Unknown("an invoice that cannot be read".to_owned()));
    };
    let payment = match members.get("payment") {
        Some(payment @ Value::Object(_)) => payment,
        Some(Value::Null) => return Ok(InvoiceState::Unpaid),
        Some(_) | None if members.contains_key("status") => data,
        Some(_) | None => return Ok(InvoiceState::Unpaid),
    };
    Entry::expect(payment).map(InvoiceState::Payment)
}

fn get<'a>(name: &'static str, path: String, query: &'a [(&'a str, String)]) -> Ask<'a> {
    Ask { name, method: Method::GET, path, query, body: None }
}

fn post(name: &'static str, path: &str, body: Value) -> Ask<'static> {
    Ask { name, method: Method::POST, path: path.to_owned(), query: &[], body: Some(body) }
}

fn delete(name: &'static str, path: String) -> Ask<'static> {
    Ask { name, method: Method::DELETE, path, query: &[], body: None }
}

fn safe(uuid: &str) -> Result<&str, Failure> {
    if is_uuid(uuid) {
        Ok(uuid)
    } else {
        Err(Failure::NotSent("an id that is not Multicard's".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_invoice_tells_of_its_payment_in_either_form() {
        let payment = json!({ "uuid": "p", "store_invoice_id": "o", "payment_amount": 5, "status": "success" });
        for (data, paid) in [
            (json!({ "uuid": "i", "invoice_id": "o", "amount": 5, "payment": payment }), true),
            (json!({ "uuid": "p", "invoice_id": "o", "amount": 5, "status": "success" }), true),
            (json!({ "uuid": "i", "invoice_id": "o", "amount": 5, "payment": null }), false),
            (json!({ "uuid": "i", "invoice_id": "o", "amount": 5 }), false),
        ] {
            let state = read_invoice(&data).expect("an invoice");
            assert_eq!(matches!(state, InvoiceState::Payment(_)), paid, "{data}");
        }
        assert!(read_invoice(&json!([])).is_err());
        assert!(read_invoice(&json!({ "payment": { "uuid": "p" } })).is_err(), "half a payment");
    }
}
