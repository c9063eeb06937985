//! A database per test: a clone of the migrated template.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use shared::settings::Settings;
use uuid::Uuid;

use crate::environment::{PostgresUrls, environment};

/// A test's own database. [`Database::drop_now`] removes it.
pub struct Database {
    pub name: String,
    server: PostgresUrls,
}

impl Database {
    /// Clones the template.
    pub async fn create() -> Self {
        // Two clones at a time are fine; a clone while somebody is connected to the template is not, and nobody is.
        Self::create_on(&environment().postgres, "TEMPLATE wibe_template").await
    }

    /// Migrates an empty one on a server of the test's own. Needs the multi-threaded runtime.
    pub async fn migrate_on(server: &PostgresUrls) -> Self {
        let database = Self::create_on(server, "").await;
        let settings = Settings::from_vars(database.variables()).expect("valid settings");
        // In a task of its own: it blocks its thread.
        let migrated =
            tokio::spawn(async move { shared::migrate::migrate(&settings.database).await });
        migrated.await.expect("ends").expect("migrates");
        database
    }

    async fn create_on(server: &PostgresUrls, like: &str) -> Self {
        let database =
            Self { name: format!("t_{}", Uuid::now_v7().simple()), server: server.clone() };
        let create = format!("CREATE DATABASE {} OWNER wibe_owner {like}", database.name);
        database.admin().await.batch_execute(&create).await.expect("creates the database");
        database
    }

    /// A connection as the schema's owner.
    pub async fn owner(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.owner_url()).await.expect("the owner connects")
    }

    /// The owner's URL.
    pub fn owner_url(&self) -> String {
        format!("{}{}", self.server.owner, self.name)
    }

    /// The application role's URL.
    pub fn app_url(&self) -> String {
        format!("{}{}", self.server.app, self.name)
    }

    /// The variables that point a process at this database.
    pub fn variables(&self) -> HashMap<String, String> {
        HashMap::from([
            ("APP_ENV".to_owned(), "test".to_owned()),
            ("DATABASE_URL".to_owned(), self.app_url()),
            ("MIGRATION_DATABASE_URL".to_owned(), self.owner_url()),
        ])
    }

    /// One number, as the owner.
    pub async fn number(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let row: Number = diesel::sql_query(format!("SELECT ({sql})::bigint AS n"))
            .get_result(&mut self.owner().await)
            .await
            .expect(sql);
        row.n
    }

    /// One text per row, as the owner.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            t: String,
        }
        let rows: Vec<Line> = diesel::sql_query(format!("SELECT t::text FROM ({sql}) AS q (t)"))
            .load(&mut self.owner().await)
            .await
            .expect(sql);
        rows.into_iter().map(|row| row.t).collect()
    }

    /// Leaves the attempts' history with nothing but its default partition.
    pub async fn forget_ranges(&self) {
        self.execute(
            "DO $$ DECLARE part regclass; BEGIN
                 FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                             WHERE inhparent = 'job_attempts'::regclass AND inhrelid <> 'job_attempts_default'::regclass
                 LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
             END $$",
        )
        .await;
    }

    /// Runs statements as the owner.
    pub async fn execute(&self, sql: &str) {
        self.owner().await.batch_execute(sql).await.expect(sql);
    }

    /// Removes the database, connections or not.
    pub async fn drop_now(&self) {
        self.admin()
            .await
            .batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))
            .await
            .expect("drops the database");
    }

    /// A connection as the superuser, to the server and not to this database.
    pub async fn admin(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.server.admin).await.expect("the test server answers")
    }

    /// A connection as the superuser, to this database.
    pub async fn admin_here(&self) -> AsyncPgConnection {
        let server = self.server.admin.trim_end_matches("postgres");
        let url = format!("{server}{}", self.name);
        AsyncPgConnection::establish(&url).await.expect("the superuser connects")
    }
}
