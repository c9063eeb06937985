//! A person asks for their money.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::card::{CardNumber, CardType};
use super::jobs::ProcessWithdrawal;
use super::limits::{Terms, check_amount, check_day};
use super::model::{Locked, Withdrawal};
use super::settle::hold;
use crate::accounts::{Principal, User};
use crate::audit::Actor;
use crate::error::{Code, Error, Result, texts};
use crate::ids::{PaymentMethodId, TransactionId, UserId};
use crate::jobs::enqueue_at;
use crate::language::Text;
use crate::payments::providers::Provider;
use crate::payments::{Transaction, TransactionStatus, TransactionType};
use crate::schema::{payment_methods, transactions, withdrawals};
use crate::settings::WithdrawalSettings;
use crate::switches::{self, Switch};
use crate::{App, Money, Outcome, Tx};

/// The same person, amount and card within this time are the same withdrawal: clients send one click up to nine times.
const SAME_WITHIN: TimeDelta = TimeDelta::seconds(120);
/// A name on a card has no more letters.
const HOLDER_MAX: usize = 64;

const NOT_A_CARD: Text =
    Text::new("Karta raqami noto'g'ri.", "Некорректный номер карты.", "Not the number of a card.");
const OTHER_TYPE: Text = Text::new(
    "Karta raqami boshqa turdagi kartaga tegishli.",
    "Номер принадлежит карте другого типа.",
    "The number belongs to another type of card.",
);
const NOT_PAYABLE: Text = Text::new(
    "Pul faqat Uzcard va Humo kartalariga chiqariladi.",
    "Вывод возможен только на карты Uzcard и Humo.",
    "Money is paid out to Uzcard and Humo cards only.",
);
const NOT_A_NAME: Text = Text::new(
    "Karta egasining ismi karta ustidagidek yozilsin.",
    "Укажите имя владельца, как на карте.",
    "The holder's name as it stands on the card.",
);

/// What a person asks for.
pub struct Order<'a> {
    /// How much.
    pub amount: Money,
    /// The number of the card.
    pub card: &'a str,
    /// The request's name for the card's number, for errors.
    pub card_field: &'static str,
    /// What stands on the card; their own name when nothing is said.
    pub holder: Option<&'a str>,
    /// Which type they say it is; what the number says when nothing is said.
    pub card_type: Option<CardType>,
}

/// An order that can be one.
struct Checked {
    card: CardNumber,
    holder: String,
    payer: Provider,
}

/// Takes the money from the balance and holds it for a payout. The same again within two minutes is the same withdrawal,
/// unless that one failed or was cancelled.
///
/// # Errors
/// `EMAIL_NOT_VERIFIED`; `SWITCHED_OFF`; `VALIDATION_ERROR` naming the fields; `LIMIT_REACHED` for the day; `INSUFFICIENT_FUNDS`;
/// `TOKEN_INVALID` when the account was closed a moment ago.
pub async fn request(
    tx: &mut Tx,
    app: &App,
    who: &Principal,
    order: Order<'_>,
) -> Result<(TransactionId, Outcome)> {
    let person = who.verified()?;
    switches::ensure_on(tx, Switch::Withdrawals).await?;
    let settings = &app.settings.withdrawals;
    let checked = order.check(settings, person)?;
    // Rows that do not exist yet cannot be locked: one withdrawal of a person is recorded at a time.
    tx.one_at_a_time(&format!("withdrawal:{}", person.id)).await?;
    let print = app.cards.fingerprint(checked.card.expose());
    if let Some(same) = same_order(tx, person.id, order.amount, &print).await? {
        return Ok((same, Outcome::AlreadyDone));
    }
    User::hold_open(tx, person.id).await?;
    check_day(tx, settings, person.id, order.amount).await?;
    let terms = Terms::find(tx, settings, person.id, order.amount, &print).await?;
    let transaction = Transaction {
        payment_method_id: Some(method_of(tx, checked.payer).await?),
        description: checked.card.masked(),
        ..Transaction::new(TransactionType::Withdrawal, person.id, order.amount, tx.now())
    };
    let withdrawal = checked.seal(app, &transaction, print, terms)?;
    transaction.insert(tx).await?;
    withdrawal.insert(tx).await?;
    hold(tx, &transaction).await?;
    let asked = Locked { transaction, withdrawal };
    record(tx, &asked).await?;
    let id = asked.transaction.id;
    if asked.withdrawal.approvals_missing() == 0 {
        let job = ProcessWithdrawal { transaction_id: id };
        enqueue_at(tx, &job, asked.withdrawal.not_before).await?;
    }
    Ok((id, Outcome::Done))
}

