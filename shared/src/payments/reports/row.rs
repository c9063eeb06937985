//! `provider_reports`: how far the comparison with a provider's report of a day is, and what it came to.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Date, Text};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Tx;
use crate::error::{Error, Result};
use crate::schema::provider_reports;
use crate::statement::statement;
use crate::text_enum::text_enum;

text_enum! {
    /// Whose report.
    Source {
        /// Click's, payment by payment.
        Click = "click",
        /// Multicard's history of our store.
        Multicard = "multicard",
    }
}

/// A row of `provider_reports`.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = provider_reports)]
pub(in crate::payments) struct Report {
    /// Whose.
    pub source: Source,
    /// Of which day in Tashkent.
    pub day: NaiveDate,
    /// Comparisons that came to their end.
    pub comparisons: i32,
    /// Where this one goes on.
    place: Option<Value>,
    /// Payments that were looked at.
    pub compared: i32,
    /// Payments that a job mends.
    pub repaired: i32,
    /// Payments that staff decide about.
    pub disagreed: i32,
    /// When this comparison began.
    pub started_at: DateTime<Utc>,
}

impl Report {
    /// Begins a comparison, or goes on with one that has not come to its end.
    pub(super) async fn begin(tx: &mut Tx, source: Source, day: NaiveDate) -> Result<()> {
        statement(
            "INSERT INTO provider_reports AS r (source, day, started_at) VALUES ($1, $2, app_now())
             ON CONFLICT (source, day) DO UPDATE
             SET compared = 0, repaired = 0, disagreed = 0, started_at = excluded.started_at, finished_at = NULL
             WHERE r.finished_at IS NOT NULL",
        )
        .bind::<Text, _>(source)
        .bind::<Date, _>(day)
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// A comparison that has not come to its end.
    pub(in crate::payments) async fn running(
        tx: &mut Tx,
        source: Source,
        day: NaiveDate,
    ) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(provider_reports::source.eq(source))
            .filter(provider_reports::day.eq(day))
            .filter(provider_reports::finished_at.is_null())
            .first(tx.conn())
            .await
            .optional()?)
    }

    /// Where it goes on; none at its beginning. A place that an older release wrote in another form is the beginning.
    pub(in crate::payments) fn place<P: DeserializeOwned>(&self) -> Option<P> {
        self.place.clone().and_then(|place| serde_json::from_value(place).ok())
    }

    /// Keeps what was found, and where it goes on; without a place it has come to its end.
    pub(super) async fn save<P: Serialize>(&self, tx: &mut Tx, place: Option<&P>) -> Result<()> {
        let ended = i32::from(place.is_none());
        let finished_at = place.is_none().then_some(tx.now());
        let place = place.map(serde_json::to_value).transpose().map_err(Error::internal)?;
        diesel::update(provider_reports::table.find((self.source, self.day)))
            .set((
                provider_reports::compared.eq(self.compared),
                provider_reports::repaired.eq(self.repaired),
                provider_reports::disagreed.eq(self.disagreed),
                provider_reports::comparisons.eq(self.comparisons.saturating_add(ended)),
                provider_reports::place.eq(place),
                provider_reports::finished_at.eq(finished_at),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}
