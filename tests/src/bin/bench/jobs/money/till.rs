//! Who is paid, and whether they were: the people, the jobs that pay them, and the books afterwards.

use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use shared::App;
use shared::jobs::JobKind;
use shared::testing::NewUser;
use uuid::Uuid;

use crate::failure::{Attempt, Result};
use crate::jobs::kinds::Pay;
use crate::servers::{Database, number};

/// Enough people that two jobs of the same instant seldom pay the same one.
const PEOPLE: usize = 1_000;
/// People per transaction.
const PEOPLE_AT_ONCE: usize = 100;
/// Jobs per recording transaction.
const CHUNK: usize = 5_000;

/// How jobs are recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for tomorrow, as a deposit's job waits.
    DueTomorrow,
    /// Handed out already, as pgbench's claim expects them.
    HandedOut,
}

/// A payment to make, and the job that makes it.
#[derive(Clone, Copy)]
pub(super) struct Payment {
    pub(super) job: i64,
    pub(super) payment: Uuid,
    pub(super) user: Uuid,
}

/// The people of a database, and how many payments they are to have had.
pub(super) struct Till<'a> {
    pub(super) database: &'a Database,
    app: App,
    people: Vec<Uuid>,
    paid: usize,
}

impl<'a> Till<'a> {
    /// Opens everybody's account.
    pub(super) async fn open(database: &'a Database) -> Result<Self> {
        let app = Database::app(database.variables())?;
        let mut people = Vec::with_capacity(PEOPLE);
        while people.len() < PEOPLE {
            let made = app.db.transaction(async |tx| {
                let mut made = Vec::with_capacity(PEOPLE_AT_ONCE);
                for _ in 0..PEOPLE_AT_ONCE {
                    made.push(NewUser::new().insert(tx).await?.id.0);
                }
                Ok(made)
            });
            people.extend(made.await.attempt("people are not made")?);
        }
        Ok(Self { database, app, people, paid: 0 })
    }

    /// Records jobs for new payments; their rows follow one another.
    pub(super) async fn record(&mut self, count: usize, state: State) -> Result<Vec<Payment>> {
        #[derive(diesel::QueryableByName)]
        struct Recorded {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            id: i64,
        }
        let mut admin = self.database.admin().await?;
        let mut payments: Vec<Payment> = Vec::with_capacity(count);
        while payments.len() < count {
            let chunk: Vec<(Uuid, Uuid)> = (payments.len()..count.min(payments.len() + CHUNK))
                .map(|nth| {
                    let user = self.people.get((self.paid + nth) % PEOPLE).copied();
                    (Uuid::now_v7(), user.unwrap_or_default())
                })
                .collect();
            let (keys, users): (Vec<Uuid>, Vec<Uuid>) = chunk.iter().copied().unzip();
            let rows: Vec<Recorded> = diesel::sql_query(
                "INSERT INTO jobs (kind, queue, args, max_attempts, run_at, state, dispatch_gen, dispatched_at)
                 SELECT $1, $2, jsonb_build_object('payment', p.payment, 'user', p.person), 12,
                        CASE WHEN $5 THEN app_now() ELSE app_now() + interval '1 day' END,
                        CASE WHEN $5 THEN 'dispatched' ELSE 'pending' END,
                        CASE WHEN $5 THEN 1 ELSE 0 END, CASE WHEN $5 THEN now() END
                 FROM unnest($3, $4) WITH ORDINALITY AS p (payment, person, nth) ORDER BY nth
                 RETURNING id",
            )
            .bind::<Text, _>(Pay::KIND)
            .bind::<Text, _>(Pay::QUEUE.as_str())
            .bind::<Array<SqlUuid>, _>(keys)
            .bind::<Array<SqlUuid>, _>(users)
            .bind::<Bool, _>(state == State::HandedOut)
            .load(&mut admin)
            .await
            .attempt("payments are not recorded")?;
            payments.extend(rows.iter().zip(chunk).map(|(row, (payment, user))| Payment {
                job: row.id,
                payment,
                user,
            }));
        }
        self.paid += count;
        let rows = payments.iter().zip(payments.iter().skip(1));
        if rows.into_iter().any(|(one, next)| next.job != one.job + 1) {
            return Err("somebody else records jobs".to_owned());
        }
        Ok(payments)
    }

    /// Fails unless everybody was paid everything once, and the books agree; says what was found.
    pub(super) async fn check(&self) -> Result<String> {
        let mut admin = self.database.admin().await?;
        let journals = format!("ledger.journal WHERE kind = '{}'", Pay::KIND);
        let paid = i64::try_from(self.paid).attempt("few")?;
        let figures = [
            (format!("SELECT count(*) FROM {journals}"), paid, "postings"),
            (format!("SELECT count(DISTINCT ref) FROM {journals}"), paid, "keys of postings"),
            (
                format!("SELECT count(*) FROM ledger.entry e WHERE journal_id IN (SELECT id FROM {journals})"),
                2 * paid,
                "legs",
            ),
            ("SELECT coalesce(sum(amount), 0) FROM ledger.entry".to_owned(), 0, "sum of the ledger"),
            (
                "SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE kind = 'user_available'".to_owned(),
                paid * Pay::AMOUNT,
                "sum of what people have",
            ),
        ];
        for (sql, wanted, what) in figures {
            let found = number(&mut admin, &sql).await?;
            if found != wanted {
                return Err(format!("{what}: {found} instead of {wanted}"));
            }
        }
        let violations =
            shared::ledger::check(&self.app.db).await.attempt("the ledger is not checked")?;
        if let Some(violation) = violations.into_iter().next() {
            return Err(format!("the ledger is violated: {violation}"));
        }
        Ok(format!(
            "after {paid} payments of both sides: none lost, none made twice, the ledger sums to 0, every invariant of it holds"
        ))
    }
}
