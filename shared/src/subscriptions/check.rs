//! The hourly look at every subscription: ends without a timer get one, owners are reminded before the end, and what
//! nobody ends is ended. Safe to run any number of times.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::jobs::{AutoRenewSubscription, SendSubscriptionExpiringSoon};
use super::renew::end_lost;
use crate::Tx;
use crate::error::{Error, Result};
use crate::ids::{SubscriptionId, UserId};
use crate::jobs::{Origin, Scanned, enqueue};
use crate::settings::SubscriptionSettings;
use crate::statement::statement;

/// The most subscriptions one run looks at, of each sort; the rest is the next run's.
const SCAN_MAX: usize = 500;

/// How operators call the scan.
pub(crate) const SWEEP: &str = "subscription_renew";

/// Ends that have come without a live timer. A dead or cancelled timer counts as present (`stuck`): somebody must look at
/// it, and another would only die as well. Nothing is locked here: the timer locks and decides again.
const DUE: &str =
    "SELECT s.id, s.end_date, k.stuck FROM user_subscriptions s
     CROSS JOIN LATERAL (SELECT 'subscription_renew:' || s.id || ':'
                         || to_char(s.end_date AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS name) AS n
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM jobs j WHERE j.unique_key = n.name AND j.state IN ('dead', 'cancelled')) AS stuck) AS k
     WHERE s.status IN ('active', 'cancelled') AND s.end_date <= app_now()
     AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = n.name AND j.state IN ('pending', 'dispatched', 'running'))
     ORDER BY k.stuck, s.end_date LIMIT 500";

/// Marks those whose end is near and who have not been told of it. Whoever is held is told by the next run.
const REMIND: &str =
    "UPDATE user_subscriptions SET reminded_for = end_date, updated_at = app_now() WHERE id IN (
         SELECT id FROM user_subscriptions
         WHERE status IN ('active', 'cancelled') AND end_date > app_now() AND end_date <= app_now() + make_interval(secs => $1)
         AND reminded_for IS DISTINCT FROM end_date
         ORDER BY end_date LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED)
     RETURNING id, user_id, end_date";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    id: SubscriptionId,
    #[diesel(sql_type = Timestamptz)]
    end_date: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    stuck: bool,
}

#[derive(QueryableByName)]
struct Near {
    #[diesel(sql_type = SqlUuid)]
    id: SubscriptionId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
    #[diesel(sql_type = Timestamptz)]
    end_date: DateTime<Utc>,
}

/// How much of what was to be looked at one run saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// All of it.
    All,
    /// A full batch: there is more.
    More,
}

/// Looks at every subscription that is near its end or past it.
///
/// # Errors
/// The database's.
pub async fn check(tx: &mut Tx, settings: &SubscriptionSettings) -> Result<Checked> {
    tx.caused_by(Origin::Reconciler);
    let due: Vec<Due> = statement(DUE).load(tx.conn()).await?;
    let mut scanned = Scanned::new(SWEEP, SCAN_MAX);
    for ended in &due {
        scanned.saw(ended.id, ended.stuck);
        if ended.stuck {
            end_lost(tx, ended.id).await?;
        }
    }
    scanned.report();
    let seconds = i64::try_from(settings.remind_before.as_secs()).map_err(Error::internal)?;
    let near: Vec<Near> = statement(REMIND).bind::<BigInt, _>(seconds).load(tx.conn()).await?;
    for Due { id, end_date, .. } in due.iter().filter(|ended| !ended.stuck) {
        let timer = AutoRenewSubscription { user_subscription_id: *id, period_end: *end_date };
        enqueue(tx, &timer).await?;
    }
    for Near { id, user_id, end_date } in &near {
        let letter = SendSubscriptionExpiringSoon {
            user_id: *user_id,
            user_subscription_id: *id,
            period_end: *end_date,
        };
        enqueue(tx, &letter).await?;
    }
    let full =
        near.len() >= SCAN_MAX || due.iter().filter(|ended| !ended.stuck).count() >= SCAN_MAX;
    Ok(if full { Checked::More } else { Checked::All })
}
