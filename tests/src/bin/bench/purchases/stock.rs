//! What is for sale, and who can pay for it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use shared::ids::{SessionId, UserId};
use shared::testing::{self, NewListing, NewUser};
use shared::{App, Error, Money, Tx};
use uuid::Uuid;

use crate::ceiling::script::Known;
use crate::failure::{Attempt, Result};
use crate::servers::{Database, execute};

/// Sellers in all; everything is theirs in turns.
const SELLERS: usize = 50;
/// What one buyer buys, one after another.
const EACH_BUYER: usize = 10;
/// Buyers per transaction.
const BUYERS_AT_ONCE: usize = 10;
/// The price of everything, in UZS.
pub(super) const PRICE: i64 = 150_000;

/// The helper table: who buys what, by the number that pgbench counts up.
pub(crate) const SALES_TABLE: &str = "bench.sale";

/// A purchase that can be made.
#[derive(Clone)]
pub(crate) struct Sale {
    /// Its number.
    pub(crate) n: i32,
    pub(crate) listing: Uuid,
    listing_code: String,
    listed_at: DateTime<Utc>,
    seller: UserId,
    seller_session: SessionId,
    buyer: UserId,
    session: SessionId,
    /// The buyer's access token.
    pub(crate) token: String,
    /// The seller's.
    pub(crate) seller_token: String,
    /// What Payme will call the buyer's payment.
    pub(crate) payme_id: String,
    /// When Payme will say that it began, in milliseconds since the epoch.
    pub(crate) payme_time: i64,
}

impl Sale {
    /// What the API may send about it besides what it makes itself.
    pub(crate) fn known(&self) -> Known {
        Known {
            ids: vec![
                ("listing", self.listing),
                ("seller", self.seller.0),
                ("buyer", self.buyer.0),
                ("session", self.session.0),
                ("seller_session", self.seller_session.0),
            ],
            texts: vec![
                ("listing_code", self.listing_code.clone()),
                ("payme_id", self.payme_id.clone()),
                ("payme_time", self.payme_time.to_string()),
            ],
            // PostgreSQL counts from 2000.
            times: vec![("listed_at", self.listed_at.timestamp_micros() - 946_684_800_000_000)],
            numbers: vec![("payme_time", self.payme_time)],
        }
    }
}

/// Somebody who is signed in.
type Person = (UserId, SessionId, String);
/// Somebody who sells.
type Seller = Person;

/// The people and listings of a database.
pub(crate) struct Market {
    app: Arc<App>,
    sellers: Vec<Seller>,
    next: i32,
}

impl Market {
    /// Opens the market: its sellers, and nothing yet for sale.
    pub(crate) async fn open(app: Arc<App>) -> Result<Self> {
        let sellers = app
            .db
            .transaction(async |tx| {
                let mut sellers = Vec::new();
                for _ in 0..SELLERS {
                    sellers.push(signed_in(tx, &app).await?);
                }
                Ok(sellers)
            })
            .await
            .attempt("sellers are not made")?;
        Ok(Self { app, sellers, next: 1 })
    }

    /// Puts this many purchases within reach: listings, buyers who can pay for them, and their sessions.
    pub(crate) async fn stock(&mut self, count: usize) -> Result<Vec<Sale>> {
        let mut sales = Vec::with_capacity(count);
        while sales.len() < count {
            let more = (EACH_BUYER * BUYERS_AT_ONCE).min(count - sales.len());
            let (app, sellers, first) = (&self.app, &self.sellers, self.next);
            let made = app.db.transaction(async |tx| make(tx, app, sellers, first, more).await);
            sales.extend(made.await.attempt("listings are not made")?);
            self.next = first + i32::try_from(more).attempt("few")?;
        }
        Ok(sales)
    }
}

