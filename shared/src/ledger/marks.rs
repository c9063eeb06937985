//! How far the ledger is checked, so that each minute reads what is new and nothing else.
//!
//! Ids are given out before their transactions commit, so "everything above the newest id" loses what is committed late.
//! What cannot be late is a transaction number below the oldest one still at work: all of those have ended. So a check
//! covers the entries whose transaction was at work, or not begun, at the check before; and the id of the newest entry
//! that was seen when none of those had begun is a lower bound for their ids, which makes it a range of the primary key.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::statement::statement;
use crate::{Conn, Tx};

/// Rows of the business tables carry the time their transaction began. None of ours lives nearly as long: statements end
/// after 5 s, idle transactions after 10 s, jobs after a minute.
const LATEST_COMMIT: TimeDelta = TimeDelta::minutes(10);

/// Where a check begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Marks {
    /// Every transaction below has ended and was checked.
    #[diesel(sql_type = BigInt)]
    pub horizon: i64,
    /// No entry of any other transaction has this id or a smaller one.
    #[diesel(sql_type = BigInt)]
    pub entry_floor: i64,
    /// The same for journals.
    #[diesel(sql_type = BigInt)]
    pub journal_floor: i64,
    /// No transaction had this number yet.
    #[diesel(sql_type = BigInt)]
    next_xid: i64,
    #[diesel(sql_type = BigInt)]
    last_entry: i64,
    #[diesel(sql_type = BigInt)]
    last_journal: i64,
    #[diesel(sql_type = Timestamptz)]
    checked_at: DateTime<Utc>,
}

/// What a check's snapshot sees.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(super) struct Seen {
    #[diesel(sql_type = BigInt)]
    oldest_xid: i64,
    #[diesel(sql_type = BigInt)]
    next_xid: i64,
    #[diesel(sql_type = BigInt)]
    last_entry: i64,
    #[diesel(sql_type = BigInt)]
    last_journal: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl Marks {
    /// The marks of the last check.
    pub(super) async fn read(conn: &mut Conn) -> Result<Self> {
        let marks = statement(
            "SELECT horizon, entry_floor, journal_floor, next_xid, last_entry, last_journal, checked_at FROM ledger_check_marks",
        );
        Ok(marks.get_result(conn).await?)
    }

    /// The beginning of time.
    const START: Self = Self {
        horizon: 0,
        entry_floor: 0,
        journal_floor: 0,
        next_xid: 0,
        last_entry: 0,
        last_journal: 0,
        checked_at: DateTime::UNIX_EPOCH,
    };

    /// These, unless the transactions were numbered anew since (a restored dump): then all is checked again.
    pub(super) fn for_snapshot(self, seen: Seen) -> Self {
        if seen.next_xid < self.horizon { Self::START } else { self }
    }

    /// Business rows that changed later than this are looked at.
    pub(super) fn since(&self) -> DateTime<Utc> {
        self.checked_at.checked_sub_signed(LATEST_COMMIT).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Where the check after this one begins.
    pub(super) fn after(self, seen: Seen) -> Self {
        // Whatever is not below the new horizon had not begun at the last check, so its ids are above what was seen then.
        let all_begun_later = seen.oldest_xid >= self.next_xid;
        let (entry_floor, journal_floor) = if all_begun_later {
            (self.last_entry, self.last_journal)
        } else {
            (self.entry_floor, self.journal_floor)
        };
        Self {
            horizon: seen.oldest_xid,
            entry_floor,
            journal_floor,
            next_xid: seen.next_xid,
            last_entry: seen.last_entry,
            last_journal: seen.last_journal,
            checked_at: seen.at,
        }
    }

    /// Keeps them, unless a later check has kept its own.
    pub(super) async fn save(self, tx: &mut Tx) -> Result<()> {
        statement(
            "UPDATE ledger_check_marks SET horizon = $1, entry_floor = $2, journal_floor = $3, next_xid = $4,
                    last_entry = $5, last_journal = $6, checked_at = $7
             WHERE checked_at <= $7",
        )
        .bind::<BigInt, _>(self.horizon)
        .bind::<BigInt, _>(self.entry_floor)
        .bind::<BigInt, _>(self.journal_floor)
        .bind::<BigInt, _>(self.next_xid)
        .bind::<BigInt, _>(self.last_entry)
        .bind::<BigInt, _>(self.last_journal)
        .bind::<Timestamptz, _>(self.checked_at)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl Seen {
    /// What the transaction of this connection sees: call it in a snapshot.
    pub(super) async fn read(conn: &mut Conn) -> Result<Self> {
        let seen = statement(
            "SELECT pg_snapshot_xmin(s.now)::text::bigint AS oldest_xid, pg_snapshot_xmax(s.now)::text::bigint AS next_xid,
                    (SELECT coalesce(max(id), 0) FROM ledger.entry) AS last_entry,
                    (SELECT coalesce(max(id), 0) FROM ledger.journal) AS last_journal,
                    app_now() AS at
             FROM (SELECT pg_current_snapshot() AS now) AS s",
        );
        Ok(seen.get_result(conn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(oldest_xid: i64, next_xid: i64, last_entry: i64) -> Seen {
        Seen { oldest_xid, next_xid, last_entry, last_journal: 0, at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn the_floor_rises_only_when_nobody_from_before_is_at_work() {
        let first = Marks::START.after(seen(100, 110, 40));
        assert_eq!((first.horizon, first.entry_floor), (100, 0), "transaction 100 may own any id");
        // 100 is still at work: its entries may have any id above the floor.
        let second = first.after(seen(100, 150, 60));
        assert_eq!((second.horizon, second.entry_floor), (100, 0));
        // 120 had not begun at the first check, but had at the second.
        let third = second.after(seen(120, 160, 70));
        assert_eq!((third.horizon, third.entry_floor), (120, 0));
        let fourth = third.after(seen(160, 160, 80));
        assert_eq!((fourth.horizon, fourth.entry_floor), (160, 70));
    }

    #[test]
    fn after_a_restore_everything_is_checked_again() {
        let marks = Marks::START.after(seen(1_000, 1_000, 40)).after(seen(1_000, 1_000, 50));
        assert_eq!(marks.for_snapshot(seen(1_200, 1_200, 60)), marks);
        assert_eq!(marks.for_snapshot(seen(800, 800, 50)), Marks::START);
    }
}