impl Order<'_> {
    /// Everything that is wrong with it, at once.
    fn check(&self, settings: &WithdrawalSettings, person: &User) -> Result<Checked> {
        let mut wrong = Error::new(Code::ValidationError);
        let mut is_wrong = false;
        let mut add = |field: &str, text: Text, value: String| {
            is_wrong = true;
            let so_far = std::mem::replace(&mut wrong, Error::new(Code::ValidationError));
            wrong = so_far.and_field(field, text, value);
        };
        if let Some((limit, is_min)) = check_amount(self.amount, settings) {
            let text = if is_min { texts::TOO_SMALL } else { texts::TOO_LARGE };
            add("amount", text, limit.to_string());
        }
        let card = CardNumber::parse(self.card);
        let payer = match (&card, self.card_type) {
            (None, _) => {
                add(self.card_field, NOT_A_CARD, String::new());
                None
            }
            (Some(card), Some(said)) if said.payer().is_some() && said != card.kind() => {
                add("card_type", OTHER_TYPE, String::new());
                None
            }
            (Some(card), said) => {
                match said.unwrap_or(card.kind()).payer().and(card.kind().payer()) {
                    Some(payer) => Some(payer),
                    None => {
                        let field = if said.is_some() { "card_type" } else { self.card_field };
                        add(field, NOT_PAYABLE, String::new());
                        None
                    }
                }
            }
        };
        let holder = holder(self.holder.unwrap_or(person.display_name()));
        if holder.is_none() && self.holder.is_some() {
            add("card_holder_name", NOT_A_NAME, String::new());
        }
        match (is_wrong, card, payer) {
            (false, Some(card), Some(payer)) => {
                Ok(Checked { card, holder: holder.unwrap_or_default(), payer })
            }
            _ => Err(wrong),
        }
    }
}

/// Letters and what stands between them. A name with digits may be a number in the wrong field, and is not kept.
fn holder(text: &str) -> Option<String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = |letter: char| letter.is_alphabetic() || " .'-ʻʼ‘’`".contains(letter);
    let fits = (1..=HOLDER_MAX).contains(&name.chars().count());
    (fits && name.chars().all(plain) && name.chars().any(char::is_alphabetic)).then_some(name)
}

impl Checked {
    fn seal(
        self,
        app: &App,
        transaction: &Transaction,
        card_print: Vec<u8>,
        terms: Terms,
    ) -> Result<Withdrawal> {
        let row = row_name(transaction.id);
        let sealed = app.cards.seal(&row, &[(CARD_FIELD, self.card.expose())])?;
        Ok(Withdrawal {
            transaction_id: transaction.id,
            user_id: transaction.user_id,
            card_type: self.card.kind(),
            card_holder_name: self.holder,
            card_masked: self.card.masked(),
            card_print,
            key_id: sealed.key_id,
            data_key: Some(sealed.data_key),
            card_number: Some(sealed.fields.concat()),
            is_priority: terms.is_priority,
            not_before: terms.not_before,
            approvals_needed: terms.approvals_needed,
            approved_by: None,
            approved_at: None,
            second_approved_by: None,
            second_approved_at: None,
            rejected_by: None,
            reject_reason: None,
            sent_at: None,
            provider_uuid: None,
            unanswered: 0,
            last_answer: None,
            outcome_unknown_at: None,
            settled_at: None,
            wiped_at: None,
            created_at: transaction.created_at,
            updated_at: transaction.updated_at,
        })
    }
}

/// What a card's number is bound to.
pub(super) fn row_name(id: TransactionId) -> String {
    format!("withdrawal:{id}")
}

/// The sealed field.
pub(super) const CARD_FIELD: &str = "card_number";

/// The withdrawal that this one repeats.
async fn same_order(
    tx: &mut Tx,
    user: UserId,
    amount: Money,
    print: &[u8],
) -> Result<Option<TransactionId>> {
    let same = withdrawals::table
        .inner_join(transactions::table)
        .filter(withdrawals::user_id.eq(user).and(withdrawals::card_print.eq(print)))
        .filter(withdrawals::created_at.gt(tx.now() - SAME_WITHIN))
        .filter(transactions::amount.eq(amount))
        .filter(
            transactions::status.ne_all([TransactionStatus::Failed, TransactionStatus::Cancelled]),
        )
        .order(withdrawals::created_at.desc())
        .select(withdrawals::transaction_id)
        .first(tx.conn())
        .await;
    Ok(same.optional()?)
}

async fn method_of(tx: &mut Tx, payer: Provider) -> Result<PaymentMethodId> {
    let method = payment_methods::table.filter(payment_methods::code.eq(payer.as_str()));
    Ok(method.select(payment_methods::id).first(tx.conn()).await?)
}

async fn record(tx: &mut Tx, asked: &Locked) -> Result<()> {
    let details = json!({
        "card": asked.withdrawal.card_masked,
        "not_before": asked.withdrawal.not_before,
        "approvals_needed": asked.withdrawal.approvals_needed,
    });
    let by = Actor::User(asked.transaction.user_id);
    asked.tell(tx, by, "withdrawal.request", details).await
}

#[cfg(test)]
mod tests {
    use super::holder;

    #[test]
    fn a_holders_name_is_letters() {
        for (text, name) in [
            ("ALI VALIYEV", Some("ALI VALIYEV")),
            ("  Ali   Valiyev ", Some("Ali Valiyev")),
            ("G'ANISHER O‘KTAMOV", Some("G'ANISHER O‘KTAMOV")),
            ("Алишер Каримов-Оглы", Some("Алишер Каримов-Оглы")),
            ("8600533364098829", None),
            ("ALI 8600", None),
            ("", None),
            ("   ", None),
            ("...", None),
            ("=CMD()", None),
        ] {
            assert_eq!(holder(text).as_deref(), name, "{text}");
        }
        assert_eq!(holder(&"A".repeat(65)), None);
    }
}
