//! Click's Merchant API: what became of a payment, and its reversal (providers study, section 2.6).

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Method};
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use super::super::outside::{self, lost, read};
use super::failure::{Failure, judge};
use crate::Money;
use crate::error::Result as OurResult;
use crate::ids::TransactionId;
use crate::payments::reports::Theirs;
use crate::settings::{ClickApiSettings, ClickSettings, Secret};

/// A connection is waited for at most this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Click's Merchant API, as one process speaks to it.
pub struct ClickApi {
    http: Client,
    service_id: String,
    secret: Secret,
    settings: ClickApiSettings,
}

/// What Click says about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The number by which Click reverses it.
    pub number: i64,
    /// Where it is.
    pub standing: Theirs,
    /// How much, where Click says so.
    pub amount: Option<Money>,
    /// The order, where Click says so.
    pub order: Option<String>,
}

/// A payment of ours, as Click is asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What its payer was asked for.
    pub order: TransactionId,
    /// The days on which it may have been made, in Tashkent.
    pub days: Vec<NaiveDate>,
    /// Click's number of the payment.
    pub click_trans_id: i64,
    /// The number that the payer is shown.
    pub click_paydoc_id: Option<i64>,
}

impl Wanted {
    /// Whether Click's answer is about this payment. Click does not say which of its two numbers the Merchant API means.
    pub(super) fn is(&self, told: &Told) -> bool {
        told.number == self.click_trans_id || Some(told.number) == self.click_paydoc_id
    }
}

