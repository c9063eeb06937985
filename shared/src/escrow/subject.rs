//! A deal as a letter speaks of it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Escrow, Winner};
use crate::error::Result;
use crate::ids::EscrowId;
use crate::mail::templates::Subject;
use crate::schema::{escrows, listings};
use crate::{App, Conn};

impl Escrow {
    /// A deal, and what a letter about it is about.
    pub(crate) async fn with_subject(
        conn: &mut Conn,
        app: &App,
        id: EscrowId,
    ) -> Result<Option<(Self, Subject)>> {
        let row: Option<(Self, String, String)> = escrows::table
            .inner_join(listings::table.on(listings::id.eq(escrows::listing_id)))
            .filter(escrows::id.eq(id))
            .select((Self::as_select(), listings::listing_code, listings::title))
            .first(conn)
            .await
            .optional()?;
        Ok(row.map(|(escrow, code, title)| {
            let link = format!("{}/trade/{id}", app.settings.http.frontend_url);
            let price = escrow.amount;
            (escrow, Subject { code, title, price, link })
        }))
    }

    /// What staff wrote when they decided a dispute; nothing when they only named the winner.
    pub(crate) fn decision(&self) -> &str {
        let words = self.dispute_resolution.as_deref().unwrap_or_default();
        if Winner::parse(words).is_some() { "" } else { words }
    }
}
