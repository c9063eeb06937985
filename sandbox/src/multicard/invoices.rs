//! `payment/invoice` and `payment/{uuid}`: what the platform asks to be paid, and what became of it.

use chrono::TimeDelta;
use salvo::http::StatusCode;
use serde_json::{Value, json};

use super::book::Book;
use super::fields::{self, Fields};
use super::model::{Card, Invoice, Payment, Status};
use super::problem::Problem;
use crate::clock;
use crate::world::World;

/// Seconds.
const TTL: i64 = 86_400;

impl Book {
    /// `POST payment/invoice`
    pub(crate) fn create_invoice(&mut self, world: &World, body: &Value) -> Result<Value, Problem> {
        let fields = Fields(body);
        fields.store(&world.settings.multicard_store)?;
        let (amount, invoice_id) = (fields.amount("amount")?, fields.invoice_id()?);
        let callback_url = fields.text("callback_url")?;
        let ofd = body.get("ofd").filter(|ofd| ofd.is_array()).cloned();
        let ofd = ofd.ok_or_else(|| Problem::fields("Необходимо заполнить «ofd»"))?;
        let lang = fields.optional("lang")?.unwrap_or("ru");
        if !["ru", "uz", "en"].contains(&lang) {
            return Err(Problem::fields("«lang»: ru, uz или en"));
        }
        let ttl = match body.get("ttl") {
            None | Some(Value::Null) => TTL,
            Some(_) => fields.amount("ttl")?,
        };
        let now = world.clock.now();
        let expires = TimeDelta::try_seconds(ttl).and_then(|ttl| now.checked_add_signed(ttl));
        let invoice = Invoice {
            uuid: Self::new_uuid(),
            invoice_id: invoice_id.to_owned(),
            amount,
            callback_url: callback_url.to_owned(),
            return_url: fields.optional("return_url")?.map(str::to_owned),
            return_error_url: fields.optional("return_error_url")?.map(str::to_owned),
            lang: lang.to_owned(),
            added_on: clock::written(now),
            deleted: false,
            expires: expires.ok_or_else(|| Problem::fields("«ttl» слишком велико"))?,
            ofd,
        };
        let payment = self.new_payment(&invoice, invoice.uuid.clone(), &clock::written(now));
        let store = fields::store(&world.settings.multicard_store);
        let shown = invoice.show(&world.url, &store, &payment);
        self.invoices.push(invoice);
        self.payments.push(payment);
        Ok(shown)
    }

    /// `GET payment/invoice/{uuid}`
    pub(crate) fn show_invoice(&mut self, world: &World, uuid: &str) -> Result<Value, Problem> {
        let invoice = self.invoice(uuid)?.clone();
        let payment = self.last_payment(uuid)?.clone();
        let waits = matches!(payment.status, Status::Draft | Status::Error);
        if invoice.deleted || (waits && invoice.expires <= world.clock.now()) {
            return Err(Problem::not_ready());
        }
        let store = fields::store(&world.settings.multicard_store);
        Ok(invoice.show(&world.url, &store, &payment))
    }

    /// `DELETE payment/invoice/{uuid}`
    pub(crate) fn delete_invoice(&mut self, uuid: &str) -> Result<Value, Problem> {
        if self.invoice(uuid)?.deleted {
            return Err(Problem::not_ready());
        }
        let payment = self.last_payment(uuid)?;
        match payment.status {
            Status::Draft | Status::Error => payment.status = Status::Error,
            Status::Progress | Status::Billing | Status::Success | Status::Revert => {
                let details = "Транзакция по инвойсу завершена. Запросите детали платежа";
                return Err(Problem::fields(details));
            }
        }
        self.invoice(uuid)?.deleted = true;
        Ok(json!([]))
    }

    /// `GET payment/{uuid}`
    pub(crate) fn show_payment(&mut self, world: &World, uuid: &str) -> Result<Value, Problem> {
        let store = fields::store(&world.settings.multicard_store);
        Ok(self.payment(uuid)?.show(&store))
    }

