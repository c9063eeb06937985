//! What must always be true of money, as queries that find where it is not (reliability study, section 2.6).
//!
//! Each query selects one text column, `finding`; no row means that the invariant holds. The numbers are the study's.

/// One invariant.
pub(super) struct Invariant {
    /// Its name: `ledger_invariant_violations{invariant}`.
    pub name: &'static str,
    /// What it promises.
    pub promise: &'static str,
    /// Counts the findings and shows some of them.
    pub sql: &'static str,
}

/// Wraps the query of the findings into its count and a sample of twenty.
macro_rules! invariants {
    ($($name:literal: $promise:literal, $findings:literal;)+) => {
        /// All of them.
        pub(super) const INVARIANTS: &[Invariant] = &[$(Invariant {
            name: $name,
            promise: $promise,
            sql: concat!(
                "SELECT count(*) AS rows, coalesce(array_agg(finding) FILTER (WHERE nth <= 20), '{}') AS findings FROM (",
                "SELECT finding, row_number() OVER () AS nth FROM (", $findings, ") AS findings) AS numbered",
            ),
        }),+];
    };
}

invariants! {
    "I1_conserved": "the entries of each currency sum to zero",
    "SELECT j.currency || ' ' || sum(e.amount) AS finding
     FROM ledger.entry e JOIN ledger.journal j ON j.id = e.journal_id
     GROUP BY j.currency HAVING sum(e.amount) <> 0";

    "I2_balanced": "every journal has at least two entries and sums to zero",
    "SELECT j.ref AS finding
     FROM ledger.journal j LEFT JOIN ledger.entry e ON e.journal_id = j.id
     GROUP BY j.id HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.id) < 2";

    "I3_running": "a running balance is the sum of its entries and its version their number",
    "SELECT a.code AS finding
     FROM ledger.account a LEFT JOIN ledger.entry e ON e.account_id = a.id
     WHERE a.running
     GROUP BY a.id HAVING a.balance <> coalesce(sum(e.amount), 0) OR a.version <> count(e.id)";

    "I4_chain": "each account's chain of balances is unbroken and never negative",
    "SELECT 'account ' || account_id || ' version ' || account_version AS finding
     FROM (SELECT account_id, account_version, amount, balance_after,
                  lag(balance_after, 1, 0::numeric) OVER chain AS balance_before,
                  lag(account_version, 1, 0::bigint) OVER chain AS version_before
           FROM ledger.entry WHERE account_version IS NOT NULL
           WINDOW chain AS (PARTITION BY account_id ORDER BY account_version)) AS steps
     WHERE balance_after <> balance_before + amount OR account_version <> version_before + 1 OR balance_after < 0";

    "I5_deal_held": "a deal's account holds exactly its amount while it is open and paid, and nothing otherwise",
    "SELECT 'escrow:' || d.id || ' ' || d.status || ' ' || coalesce(a.balance, 0) AS finding
     FROM escrows d LEFT JOIN ledger.account a ON a.kind = 'escrow' AND a.owner_id = d.id
     WHERE coalesce(a.balance, 0) <> CASE WHEN d.status IN ('paid', 'delivered', 'disputed') THEN d.amount ELSE 0 END";

    "I6_deals_total": "all deals' accounts together hold the sum of the open paid deals",
    "SELECT held || ' instead of ' || due AS finding
     FROM (SELECT (SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE kind = 'escrow') AS held,
                  (SELECT coalesce(sum(amount), 0) FROM escrows WHERE status IN ('paid', 'delivered', 'disputed')) AS due) AS totals
     WHERE held <> due";

    "I7_deposit_posted": "a deposit is completed exactly when it is posted, with its amount",
    "SELECT t.id || ' ' || t.status AS finding
     FROM transactions t
     LEFT JOIN ledger.journal j ON j.ref = 'deposit:' || t.id
     LEFT JOIN ledger.entry e ON e.journal_id = j.id AND e.amount > 0
     WHERE t.type = 'deposit'
       AND ((t.status = 'completed') <> (j.id IS NOT NULL) OR (j.id IS NOT NULL AND e.amount IS DISTINCT FROM t.amount))";

    "I7_deposit_known": "every posted deposit is a deposit that somebody made",
    "SELECT j.ref AS finding
     FROM ledger.journal j
     WHERE j.kind = 'deposit' AND NOT EXISTS (SELECT 1 FROM transactions t WHERE t.type = 'deposit' AND 'deposit:' || t.id = j.ref)";

    "I7_reversal_posted": "a deposit taken back by its provider is a refund and a posting, both or neither",
    "SELECT coalesce(t.id::text, j.ref) AS finding
     FROM (SELECT * FROM transactions WHERE type = 'refund' AND reverses_id IS NOT NULL) AS t
     FULL JOIN (SELECT * FROM ledger.journal WHERE kind = 'deposit_reversal') AS j ON j.ref = 'deposit_reversal:' || t.reverses_id
     LEFT JOIN ledger.entry e ON e.journal_id = j.id AND e.amount > 0
     WHERE t.id IS NULL OR j.id IS NULL OR t.status <> 'completed' OR e.amount IS DISTINCT FROM t.amount";

    "I7_payme_agrees": "Payme's view of a deposit and ours are the same",
    "SELECT p.id || ' ' || p.state || ' of ' || t.id || ' ' || t.status AS finding
     FROM payme_transactions p
     JOIN transactions t ON t.id = p.transaction_id
     LEFT JOIN transactions r ON r.reverses_id = t.id
     WHERE t.type <> 'deposit' OR p.amount_tiyin <> t.amount * 100
        OR (p.state = 1) AND t.status <> 'processing'
        OR (p.state IN (2, -2)) AND (t.status <> 'completed' OR t.provider_transaction_id IS DISTINCT FROM p.id)
        OR (p.state = -1) AND t.status <> 'cancelled'
        OR (p.state = -2) AND r.id IS NULL
        OR (p.state <> -2) AND r.id IS NOT NULL AND NOT r.metadata ? 'refunded_by_staff'
     UNION ALL
     SELECT t.id || ' completed without Payme' AS finding
     FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id AND m.code = 'payme'
     WHERE t.type = 'deposit' AND t.status = 'completed'
       AND NOT EXISTS (SELECT 1 FROM payme_transactions p WHERE p.transaction_id = t.id AND p.state IN (2, -2))";

    "I7_paynet_agrees": "Paynet's view of a deposit and ours are the same",
    "SELECT p.id || ' ' || p.state || ' of ' || t.id || ' ' || t.status AS finding
     FROM paynet_transactions p
     JOIN transactions t ON t.id = p.transaction_id
     LEFT JOIN transactions r ON r.reverses_id = t.id
     WHERE t.type <> 'deposit' OR p.amount_tiyin <> t.amount * 100
        OR t.status <> 'completed' OR t.provider_transaction_id IS DISTINCT FROM p.id::text
        OR (p.state = 2) AND r.id IS NULL
        OR (p.state <> 2) AND r.id IS NOT NULL AND NOT r.metadata ? 'refunded_by_staff'
     UNION ALL
     SELECT t.id || ' ' || t.status || ' without Paynet' AS finding
     FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id AND m.code = 'paynet'
     WHERE t.type = 'deposit' AND t.status IN ('processing', 'completed')
       AND NOT EXISTS (SELECT 1 FROM paynet_transactions p WHERE p.transaction_id = t.id)";
    "I7_click_agrees": "Click's view of a deposit and ours are the same",
    "SELECT c.prepare_id || ' ' || c.state || ' of ' || t.id || ' ' || t.status AS finding
     FROM click_payments c
     JOIN transactions t ON t.id = c.transaction_id
     LEFT JOIN transactions paid ON paid.id = c.credited_id
     WHERE t.type <> 'deposit' OR c.amount <> t.amount
        OR (c.state = 'prepared') AND t.status NOT IN ('processing', 'completed')
        OR (c.state = 'confirmed') AND (paid.type <> 'deposit' OR paid.status <> 'completed' OR paid.amount <> c.amount
            OR paid.user_id <> t.user_id OR paid.provider_transaction_id IS DISTINCT FROM c.click_trans_id::text)
     UNION ALL
     SELECT t.id || ' ' || t.status || ' without Click' AS finding
     FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id AND m.code = 'click'
     WHERE t.type = 'deposit'
       AND ((t.status = 'completed') <> EXISTS (SELECT 1 FROM click_payments c WHERE c.credited_id = t.id)
         OR (t.status = 'processing') AND NOT EXISTS (
             SELECT 1 FROM click_payments c WHERE c.transaction_id = t.id AND c.state = 'prepared'))";

    "I7_multicard_agrees": "a deposit by card that was credited has its page, its payment, and one posting with its amount",
    "SELECT t.id || ' ' || t.status || ' with ' || p.postings || ' postings' AS finding
     FROM transactions t
     JOIN payment_methods m ON m.id = t.payment_method_id AND m.code IN ('uzcard', 'humo')
     CROSS JOIN LATERAL (
         SELECT count(*) AS postings, sum(e.amount) AS amount
         FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
         JOIN ledger.account a ON a.id = e.account_id AND a.code = 'provider:' || m.code || ':clearing'
         WHERE j.kind = 'deposit' AND j.ref = 'deposit:' || t.id) AS p
     WHERE t.type = 'deposit' AND t.status = 'completed'
       AND (p.postings <> 1 OR p.amount IS DISTINCT FROM -t.amount OR t.provider_transaction_id IS NULL
         OR NOT EXISTS (SELECT FROM multicard_invoices i WHERE i.transaction_id = t.id))
     UNION ALL
     SELECT i.uuid || ' is a page of ' || t.id || ' ' || t.type AS finding
     FROM multicard_invoices i
     JOIN transactions t ON t.id = i.transaction_id
     LEFT JOIN payment_methods m ON m.id = t.payment_method_id
     WHERE t.type <> 'deposit' OR m.code IS NULL OR m.code NOT IN ('uzcard', 'humo')";

    "I8_withdrawal_settled": "a withdrawal is held while it is open, and settled once the way it ended",
    "SELECT t.id || ' ' || t.status AS finding
     FROM transactions t
     LEFT JOIN ledger.journal h ON h.ref = 'withdraw_hold:' || t.id
     LEFT JOIN ledger.journal s ON s.ref = 'withdraw_settle:' || t.id
     WHERE t.type = 'withdrawal' AND (h.id IS NULL
        OR (t.status IN ('pending', 'processing') AND s.id IS NOT NULL)
        OR (t.status = 'completed' AND s.kind IS DISTINCT FROM 'withdraw_paid')
        OR (t.status IN ('failed', 'cancelled') AND s.kind IS DISTINCT FROM 'withdraw_released'))";

    "I9_withdrawals_held": "what is held of a person is what their open withdrawals promise",
    "SELECT a.code || ' ' || a.balance AS finding
     FROM ledger.account a
     LEFT JOIN transactions t ON t.user_id = a.owner_id AND t.type = 'withdrawal' AND t.status IN ('pending', 'processing')
     WHERE a.kind = 'user_withdrawal_hold'
     GROUP BY a.id HAVING a.balance <> coalesce(sum(t.amount), 0)";

    "I10_deal_adds_up": "a deal's amount is commission, earnings and refund",
    "SELECT id::text AS finding
     FROM escrows
     WHERE commission_amount < 0 OR seller_earnings < 0 OR buyer_refund < 0
        OR amount <> commission_amount + seller_earnings + buyer_refund";

    "I11_deal_once": "a deal is funded before it is settled, each at most once, and a closed paid deal is settled",
    "SELECT d.id || ' ' || d.status AS finding
     FROM escrows d
     LEFT JOIN ledger.journal f ON f.ref = 'escrow_fund:' || d.id
     LEFT JOIN ledger.journal s ON s.ref = 'escrow_settle:' || d.id
     WHERE (d.status IN ('pending_payment', 'cancelled') AND f.id IS NOT NULL)
        OR (d.status IN ('paid', 'delivered', 'disputed') AND (f.id IS NULL OR s.id IS NOT NULL))
        OR (d.status IN ('confirmed', 'refunded') AND s.id IS NULL)
        OR (s.id IS NOT NULL AND f.id IS NULL)";

    "I12_provider_once": "one transaction of a provider is one of ours",
    "SELECT m.code || ' ' || t.provider_transaction_id AS finding
     FROM transactions t JOIN payment_methods m ON m.id = t.payment_method_id
     WHERE t.provider_transaction_id IS NOT NULL
     GROUP BY m.code, t.provider_transaction_id HAVING count(*) > 1";

    "I13_listing_once": "a listing is in one open deal at most",
    "SELECT listing_id::text AS finding
     FROM escrows
     WHERE status IN ('pending_payment', 'paid', 'delivered', 'disputed')
     GROUP BY listing_id HAVING count(*) > 1";

    "I18_period_paid_once": "a period of a subscription that costs something is one payment, one transaction and one posting",
    "SELECT coalesce(ref, 'a payment without a reference') AS finding
     FROM (SELECT p ->> 'reference' AS ref, 'period' AS fact, (p ->> 'amount')::numeric AS amount, s.user_id AS payer
           FROM user_subscriptions s CROSS JOIN LATERAL jsonb_array_elements(s.payment_history) AS p
           WHERE (p ->> 'amount')::numeric <> 0
           UNION ALL
           SELECT metadata ->> 'reference', CASE WHEN status = 'completed' THEN 'transaction' ELSE status END, amount, user_id
           FROM transactions WHERE type = 'subscription'
           UNION ALL
           SELECT j.ref, 'posting', -e.amount, a.owner_id
           FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
           JOIN ledger.account a ON a.id = e.account_id AND a.kind = 'user_available'
           WHERE j.kind = 'subscription') AS facts
     GROUP BY ref
     HAVING count(*) <> 3 OR count(*) FILTER (WHERE fact IN ('period', 'transaction', 'posting')) <> 3
         OR count(DISTINCT fact) <> 3 OR min(amount) <> max(amount) OR count(DISTINCT payer) <> 1";

    "I18_periods_in_order": "the paid periods of a subscription begin one after the other, and each of them ends",
    "SELECT id || ' ' || period_start AS finding
     FROM (SELECT s.id, (p.payment ->> 'period_start')::timestamptz AS period_start,
                  (p.payment ->> 'period_end')::timestamptz AS period_end,
                  lead((p.payment ->> 'period_start')::timestamptz) OVER (PARTITION BY s.id ORDER BY p.nth) AS next_start
           FROM user_subscriptions s
           CROSS JOIN LATERAL jsonb_array_elements(s.payment_history) WITH ORDINALITY AS p (payment, nth)) AS paid
     WHERE period_end <= period_start OR next_start <= period_start";
    "I19_adjustment_posted": "a correction by staff is posted exactly when it is approved, with its amount",
    "SELECT a.id || ' ' || a.status AS finding
     FROM adjustments a
     LEFT JOIN ledger.journal j ON j.ref = 'adjustment:' || a.id
     LEFT JOIN ledger.entry e ON e.journal_id = j.id
      AND e.account_id = (SELECT id FROM ledger.account WHERE kind = 'user_available' AND owner_id = a.user_id)
     WHERE (a.status = 'approved') <> (j.id IS NOT NULL) OR (j.id IS NOT NULL AND e.amount IS DISTINCT FROM a.amount)
     UNION ALL
     SELECT j.ref AS finding
     FROM ledger.journal j
     WHERE j.kind = 'adjustment' AND NOT EXISTS (SELECT FROM adjustments a WHERE 'adjustment:' || a.id = j.ref)";
}

/// The invariants that say "a balance is the sum of its entries".
pub(super) const WALLET_INVARIANTS: &[&str] = &["I3_running", "I4_chain"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{INVARIANTS, WALLET_INVARIANTS};

    #[test]
    fn the_thirteen_of_the_study_are_all_here_and_more() {
        let numbers: BTreeSet<&str> =
            INVARIANTS.iter().filter_map(|invariant| invariant.name.split('_').next()).collect();
        let expected: BTreeSet<String> = (1..=13).map(|number| format!("I{number}")).collect();
        assert!(numbers.is_superset(&expected.iter().map(String::as_str).collect()));
        let names: BTreeSet<&str> = INVARIANTS.iter().map(|invariant| invariant.name).collect();
        assert_eq!(names.len(), INVARIANTS.len(), "names are labels");
        assert!(WALLET_INVARIANTS.iter().all(|name| names.contains(name)));
    }
}
