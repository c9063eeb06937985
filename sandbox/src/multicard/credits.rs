//! `payment/credit`: payouts to cards.

use serde_json::{Value, json};

use super::book::Book;
use super::fields::{self, Fields};
use super::model::{Card, End, Fate, Payout, Status};
use super::order::Effect;
use super::problem::Problem;
use crate::world::World;

/// Ten million soum, in tiyin: more needs `kyc_data`.
const KYC_ABOVE: i64 = 1_000_000_000;
/// The sandbox's one-time code.
const OTP: &str = "112233";

impl Book {
    /// `POST payment/credit`
    pub(crate) fn create_credit(
        &mut self,
        world: &World,
        body: &Value,
        effect: Effect,
    ) -> Result<Value, Problem> {
        let fields = Fields(body);
        fields.store(&world.settings.multicard_store)?;
        let (amount, invoice_id) = (fields.amount("amount")?, fields.invoice_id()?);
        let card = receiver(body)?;
        if amount > KYC_ABOVE && !body.get("kyc_data").is_some_and(Value::is_object) {
            return Err(Problem::fields("Необходимо заполнить «kyc_data»"));
        }
        let used = self.payouts.iter().any(|found| found.invoice_id == invoice_id);
        if used && effect != Effect::AcceptsDuplicate {
            return Err(Problem::fields("«invoice_id» уже использован"));
        }
        if amount > self.wallet {
            return Err(Problem::fields("Недостаточно средств на депозите"));
        }
        self.wallet -= amount;
        let confirmable = body.get("confirmable").and_then(Value::as_bool) == Some(true);
        let payout = Payout {
            uuid: Self::new_uuid(),
            id: self.new_id(),
            invoice_id: invoice_id.to_owned(),
            amount,
            status: if confirmable { Status::Draft } else { Status::Progress },
            card,
            asked: 0,
            added_on: world.clock.stamp(),
            payment_time: None,
            refusal: None,
            fate: fate(effect),
        };
        let uuid = payout.uuid.clone();
        self.payouts.push(payout);
        self.carry_out(world, &uuid)
    }

    /// `PUT payment/credit/{uuid}`
    pub(crate) fn confirm_credit(
        &mut self,
        world: &World,
        uuid: &str,
        body: &Value,
        effect: Effect,
    ) -> Result<Value, Problem> {
        let payout = self.payout(uuid)?;
        if payout.status != Status::Draft {
            return Err(Problem::not_ready());
        }
        if Fields(body).text("otp")? != OTP {
            return Err(Problem::fields("Неверный OTP"));
        }
        payout.status = Status::Progress;
        if effect != Effect::Normal {
            payout.fate = fate(effect);
        }
        self.carry_out(world, uuid)
    }

    /// `GET payment/credit/{uuid}`
    pub(crate) fn show_credit(&mut self, world: &World, uuid: &str) -> Result<Value, Problem> {
        self.payout(uuid)?.asked += 1;
        self.carry_out(world, uuid)
    }

    /// Somebody decides how a payout ends, in whatever state it is.
    ///
    /// # Errors
    /// When there is none, or it has ended the other way.
    pub(crate) fn settle(&mut self, world: &World, uuid: &str, end: End) -> Result<(), Problem> {
        let now = world.clock.stamp();
        let payout = self.payout(uuid)?;
        match (payout.status, end) {
            (Status::Success, End::Success) | (Status::Error, End::Error) => return Ok(()),
            (Status::Success | Status::Error | Status::Revert, _) => {
                return Err(Problem::not_ready());
            }
            (Status::Draft | Status::Progress | Status::Billing, End::Success) => {
                payout.status = Status::Success;
                payout.payment_time = Some(now);
            }
            (Status::Draft | Status::Progress | Status::Billing, End::Error) => {
                payout.status = Status::Error;
                payout.refusal = Some("Карта не принимает переводы".to_owned());
                self.wallet += self.payout(uuid)?.amount;
            }
        }
        Ok(())
    }

    /// Ends a payout whose time has come, and shows it.
    pub(crate) fn carry_out(&mut self, world: &World, uuid: &str) -> Result<Value, Problem> {
        let payout = self.payout(uuid)?;
        let end = match (payout.status, payout.fate) {
            (Status::Progress, Fate::AtOnce(end)) => Some(end),
            (Status::Progress, Fate::AfterAsks(asks, end)) => (payout.asked >= asks).then_some(end),
            (Status::Progress, Fate::Waits) => None,
            (
                Status::Draft | Status::Billing | Status::Success | Status::Error | Status::Revert,
                _,
            ) => None,
        };
        if let Some(end) = end {
            self.settle(world, uuid, end)?;
        }
        Ok(self.payout(uuid)?.show(&fields::store(&world.settings.multicard_store)))
    }
}

fn receiver(body: &Value) -> Result<Card, Problem> {
    let none = json!({});
    let card = Fields(body.get("card").unwrap_or(&none));
    match (card.optional("token")?, card.optional("pan")?) {
        (Some(token), None) if !token.is_empty() => Ok(Card::behind(token)),
        (None, Some(number)) => Card::read(number).ok_or_else(Problem::card),
        _ => Err(Problem::fields("Необходимо заполнить «card»")),
    }
}

fn fate(effect: Effect) -> Fate {
    match effect {
        Effect::Normal | Effect::Nothing | Effect::AcceptsDuplicate => Fate::AtOnce(End::Success),
        Effect::SettlesAfter { asks, end } => Fate::AfterAsks(asks, end),
        Effect::Waits => Fate::Waits,
        Effect::Fails => Fate::AtOnce(End::Error),
    }
}
