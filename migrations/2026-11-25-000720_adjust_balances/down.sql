DROP FUNCTION ledger.freeze_account;

-- The only writer of money. p_codes[i] gets p_amounts[i].
-- Returns the journal id, or NULL and no effect when p_ref was posted before.
-- SQLSTATE: 23514 no_overdraft = not enough money; P0L02 malformed; P0L03 unknown, frozen or foreign account.
CREATE OR REPLACE FUNCTION ledger.post(p_ref text, p_kind text, p_actor text, p_codes text[], p_amounts numeric[],
                            p_meta jsonb DEFAULT '{}', p_currency text DEFAULT 'UZS')
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE posted bigint; known int; refused text;
BEGIN
    -- Function arguments lose their scale, so a third decimal is refused here, not rounded silently.
    IF cardinality(p_codes) < 2 OR cardinality(p_codes) <> cardinality(p_amounts)
       OR (SELECT count(DISTINCT c) FROM unnest(p_codes) c) <> cardinality(p_codes)
       OR EXISTS (SELECT 1 FROM unnest(p_amounts) x WHERE x IS NULL OR x <> round(x, 2))
       OR (SELECT sum(x) FROM unnest(p_amounts) x) <> 0 THEN
        RAISE EXCEPTION 'malformed posting %', p_ref USING ERRCODE = 'P0L02';
    END IF;
    -- 1. Claim the ref; waits for a concurrent poster of the same ref.
    INSERT INTO journal (ref, kind, currency, actor, meta) VALUES (p_ref, p_kind, p_currency, p_actor, p_meta)
        ON CONFLICT (ref) DO NOTHING RETURNING id INTO posted;
    IF posted IS NULL THEN RETURN NULL; END IF;
    -- 2. Lock the running accounts in ascending id order: one global order, no deadlock.
    PERFORM 1 FROM account WHERE code = ANY (p_codes) AND running ORDER BY id FOR NO KEY UPDATE;
    SELECT count(*), max(code) FILTER (WHERE currency <> p_currency OR frozen_at IS NOT NULL)
        INTO known, refused FROM account WHERE code = ANY (p_codes);
    IF known <> cardinality(p_codes) OR refused IS NOT NULL THEN
        RAISE EXCEPTION 'unknown, frozen or wrong-currency account %', coalesce(refused, array_to_string(p_codes, ', '))
            USING ERRCODE = 'P0L03';
    END IF;
    -- 3. Move balances (no_overdraft fires here) and append the entries, in one statement.
    WITH legs AS (
        SELECT a.id AS account_id, l.amount
        FROM unnest(p_codes, p_amounts) AS l (code, amount) JOIN account a ON a.code = l.code
    ), moved AS (
        UPDATE account a SET balance = a.balance + l.amount, version = a.version + 1
        FROM legs l WHERE a.id = l.account_id AND a.running
        RETURNING a.id, a.balance, a.version
    )
    INSERT INTO entry (journal_id, account_id, amount, balance_after, account_version)
    SELECT posted, l.account_id, l.amount, m.balance, m.version
    FROM legs l LEFT JOIN moved m ON m.id = l.account_id;
    RETURN posted;
END $$;

DROP TABLE adjustments;
