//! How many messages may be caused: somebody else's phone is not to be rung all night, and an SMS costs money.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use super::model::Purpose;
use crate::error::{Code, Error, Result};
use crate::settings::SmsSettings;
use crate::statement::statement;
use crate::telemetry::metrics;
use crate::{Conn, Tx};

/// One code to a phone in this time.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(60);
/// What the other limits count in.
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// The limits, for the metrics.
pub(super) const LIMITS: [&str; 4] = ["pause", "phone", "ip", "platform"];

/// Of every so many messages of the platform's limit, one is kept for numbers that somebody has proved: strangers who use up
/// the rest keep nobody from signing in who has done so before.
const RESERVED: i64 = 5;

/// A message that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whereto.
    pub(super) phone: &'a str,
    /// What for: see [`Purpose::counted_with`].
    pub(super) purpose: Purpose,
    /// From where.
    pub(super) ip: Option<&'a str>,
}

/// What was sent in the last hour.
#[derive(QueryableByName)]
struct Sent {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = BigInt)]
    ip: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
    /// When the first of the hour leaves the window, at the earliest.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    phone_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ip_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    total_since: Option<DateTime<Utc>>,
    /// Whether somebody has proved the number.
    #[diesel(sql_type = Bool)]
    proven: bool,
}

/// Admits one more message to a phone, or says when to come back. What is counted cannot change before the transaction
/// ends. Those who are signed in are counted apart from strangers, by phone and by address.
///
/// # Errors
/// `RATE_LIMITED` with `retry_after`, whole seconds.
pub(super) async fn admit(tx: &mut Tx, settings: &SmsSettings, asked: Asked<'_>) -> Result<()> {
    // Whoever is over a limit is told without waiting, and without keeping others waiting.
    let now = tx.now();
    sent(tx, asked, now).await?.judge(settings, now)?;
    tx.one_at_a_time("accounts.codes").await?;
    sent(tx, asked, now).await?.judge(settings, now)
}

async fn sent(conn: &mut Conn, asked: Asked<'_>, now: DateTime<Utc>) -> Result<Sent> {
    let together: Vec<&str> =
        asked.purpose.counted_with().iter().map(|purpose| purpose.as_str()).collect();
    let sent = statement(
        "SELECT p.last, p.phone, p.phone_since, i.ip, i.ip_since, t.total, t.total_since,
                EXISTS (SELECT FROM users WHERE phone_number = $1 AND phone_verified_at IS NOT NULL AND deleted_at IS NULL) AS proven
         FROM (SELECT max(created_at) AS last, count(*) AS phone, min(created_at) AS phone_since
               FROM one_time_codes WHERE purpose = ANY ($4) AND phone_number = $1 AND created_at > $3) p,
              (SELECT count(*) AS ip, min(created_at) AS ip_since
               FROM one_time_codes WHERE purpose <> 'telegram' AND (user_id IS NULL) = ('sign_in' = ANY ($4))
                 AND ip = $2 AND created_at > $3) i,
              (SELECT count(*) AS total, min(created_at) AS total_since
               FROM one_time_codes WHERE purpose <> 'telegram' AND created_at > $3) t",
    )
    .bind::<Text, _>(asked.phone)
    .bind::<Nullable<Text>, _>(asked.ip)
    .bind::<Timestamptz, _>(now - WINDOW)
    .bind::<Array<Text>, _>(together)
    .get_result(conn)
    .await?;
    Ok(sent)
}

impl Sent {
    fn judge(&self, settings: &SmsSettings, now: DateTime<Utc>) -> Result<()> {
        let until =
            |since: Option<DateTime<Utc>>, length: TimeDelta| since.map_or(now, |at| at + length);
        let pause = until(self.last, PAUSE);
        let reserve = if self.proven { 0 } else { settings.codes_per_hour / RESERVED };
        let platform = settings.codes_per_hour - reserve;
        let over = [
            ("pause", pause > now, pause),
            ("phone", self.phone >= settings.codes_per_phone, until(self.phone_since, WINDOW)),
            ("ip", self.ip >= settings.codes_per_ip, until(self.ip_since, WINDOW)),
            ("platform", self.total >= platform, until(self.total_since, WINDOW)),
        ];
        match over.into_iter().find(|(_, over, _)| *over) {
            None => Ok(()),
            Some((limit, _, until)) => Err(refuse(limit, until - now)),
        }
    }
}

fn refuse(limit: &'static str, wait: TimeDelta) -> Error {
    metrics::CODES_LIMITED.with_label_values(&[limit]).inc();
    tracing::warn!(target: "accounts", limit, "no code was sent: a limit is reached");
    let millis = u64::try_from(wait.num_milliseconds()).unwrap_or(0);
    Error::new(Code::RateLimited).after(millis.div_ceil(1_000).max(1))
}
