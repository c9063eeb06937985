-- Corrections by staff and frozen balances. Safe on a live database: creates, and one function that is replaced by one
-- that does the same and more.
CREATE TABLE adjustments (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id),
    amount         numeric(18,2) NOT NULL CHECK (amount <> 0),  -- positive: to the person
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    reference      text NOT NULL DEFAULT '' CHECK (length(reference) <= 200),
    status         text NOT NULL CHECK (status IN ('proposed', 'approved', 'rejected')),
    needs_review   boolean NOT NULL,                            -- above the limit: a second person decides
    proposed_by    uuid NOT NULL REFERENCES users (id),
    decided_by     uuid REFERENCES users (id),
    decision_note  text NOT NULL DEFAULT '',
    decided_at     timestamptz,
    transaction_id uuid UNIQUE REFERENCES transactions (id),
    created_at     timestamptz NOT NULL DEFAULT app_now(),
    updated_at     timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT adjustments_decided      CHECK ((status = 'proposed') = (decided_by IS NULL)
                                               AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT adjustments_booked       CHECK ((status = 'approved') = (transaction_id IS NOT NULL)),
    CONSTRAINT adjustments_two_people   CHECK (NOT needs_review OR status <> 'approved' OR decided_by <> proposed_by),
    CONSTRAINT adjustments_not_ones_own CHECK (user_id <> proposed_by AND user_id IS DISTINCT FROM decided_by)
);
CREATE INDEX adjustments_user        ON adjustments (user_id, created_at);
CREATE INDEX adjustments_proposed_by ON adjustments (proposed_by);
CREATE INDEX adjustments_decided_by  ON adjustments (decided_by);
CREATE INDEX adjustments_updated     ON adjustments (updated_at);
CREATE INDEX adjustments_open        ON adjustments (created_at) WHERE status = 'proposed';

-- The only writer of money. p_codes[i] gets p_amounts[i].
-- Returns the journal id, or NULL and no effect when p_ref was posted before.
-- SQLSTATE: 23514 no_overdraft = not enough money; P0L02 malformed; P0L03 unknown or foreign account; P0L04 frozen account.
-- Each posting has its line in the audit log, written here: money cannot move without it.
CREATE OR REPLACE FUNCTION ledger.post(p_ref text, p_kind text, p_actor text, p_codes text[], p_amounts numeric[],
                            p_meta jsonb DEFAULT '{}', p_currency text DEFAULT 'UZS')
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE posted bigint; known int; refused text; frozen text;
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
    -- A frozen account takes money in, whoever sends it, and its owner spends none of it. What its provider takes back
    -- and what staff correct is not the owner's spending.
    SELECT count(*), max(a.code) FILTER (WHERE a.currency <> p_currency),
           max(a.code) FILTER (WHERE a.frozen_at IS NOT NULL AND l.amount < 0 AND p_kind NOT IN ('deposit_reversal', 'adjustment'))
        INTO known, refused, frozen
        FROM unnest(p_codes, p_amounts) AS l (code, amount) JOIN account a ON a.code = l.code;
    IF known <> cardinality(p_codes) OR refused IS NOT NULL THEN
        RAISE EXCEPTION 'unknown or wrong-currency account %', coalesce(refused, array_to_string(p_codes, ', '))
            USING ERRCODE = 'P0L03';
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION 'frozen account %', frozen USING ERRCODE = 'P0L04';
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
    -- 4. Who moved what.
    INSERT INTO public.audit_log (actor_id, actor, action, object_type, object_id, details, request_id)
    VALUES ((SELECT u.id FROM public.users u
             WHERE u.id = CASE WHEN p_actor ~ '^(user|staff):[0-9a-f-]{36}$' THEN split_part(p_actor, ':', 2)::uuid END),
            p_actor, 'money.' || p_kind, 'journal', p_ref,
            (SELECT jsonb_object_agg(l.code, l.amount::text) FROM unnest(p_codes, p_amounts) AS l (code, amount)),
            p_meta ->> 'request_id');
    RETURN posted;
END $$;

-- Freezes or unfreezes what a person can spend; false when it was so before. Waits for postings that have the account.
-- Reached by whoever has USAGE on the schema: its owner and the application's role.
CREATE FUNCTION ledger.freeze_account(p_owner uuid, p_freeze boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE account SET frozen_at = CASE WHEN p_freeze THEN public.app_now() END
    WHERE kind = 'user_available' AND owner_id = p_owner AND (frozen_at IS NULL) = p_freeze;
    RETURN FOUND;
END $$;
