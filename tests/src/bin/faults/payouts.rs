//! The oracle's part about withdrawals: the acquirer's own books go into a table, and SQL compares them with ours.

use std::collections::BTreeSet;

use crate::load::{Books, open};
use crate::oracle::{Expected, Verdict, count};
use crate::world::World;

/// What the acquirer says it has sent to cards, in UZS.
const TABLE: &str = "DROP TABLE IF EXISTS test_payouts;
    CREATE TABLE test_payouts (reference text NOT NULL, uuid text NOT NULL, amount numeric NOT NULL, paid boolean NOT NULL);";

/// Withdrawals that have no end, or not the one that was expected.
const WITHOUT_END: &str = "SELECT t.id || ' is ' || t.status || coalesce(': ' || w.last_answer, '')
    FROM withdrawals w JOIN transactions t ON t.id = w.transaction_id WHERE w.settled_at IS NULL";

/// What is completed is paid, under the id and with the amount that we have noted; what is not completed is not paid.
const DISAGREEMENT: &str = "SELECT coalesce(p.reference, t.id::text) || ' ' || coalesce(t.status, 'unknown to us')
           || CASE WHEN p.reference IS NULL THEN ' and never paid' ELSE ' and paid' END
    FROM (SELECT t.*, w.provider_uuid FROM withdrawals w JOIN transactions t ON t.id = w.transaction_id) t
    FULL JOIN (SELECT * FROM test_payouts WHERE paid) p ON p.reference = t.id::text
    WHERE (t.status = 'completed') IS DISTINCT FROM (p.reference IS NOT NULL)
       OR p.reference IS NOT NULL AND (p.amount <> t.amount OR p.uuid IS DISTINCT FROM t.provider_uuid)";

/// Money is held once when a withdrawal is taken on, and leaves or comes back once when it ends, whole.
const UNEXPLAINED: &str = "SELECT t.id || ' ' || t.status FROM withdrawals w JOIN transactions t ON t.id = w.transaction_id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE j.ref LIKE 'withdraw_hold:%' AND a.kind = 'user_withdrawal_hold' AND e.amount = t.amount) AS held,
               count(*) FILTER (WHERE j.kind = 'withdraw_paid' AND a.kind = 'provider_clearing' AND e.amount = t.amount) AS paid,
               count(*) FILTER (WHERE j.kind = 'withdraw_released' AND a.kind = 'user_available' AND e.amount = t.amount) AS released,
               count(*) AS legs
        FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id JOIN ledger.account a ON a.id = e.account_id
        WHERE j.ref IN ('withdraw_hold:' || t.id, 'withdraw_settle:' || t.id)) l ON true
    WHERE l.held <> 1 OR l.legs <> 4
       OR l.paid <> (t.status = 'completed')::int OR l.released <> (t.status = 'failed')::int";

/// One payout per withdrawal and one end for each; whatever was unknown has been found out; the ledger explains all.
pub(crate) async fn judge(
    verdict: &mut Verdict,
    world: &World,
    books: &Books,
    expected: &Expected,
) {
    write_down(world).await;
    let twice = "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM test_payouts WHERE paid GROUP BY reference) q";
    verdict.duplicated += world.sql.number(twice).await;
    let known = world.sql.texts("SELECT transaction_id FROM withdrawals").await;
    let known: BTreeSet<String> = known.into_iter().collect();
    verdict.lost += count(open(&books.withdrawn).difference(&known).count());
    verdict.none(world, "a withdrawal without an end", WITHOUT_END).await;
    verdict
        .none(world, "a withdrawal that we and the acquirer tell differently", DISAGREEMENT)
        .await;
    verdict.none(world, "a withdrawal that the ledger does not explain", UNEXPLAINED).await;
    let held =
        "SELECT code FROM ledger.account WHERE kind = 'user_withdrawal_hold' AND balance <> 0";
    verdict.none(world, "money that is held for no withdrawal", held).await;
    if !expected.refused {
        let failed =
            "SELECT id FROM transactions WHERE type = 'withdrawal' AND status <> 'completed'";
        verdict.none(world, "a withdrawal that was not paid", failed).await;
    }
}

/// The acquirer's books, as rows.
async fn write_down(world: &World) {
    world.sql.execute(TABLE).await;
    let rows: Vec<String> = world
        .providers
        .multicard()
        .payouts()
        .iter()
        .map(|payout| {
            let paid = payout.status == sandbox::Status::Success;
            format!(
                "('{}', '{}', {} / 100.0, {paid})",
                payout.invoice_id, payout.uuid, payout.amount
            )
        })
        .collect();
    if !rows.is_empty() {
        world.sql.execute(&format!("INSERT INTO test_payouts VALUES {}", rows.join(", "))).await;
    }
}