async fn make(
    tx: &mut Tx,
    app: &App,
    sellers: &[Seller],
    first: i32,
    count: usize,
) -> shared::Result<Vec<Sale>> {
    let mut sales = Vec::with_capacity(count);
    let mut buyer = None;
    for (place, n) in (0..count).zip(first..) {
        let (buyer, session, token) = match buyer.take() {
            Some(buyer) if place % EACH_BUYER != 0 => buyer,
            _ => buyer_with_money(tx, app).await?,
        };
        let turn = usize::try_from(n).unwrap_or(place) % sellers.len();
        let (seller, seller_session, seller_token) =
            sellers.get(turn).cloned().ok_or_else(|| Error::internal("no seller"))?;
        let listing =
            NewListing::of(seller).price(Money::from_soum(PRICE)).insert(tx, &app.vault).await?;
        sales.push(Sale {
            n,
            listing: listing.id.0,
            listing_code: listing.listing_code,
            listed_at: listing.created_at,
            seller,
            seller_session,
            buyer,
            session,
            token,
            seller_token,
            payme_id: Uuid::new_v4().simple().to_string().chars().take(24).collect(),
            payme_time: tx.now().timestamp_millis() + i64::from(n),
        });
    }
    Ok(sales)
}

/// Somebody who is signed in and can pay for everything they will buy.
async fn buyer_with_money(tx: &mut Tx, app: &App) -> shared::Result<Person> {
    let buyer = signed_in(tx, app).await?;
    let everything = i64::try_from(EACH_BUYER).unwrap_or(i64::MAX).saturating_mul(PRICE);
    testing::deposit(tx, buyer.0, Money::from_soum(everything)).await?;
    Ok(buyer)
}

async fn signed_in(tx: &mut Tx, app: &App) -> shared::Result<Person> {
    let (person, session) = (NewUser::new().insert(tx).await?.id, SessionId::new());
    diesel::sql_query("INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, app_now() + interval '30 days')")
        .bind::<SqlUuid, _>(session.0)
        .bind::<SqlUuid, _>(person.0)
        .execute(tx.conn())
        .await?;
    let token = app.tokens.access(person, session, tx.now())?;
    Ok((person, session, token))
}

/// Writes the helper table for pgbench: what the API is told by its client, and the ids it would make.
pub(crate) async fn tabulate(database: &Database, sales: &[Sale], new_ids: usize) -> Result<()> {
    let mut admin = database.admin().await?;
    let columns: String = (1..=new_ids).map(|id| format!(", new_{id} text NOT NULL")).collect();
    execute(
        &mut admin,
        &format!(
            "DROP SCHEMA IF EXISTS bench CASCADE;
             CREATE SCHEMA bench;
             CREATE TABLE {SALES_TABLE} (n int PRIMARY KEY, listing text, listing_code text, listed_at text, seller text,
                                         buyer text, session text, seller_session text, payme_id text, payme_time bigint{columns});
             GRANT USAGE ON SCHEMA bench TO PUBLIC;
             GRANT SELECT ON {SALES_TABLE} TO PUBLIC"
        ),
    )
    .await?;
    let made: String = (1..=new_ids)
        .map(|id| format!(", ($5::uuid[])[(s.place - 1) * {new_ids} + {id}]"))
        .collect();
    let sql = format!(
        "INSERT INTO {SALES_TABLE}
         SELECT s.n, l.id, l.listing_code, l.created_at, l.seller_id, s.buyer, s.session, s.seller_session, s.payme_id,
                s.payme_time{made}
         FROM unnest($1, $2, $3, $4, $6, $7, $8) WITH ORDINALITY
              AS s (n, listing, buyer, session, seller_session, payme_id, payme_time, place)
         JOIN listings l ON l.id = s.listing"
    );
    for chunk in sales.chunks(1_000) {
        // Made now, in the order of their use, as the API would make them.
        let ids: Vec<Uuid> = (0..chunk.len() * new_ids).map(|_| Uuid::now_v7()).collect();
        diesel::sql_query(&sql)
            .bind::<Array<Integer>, _>(chunk.iter().map(|sale| sale.n).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(chunk.iter().map(|sale| sale.listing).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(chunk.iter().map(|sale| sale.buyer.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(chunk.iter().map(|sale| sale.session.0).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Array<SqlUuid>, _>(
                chunk.iter().map(|sale| sale.seller_session.0).collect::<Vec<_>>(),
            )
            .bind::<Array<Text>, _>(
                chunk.iter().map(|sale| sale.payme_id.clone()).collect::<Vec<_>>(),
            )
            .bind::<Array<BigInt>, _>(chunk.iter().map(|sale| sale.payme_time).collect::<Vec<_>>())
            .execute(&mut admin)
            .await
            .attempt("the sales are not tabulated")?;
    }
    Ok(())
}
