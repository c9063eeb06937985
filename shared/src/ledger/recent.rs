//! The invariants again, as questions about what is new: asked every minute, whatever the history weighs.
//!
//! `$1` is a lower bound for the ids of new entries, `$2` the transaction number at which they begin, `$3` a lower bound for
//! new journals, `$4` the time since when business rows changed. A violation that needs neither a posting nor a change
//! of a business row (somebody edits an old balance) is found by the night's check of everything.

use super::invariants::Invariant;

/// The entries that no earlier check has seen.
macro_rules! new_entries {
    ($columns:literal) => {
        concat!("SELECT ", $columns, " FROM ledger.entry WHERE id > $1 AND xid >= $2::xid8")
    };
}

/// Deals that changed, or whose money moved.
macro_rules! changed_deals {
    () => {
        concat!(
            "SELECT id FROM escrows WHERE updated_at > $4 UNION
             SELECT owner_id FROM ledger.account WHERE kind = 'escrow' AND id IN (",
            new_entries!("account_id"),
            ")"
        )
    };
}

/// The id that a reference names, if it names one.
macro_rules! id_of {
    ($prefix:literal) => {
        concat!(
            "CASE WHEN j.ref ~ '^",
            $prefix,
            ":[0-9a-f-]{36}$' THEN split_part(j.ref, ':', 2)::uuid END"
        )
    };
}

/// Wraps the query of the findings into its count and a sample.
macro_rules! recent {
    ($($name:literal: $findings:expr;)+) => {
        /// At least one question for each of the thirteen of the study.
        pub(super) const RECENT: &[(&str, &str)] = &[$((
            $name,
            concat!(
                "SELECT count(*) AS rows, coalesce(array_agg(finding) FILTER (WHERE nth <= 20), '{}') AS findings FROM (",
                "SELECT finding, row_number() OVER () AS nth FROM (", $findings, ") AS findings) AS numbered",
            ),
        )),+];
    };
}

recent! {
    "I1_conserved": concat!(
        "SELECT j.currency || ' ' || sum(e.amount) AS finding
         FROM (", new_entries!("journal_id, amount"), ") AS e JOIN ledger.journal j ON j.id = e.journal_id
         GROUP BY j.currency HAVING sum(e.amount) <> 0");

    "I2_balanced": concat!(
        "SELECT j.ref AS finding
         FROM ledger.journal j LEFT JOIN ledger.entry e ON e.journal_id = j.id
         WHERE j.id IN (SELECT id FROM ledger.journal WHERE id > $3 UNION ", new_entries!("journal_id"), ")
         GROUP BY j.id HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.id) < 2");

    "I3_running": concat!(
        "SELECT a.code AS finding
         FROM ledger.account a
         JOIN LATERAL (SELECT balance_after, account_version FROM ledger.entry e
                       WHERE e.account_id = a.id AND e.account_version IS NOT NULL
                       ORDER BY e.account_version DESC LIMIT 1) AS last ON true
         WHERE a.running AND a.id IN (", new_entries!("account_id"), ")
           AND (a.balance, a.version) IS DISTINCT FROM (last.balance_after, last.account_version)");

    "I4_chain": concat!(
        "SELECT 'account ' || e.account_id || ' version ' || e.account_version AS finding
         FROM (", new_entries!("*"), ") AS e
         LEFT JOIN ledger.entry p ON p.account_id = e.account_id AND p.account_version = e.account_version - 1
         WHERE e.account_version IS NOT NULL
           AND (e.balance_after < 0 OR e.balance_after <> coalesce(p.balance_after, 0) + e.amount
                OR (p.id IS NULL) <> (e.account_version = 1))");

    "I5_deal_held": concat!(
        "SELECT 'escrow:' || d.id || ' ' || d.status || ' ' || coalesce(a.balance, 0) AS finding
         FROM escrows d LEFT JOIN ledger.account a ON a.kind = 'escrow' AND a.owner_id = d.id
         WHERE d.id IN (", changed_deals!(), ")
           AND coalesce(a.balance, 0) <> CASE WHEN d.status IN ('paid', 'delivered', 'disputed') THEN d.amount ELSE 0 END");

    // The total follows from each deal's own account, if no account is without a deal.
    "I6_deals_total": concat!(
        "SELECT a.code AS finding
         FROM ledger.account a
         WHERE a.kind = 'escrow' AND a.id IN (", new_entries!("account_id"), ")
           AND NOT EXISTS (SELECT FROM escrows d WHERE d.id = a.owner_id)");

    "I7_deposit_posted":
        "SELECT t.id || ' ' || t.status AS finding
         FROM transactions t
         LEFT JOIN ledger.journal j ON j.ref = 'deposit:' || t.id
         LEFT JOIN ledger.entry e ON e.journal_id = j.id AND e.amount > 0
         WHERE t.updated_at > $4 AND t.type = 'deposit'
           AND ((t.status = 'completed') <> (j.id IS NOT NULL) OR (j.id IS NOT NULL AND e.amount IS DISTINCT FROM t.amount))";

    "I7_deposit_known": concat!(
        "SELECT j.ref AS finding
         FROM ledger.journal j
         WHERE j.id IN (", new_entries!("journal_id"), ") AND j.kind = 'deposit'
           AND NOT EXISTS (SELECT FROM transactions t WHERE t.type = 'deposit' AND t.id = ", id_of!("deposit"), ")");

    "I7_reversal_posted": concat!(
        "SELECT t.id::text AS finding
         FROM transactions t
         LEFT JOIN ledger.journal j ON j.ref = 'deposit_reversal:' || t.reverses_id
         LEFT JOIN ledger.entry e ON e.journal_id = j.id AND e.amount > 0
         WHERE t.updated_at > $4 AND t.type = 'refund' AND t.reverses_id IS NOT NULL
           AND (j.id IS NULL OR t.status <> 'completed' OR e.amount IS DISTINCT FROM t.amount)
         UNION ALL
         SELECT j.ref AS finding
         FROM ledger.journal j
         WHERE j.id IN (", new_entries!("journal_id"), ") AND j.kind = 'deposit_reversal'
           AND NOT EXISTS (SELECT FROM transactions t WHERE t.reverses_id = ", id_of!("deposit_reversal"), ")");

    "I7_multicard_agrees":
        "SELECT t.id || ' ' || t.status || ' with ' || p.postings || ' postings' AS finding
         FROM transactions t
         JOIN payment_methods m ON m.id = t.payment_method_id AND m.code IN ('uzcard', 'humo')
         CROSS JOIN LATERAL (
             SELECT count(*) AS postings, sum(e.amount) AS amount
             FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
             JOIN ledger.account a ON a.id = e.account_id AND a.code = 'provider:' || m.code || ':clearing'
             WHERE j.kind = 'deposit' AND j.ref = 'deposit:' || t.id) AS p
         WHERE t.updated_at > $4 AND t.type = 'deposit' AND t.status = 'completed'
           AND (p.postings <> 1 OR p.amount IS DISTINCT FROM -t.amount OR t.provider_transaction_id IS NULL
             OR NOT EXISTS (SELECT FROM multicard_invoices i WHERE i.transaction_id = t.id))";

    "I8_withdrawal_settled":
        "SELECT t.id || ' ' || t.status AS finding
         FROM transactions t
         LEFT JOIN ledger.journal h ON h.ref = 'withdraw_hold:' || t.id
         LEFT JOIN ledger.journal s ON s.ref = 'withdraw_settle:' || t.id
         WHERE t.updated_at > $4 AND t.type = 'withdrawal' AND (h.id IS NULL
            OR (t.status IN ('pending', 'processing') AND s.id IS NOT NULL)
            OR (t.status = 'completed' AND s.kind IS DISTINCT FROM 'withdraw_paid')
            OR (t.status IN ('failed', 'cancelled') AND s.kind IS DISTINCT FROM 'withdraw_released'))";

    "I9_withdrawals_held": concat!(
        "SELECT a.code || ' ' || a.balance AS finding
         FROM ledger.account a
         LEFT JOIN transactions t ON t.user_id = a.owner_id AND t.type = 'withdrawal' AND t.status IN ('pending', 'processing')
         WHERE a.kind = 'user_withdrawal_hold' AND a.id IN (", new_entries!("account_id"), ")
         GROUP BY a.id HAVING a.balance <> coalesce(sum(t.amount), 0)");

    "I10_deal_adds_up":
        "SELECT id::text AS finding
         FROM escrows
         WHERE updated_at > $4 AND (commission_amount < 0 OR seller_earnings < 0 OR buyer_refund < 0
            OR amount <> commission_amount + seller_earnings + buyer_refund)";

    "I11_deal_once": concat!(
        "SELECT d.id || ' ' || d.status AS finding
         FROM escrows d
         LEFT JOIN ledger.journal f ON f.ref = 'escrow_fund:' || d.id
         LEFT JOIN ledger.journal s ON s.ref = 'escrow_settle:' || d.id
         WHERE d.id IN (", changed_deals!(), ")
           AND ((d.status IN ('pending_payment', 'cancelled') AND f.id IS NOT NULL)
             OR (d.status IN ('paid', 'delivered', 'disputed') AND (f.id IS NULL OR s.id IS NOT NULL))
             OR (d.status IN ('confirmed', 'refunded') AND s.id IS NULL)
             OR (s.id IS NOT NULL AND f.id IS NULL))");

    "I12_provider_once":
        "SELECT DISTINCT m.code || ' ' || t.provider_transaction_id AS finding
         FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id
         JOIN transactions other ON other.payment_method_id = t.payment_method_id
          AND other.provider_transaction_id = t.provider_transaction_id AND other.id <> t.id
         WHERE t.updated_at > $4";

    "I13_listing_once":
        "SELECT DISTINCT d.listing_id::text AS finding
         FROM escrows d JOIN escrows other ON other.listing_id = d.listing_id AND other.id <> d.id
         WHERE d.updated_at > $4 AND d.status IN ('pending_payment', 'paid', 'delivered', 'disputed')
           AND other.status IN ('pending_payment', 'paid', 'delivered', 'disputed')";

    "I19_adjustment_posted": concat!(
        "SELECT a.id || ' ' || a.status AS finding
         FROM adjustments a
         LEFT JOIN ledger.journal j ON j.ref = 'adjustment:' || a.id
         LEFT JOIN ledger.entry e ON e.journal_id = j.id
          AND e.account_id = (SELECT id FROM ledger.account WHERE kind = 'user_available' AND owner_id = a.user_id)
         WHERE a.updated_at > $4
           AND ((a.status = 'approved') <> (j.id IS NOT NULL) OR (j.id IS NOT NULL AND e.amount IS DISTINCT FROM a.amount))
         UNION ALL
         SELECT j.ref AS finding
         FROM ledger.journal j
         WHERE j.id IN (", new_entries!("journal_id"), ") AND j.kind = 'adjustment'
           AND NOT EXISTS (SELECT FROM adjustments a WHERE a.id = ", id_of!("adjustment"), ")");
}

/// The promise of a question, which is the invariant's own.
pub(super) fn promise(name: &str, all: &'static [Invariant]) -> &'static str {
    all.iter().find(|invariant| invariant.name == name).map_or("", |invariant| invariant.promise)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::invariants::INVARIANTS;
    use super::*;

    #[test]
    fn each_of_the_thirteen_has_a_question_and_every_question_an_invariant() {
        let numbers: BTreeSet<&str> =
            RECENT.iter().filter_map(|(name, _)| name.split('_').next()).collect();
        for number in 1..=13 {
            assert!(
                numbers.contains(format!("I{number}").as_str()),
                "I{number} waits for the night"
            );
        }
        for (name, _) in RECENT {
            assert!(!promise(name, INVARIANTS).is_empty(), "{name} is no invariant");
        }
    }
}