    /// `DELETE payment/{uuid}`, or a part of it.
    pub(crate) fn refund(
        &mut self,
        world: &World,
        uuid: &str,
        part: Option<&Value>,
    ) -> Result<Value, Problem> {
        let store = fields::store(&world.settings.multicard_store);
        let payment = self.payment(uuid)?;
        if payment.status != Status::Success {
            return Err(Problem::not_ready());
        }
        let left = payment.amount - payment.refunded;
        let amount = match part {
            Some(body) => Fields(body).amount("refund_amount")?,
            None => left,
        };
        if amount > left {
            return Err(Problem::fields("«refund_amount» больше остатка"));
        }
        payment.refunded += amount;
        payment.refund_time = Some(world.clock.stamp());
        if payment.refunded == payment.amount {
            payment.status = Status::Revert;
        }
        Ok(payment.show(&store))
    }

    /// The payer has typed a card number: debiting begins. With `again`, a paid invoice is paid once more.
    pub(crate) fn begin_payment(
        &mut self,
        world: &World,
        invoice: &str,
        number: &str,
        again: bool,
    ) -> Result<String, Problem> {
        let card = Card::read(number).ok_or_else(Problem::card)?;
        let found = self.invoice(invoice)?.clone();
        let now = world.clock.now();
        if found.deleted || found.expires <= now {
            return Err(Problem::not_ready());
        }
        let last = self.last_payment(invoice)?.clone();
        let uuid = match last.status {
            Status::Draft | Status::Error => last.uuid,
            Status::Progress | Status::Billing | Status::Success | Status::Revert if again => {
                let payment = self.new_payment(&found, Self::new_uuid(), &clock::written(now));
                self.payments.push(payment.clone());
                payment.uuid
            }
            Status::Progress | Status::Billing | Status::Success | Status::Revert => {
                return Err(Problem::not_ready());
            }
        };
        let payment = self.payment(&uuid)?;
        payment.status = Status::Progress;
        payment.card = Some(card);
        Ok(uuid)
    }

    /// Takes down where a payment stands now.
    pub(crate) fn mark(
        &mut self,
        world: &World,
        uuid: &str,
        status: Status,
    ) -> Result<Payment, Problem> {
        let payment = self.payment(uuid)?;
        let now = world.clock.stamp();
        payment.status = status;
        payment.updated_on.clone_from(&now);
        match status {
            Status::Billing => payment.payment_time = Some(now),
            Status::Success if payment.payment_time.is_none() => payment.payment_time = Some(now),
            Status::Revert => {
                payment.refund_time = Some(now);
                payment.refunded = payment.amount;
            }
            Status::Draft | Status::Progress | Status::Success | Status::Error => {}
        }
        Ok(payment.clone())
    }

    /// The newest attempt to pay an invoice.
    pub(crate) fn last_payment(&mut self, invoice: &str) -> Result<&mut Payment, Problem> {
        let mut of_it = self.payments.iter_mut().rev();
        of_it.find(|found| found.invoice_uuid == invoice).ok_or_else(Problem::not_found)
    }

    fn new_payment(&mut self, invoice: &Invoice, uuid: String, now: &str) -> Payment {
        Payment {
            uuid,
            id: self.new_id(),
            invoice_uuid: invoice.uuid.clone(),
            invoice_id: invoice.invoice_id.clone(),
            amount: invoice.amount,
            refunded: 0,
            status: Status::Draft,
            card: None,
            payment_time: None,
            refund_time: None,
            callback_message: None,
            added_on: now.to_owned(),
            updated_on: now.to_owned(),
            callback_url: invoice.callback_url.clone(),
        }
    }
}

/// The words for a caller without a valid token.
pub(crate) fn unauthorized(status: StatusCode) -> Problem {
    Problem::new(status, "ERROR_ACCESS_DENIED", "Доступ запрещён")
}