impl ClickApi {
    /// A client, if Click has opened the API to us; connects to nothing yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub(crate) fn new(settings: &ClickSettings) -> OurResult<Option<Self>> {
        let Some(api) = &settings.api else { return Ok(None) };
        Ok(Some(Self {
            http: outside::client(CONNECT_TIMEOUT.min(api.timeout), api.timeout)?,
            service_id: settings.service_id.clone(),
            secret: settings.secret_key.clone(),
            settings: api.clone(),
        }))
    }

    /// What Click says about a payment of ours; none when Click does not know it.
    pub(super) async fn find(
        &self,
        at: DateTime<Utc>,
        wanted: &Wanted,
    ) -> Result<Option<Told>, Failure> {
        for day in &wanted.days {
            if let Some(told) = self.of_order(at, wanted.order, *day).await?
                && wanted.is(&told)
            {
                return Ok(Some(told));
            }
        }
        self.by_numbers(at, wanted).await
    }

    /// The same by the payment's own numbers.
    pub(super) async fn by_numbers(
        &self,
        at: DateTime<Utc>,
        wanted: &Wanted,
    ) -> Result<Option<Told>, Failure> {
        for number in wanted.click_paydoc_id.into_iter().chain([wanted.click_trans_id]) {
            let order = wanted.order.to_string();
            let path = format!("payment/status/{}/{number}", self.service_id);
            let told = self.ask(at, "payment_status", &path).await?;
            if let Some(told) = told.map(|data| Told::expect(&data)).transpose()?
                && told.order.as_ref().is_none_or(|named| named.eq_ignore_ascii_case(&order))
            {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    /// What Click says about an order on a day; none when nobody paid it then.
    pub(super) async fn of_order(
        &self,
        at: DateTime<Utc>,
        order: TransactionId,
        day: NaiveDate,
    ) -> Result<Option<Told>, Failure> {
        let path = format!("payment/status_by_mti/{}/{order}/{day}", self.service_id);
        let Some(mut data) = self.ask(at, "status_by_mti", &path).await? else { return Ok(None) };
        if !data.contains_key("payment_status") {
            let number = integer(&data, "payment_id").ok_or_else(Failure::unreadable)?;
            let path = format!("payment/status/{}/{number}", self.service_id);
            let more = self.ask(at, "payment_status", &path).await?;
            let more = more
                .ok_or_else(|| Failure::Unknown("a payment that is there and is not".to_owned()))?;
            data.extend(more);
        }
        let told = Told::expect(&data)?;
        match &told.order {
            Some(named) if !named.eq_ignore_ascii_case(&order.to_string()) => {
                Err(Failure::Unknown("an answer about another order".to_owned()))
            }
            Some(_) | None => Ok(Some(told)),
        }
    }

    /// Gives a payment back whole.
    pub(super) async fn reverse(&self, at: DateTime<Utc>, number: i64) -> Result<(), Failure> {
        let path = format!("payment/reversal/{}/{number}", self.service_id);
        self.send(at, "reversal", Method::DELETE, &path).await.map(drop)
    }

    async fn ask(
        &self,
        at: DateTime<Utc>,
        name: &'static str,
        path: &str,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        match self.send(at, name, Method::GET, path).await {
            Ok(data) => Ok(Some(data)),
            Err(Failure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn send(
        &self,
        at: DateTime<Utc>,
        name: &'static str,
        method: Method,
        path: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let started = Instant::now();
        let answer = self.sent(at, method, path).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(_) | Err(Failure::NotFound) => {
                tracing::info!(target: "payments", call = name, elapsed_ms, "Click answered");
            }
            Err(failure) => {
                tracing::warn!(target: "payments", call = name, elapsed_ms, %failure, "no answer from Click");
            }
        }
        answer
    }

    async fn sent(
        &self,
        at: DateTime<Utc>,
        method: Method,
        path: &str,
    ) -> Result<Map<String, Value>, Failure> {
        let url = format!("{}/{path}", self.settings.base_url);
        let auth = auth(&self.settings.user_id, &self.secret, at)?;
        let request = self.http.request(method, url).header("Auth", auth);
        let response = request.header(ACCEPT, "application/json").send().await;
        let response = response.map_err(|error| lost(&error))?;
        let status = response.status().as_u16();
        judge(status, &read(response).await?)
    }
}

/// Who asks: `{user}:{sha1(time + key)}:{time}`. SHA-1 is Click's choice.
fn auth(user: &str, secret: &Secret, at: DateTime<Utc>) -> Result<HeaderValue, Failure> {
    let time = at.timestamp().to_string();
    let digest = Sha1::digest(format!("{time}{}", secret.expose()));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut header = HeaderValue::try_from(format!("{user}:{digest}:{time}"))
        .ok()
        .ok_or_else(|| Failure::NotSent("a user that cannot be written".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

impl Told {
    /// Reads one, or says that the answer decides nothing.
    fn expect(data: &Map<String, Value>) -> Result<Self, Failure> {
        let standing = match integer(data, "payment_status").ok_or_else(Failure::unreadable)? {
            2 => Theirs::Paid,
            0 | 1 => Theirs::Open,
            ..0 => Theirs::Undone,
            3.. => return Err(Failure::unreadable()),
        };
        let order = data.get("merchant_trans_id").and_then(Value::as_str);
        Ok(Self {
            number: integer(data, "payment_id").ok_or_else(Failure::unreadable)?,
            standing,
            amount: data.get("amount").and_then(amount),
            order: order.map(str::to_owned),
        })
    }
}

/// Soum, as a text or a number, never through a float.
fn amount(value: &Value) -> Option<Money> {
    match value {
        Value::String(text) => Money::parse(text),
        Value::Number(number) => Money::parse(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn integer(data: &Map<String, Value>, name: &str) -> Option<i64> {
    match data.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Providers study, section 9.
    #[test]
    fn the_digest_is_what_click_documents() {
        let at = DateTime::from_timestamp(1_519_051_543, 0).expect("a time");
        let header = auth("7", &Secret::new("clickSecretKey01"), at).expect("a header");
        let expected = "7:c9a8f24876da35e7291d73560e7f1ea0fd8dd236:1519051543";
        assert_eq!(header, expected);
        assert!(!format!("{header:?}").contains("c9a8"), "it opens the door for a while");
    }

    #[test]
    fn an_answer_is_read_whole_or_not_at_all() {
        let read = |data: Value| match data {
            Value::Object(data) => Told::expect(&data).ok(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        };
        for (status, standing) in [
            (json!(2), Some(Theirs::Paid)),
            (json!("2"), Some(Theirs::Paid)),
            (json!(1), Some(Theirs::Open)),
            (json!(0), Some(Theirs::Open)),
            (json!(-1), Some(Theirs::Undone)),
            (json!(-99), Some(Theirs::Undone)),
            (json!(3), None),
            (json!(2.5), None),
            (json!(null), None),
            (json!("paid"), None),
        ] {
            let told = read(json!({ "payment_id": 5, "payment_status": status }));
            assert_eq!(told.map(|told| told.standing), standing, "{status}");
        }
        assert_eq!(read(json!({ "payment_status": 2 })), None);
        for (amount, soum) in [
            (json!("50000.00"), Some(50_000)),
            (json!("50000"), Some(50_000)),
            (json!(50_000), Some(50_000)),
            (json!("much"), None),
            (json!(-1), None),
        ] {
            let told = json!({ "payment_id": 5, "payment_status": 2, "amount": amount });
            let told = read(told).expect("whole");
            assert_eq!(told.amount, soum.map(Money::from_soum), "{amount}");
        }
    }
}
