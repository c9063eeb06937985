//! One database, asked as the owner of its schema over a connection that is made again when it has broken.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use shared::Tx;
use tokio::sync::Mutex;

/// The owner's connection.
pub(crate) struct Sql {
    url: String,
    held: Mutex<Option<AsyncPgConnection>>,
}

impl Sql {
    pub(crate) fn new(url: String) -> Self {
        Self { url, held: Mutex::new(None) }
    }

    /// One number; none is 0.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.try_number(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// One number, from a server that may be away.
    pub(crate) async fn try_number(&self, sql: &str) -> Result<i64, String> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let rows: Vec<Number> =
            self.rows(&format!("SELECT coalesce(({sql}), 0)::bigint AS n")).await?;
        Ok(rows.iter().map(|row| row.n).sum())
    }

    /// One text per row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            t: String,
        }
        let rows = self.rows(&format!("SELECT t::text FROM ({sql}) AS q (t)")).await;
        let rows: Vec<Line> = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().map(|row| row.t).collect()
    }

    /// Statements.
    pub(crate) async fn execute(&self, sql: &str) {
        let mut held = self.held.lock().await;
        let mut conn = self.connection(held.take()).await.expect("PostgreSQL answers");
        conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        *held = Some(conn);
    }

    async fn rows<R>(&self, sql: &str) -> Result<Vec<R>, String>
    where
        R: QueryableByName<diesel::pg::Pg> + Send + 'static,
    {
        let mut held = self.held.lock().await;
        let mut conn = self.connection(held.take()).await?;
        let rows =
            diesel::sql_query(sql).load(&mut conn).await.map_err(|error| error.to_string())?;
        *held = Some(conn);
        Ok(rows)
    }

    async fn connection(
        &self,
        held: Option<AsyncPgConnection>,
    ) -> Result<AsyncPgConnection, String> {
        match held {
            Some(conn) => Ok(conn),
            None => {
                AsyncPgConnection::establish(&self.url).await.map_err(|error| error.to_string())
            }
        }
    }
}

/// Writes an order down, in the transaction that records its job.
pub(crate) async fn write_order(tx: &mut Tx, key: &str) -> shared::Result<()> {
    diesel::sql_query("INSERT INTO test_orders (key) VALUES ($1)")
        .bind::<Text, _>(key)
        .execute(tx.conn())
        .await?;
    Ok(())
}
