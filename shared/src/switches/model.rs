//! The row of a switch.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::schema::platform_switches;
use crate::text_enum::text_enum;
use crate::{Conn, Tx};

text_enum! {
    /// What can be switched off.
    Switch {
        /// Money to cards.
        Withdrawals = "withdrawals",
        /// Money of deals to their sellers.
        Releases = "releases",
    }
}

/// A switch as it stands.
#[derive(Clone, Debug, HasQuery, Identifiable, AsChangeset)]
#[diesel(table_name = platform_switches, primary_key(name), treat_none_as_null = true)]
pub struct SwitchRow {
    /// Which.
    pub name: Switch,
    /// Off since then; on when there is none.
    pub off_at: Option<DateTime<Utc>>,
    /// Who switched it off.
    pub off_by: Option<String>,
    /// Why it was switched last.
    pub reason: Option<String>,
    /// What the ledger's check had found then.
    pub findings: Value,
    /// Findings that staff knew of when they switched it on: they do not switch it off again.
    pub acknowledged: Value,
    /// Switched last at.
    pub updated_at: DateTime<Utc>,
}

impl SwitchRow {
    /// Locks one.
    pub(super) async fn lock(tx: &mut Tx, switch: Switch) -> Result<Self> {
        let row = Self::query().filter(platform_switches::name.eq(switch)).for_no_key_update();
        Ok(row.first(tx.conn()).await?)
    }

    pub(super) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(platform_switches::table.find(self.name))
            .set(self)
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

/// Refuses what is switched off.
///
/// # Errors
/// `SWITCHED_OFF`, with the switch's name in `details.switch`.
pub async fn ensure_on(conn: &mut Conn, switch: Switch) -> Result<()> {
    let off = platform_switches::table
        .filter(platform_switches::name.eq(switch).and(platform_switches::off_at.is_not_null()));
    if diesel::select(exists(off)).get_result(conn).await? {
        return Err(Error::new(Code::SwitchedOff).fact("switch", switch.as_str().into()));
    }
    Ok(())
}

/// All switches, by name.
///
/// # Errors
/// The database's.
pub async fn all(conn: &mut Conn) -> Result<Vec<SwitchRow>> {
    Ok(SwitchRow::query().order(platform_switches::name).load(conn).await?)
}
