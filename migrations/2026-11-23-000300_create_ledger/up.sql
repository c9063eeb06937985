-- The double-entry ledger: the only place where money is. Safe on a live database: creates only.
--
-- Signed entries: positive = we owe the owner more. Users and deals are liabilities (>= 0, locked,
-- running balance); provider clearing and revenue are hot, so they carry no balance at all: theirs is
-- the last snapshot plus the entries since. The sum of everything is zero.
CREATE SCHEMA ledger;

CREATE TABLE ledger.account (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN (
                   'user_available', 'user_withdrawal_hold', 'escrow',
                   'provider_clearing', 'commission_revenue', 'subscription_revenue', 'suspense', 'adjustment')),
    owner_id   uuid,
    code       text NOT NULL UNIQUE,
    currency   char(3) NOT NULL DEFAULT 'UZS',
    running    boolean NOT NULL,
    balance    numeric(18,2) NOT NULL DEFAULT 0,
    version    bigint NOT NULL DEFAULT 0,
    frozen_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT running_kinds CHECK (running = (kind IN ('user_available', 'user_withdrawal_hold', 'escrow'))),
    CONSTRAINT no_overdraft  CHECK (NOT running OR balance >= 0),
    CONSTRAINT derived_zero  CHECK (running OR (balance = 0 AND version = 0))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX account_owner_kind ON ledger.account (owner_id, kind, currency) WHERE owner_id IS NOT NULL;

CREATE TABLE ledger.journal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ref        text NOT NULL UNIQUE,  -- the business key of the effect: 'deposit:<id>', 'escrow_settle:<id>', …
    kind       text NOT NULL,
    currency   char(3) NOT NULL DEFAULT 'UZS',
    actor      text NOT NULL,         -- 'user:<uuid>', 'staff:<uuid>', 'job:<id>', 'provider:payme'
    reverses   bigint UNIQUE REFERENCES ledger.journal (id),
    meta       jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE ledger.entry (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id      bigint NOT NULL REFERENCES ledger.journal (id),
    account_id      bigint NOT NULL REFERENCES ledger.account (id),
    amount          numeric(18,2) NOT NULL CHECK (amount <> 0),
    balance_after   numeric(18,2),    -- running accounts only
    account_version bigint,           -- running accounts only
    xid             xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- the writer: gap-free roll-ups of derived accounts
    CONSTRAINT chain UNIQUE (account_id, account_version)
);
CREATE INDEX entry_journal ON ledger.entry (journal_id);
CREATE INDEX entry_account ON ledger.entry (account_id, xid);

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.journal
    EXECUTE FUNCTION public.forbid_change();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entry
    EXECUTE FUNCTION public.forbid_change();

-- Every INSERT statement into entry is balanced per journal (statement level: cheap).
CREATE FUNCTION ledger.assert_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows GROUP BY journal_id HAVING sum(amount) <> 0 OR count(*) < 2) THEN
        RAISE EXCEPTION 'unbalanced journal' USING ERRCODE = 'P0L02';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_balanced AFTER INSERT ON ledger.entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.assert_balanced();

-- Opens the account of a user or a deal, or returns the one that is there.
CREATE FUNCTION ledger.open_account(p_kind text, p_owner uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE opened bigint;
BEGIN
    IF p_kind NOT IN ('user_available', 'user_withdrawal_hold', 'escrow') THEN
        RAISE EXCEPTION 'only users and deals open accounts, not %', p_kind USING ERRCODE = 'P0L03';
    END IF;
    INSERT INTO account (kind, owner_id, code, running)
    VALUES (p_kind, p_owner,
            CASE p_kind WHEN 'escrow' THEN 'escrow:' || p_owner
                        WHEN 'user_available' THEN 'user:' || p_owner || ':available'
                        ELSE 'user:' || p_owner || ':withdrawal_hold' END, true)
    ON CONFLICT (code) DO NOTHING RETURNING id INTO opened;
    IF opened IS NULL THEN
        SELECT id INTO opened FROM account WHERE kind = p_kind AND owner_id = p_owner;
    END IF;
    RETURN opened;
END $$;

-- The only writer of money. p_codes[i] gets p_amounts[i].
-- Returns the journal id, or NULL and no effect when p_ref was posted before.
-- SQLSTATE: 23514 no_overdraft = not enough money; P0L02 malformed; P0L03 unknown, frozen or foreign account.
CREATE FUNCTION ledger.post(p_ref text, p_kind text, p_actor text, p_codes text[], p_amounts numeric[],
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

-- Derived accounts: a snapshot covers only transactions below the oldest one in flight, so no late commit is missed.
CREATE TABLE ledger.snapshot (
    account_id bigint NOT NULL REFERENCES ledger.account (id),
    up_to_xid  xid8 NOT NULL,  -- exclusive
    balance    numeric(30,2) NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, up_to_xid)
);

CREATE FUNCTION ledger.balance_of(p_code text) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN a.running THEN a.balance ELSE
        coalesce(s.balance, 0) + coalesce((SELECT sum(e.amount) FROM ledger.entry e
            WHERE e.account_id = a.id AND e.xid >= coalesce(s.up_to_xid, '0'::xid8)), 0) END
    FROM ledger.account a
    LEFT JOIN LATERAL (SELECT * FROM ledger.snapshot s WHERE s.account_id = a.id
                       ORDER BY up_to_xid DESC LIMIT 1) s ON true
    WHERE a.code = p_code $$;

CREATE FUNCTION ledger.roll_up() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    WITH horizon AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid),
    last AS (SELECT DISTINCT ON (account_id) account_id, up_to_xid, balance
             FROM snapshot ORDER BY account_id, up_to_xid DESC)
    INSERT INTO snapshot (account_id, up_to_xid, balance)
    SELECT a.id, h.xid, coalesce(l.balance, 0) + coalesce((SELECT sum(e.amount) FROM entry e
        WHERE e.account_id = a.id AND e.xid >= coalesce(l.up_to_xid, '0'::xid8) AND e.xid < h.xid), 0)
    FROM account a CROSS JOIN horizon h LEFT JOIN last l ON l.account_id = a.id
    WHERE NOT a.running AND (l.up_to_xid IS NULL OR l.up_to_xid < h.xid)
    ON CONFLICT DO NOTHING;
    -- A snapshot that a newer one of more than an hour replaces is read by nobody any more.
    DELETE FROM snapshot s USING snapshot newer
    WHERE newer.account_id = s.account_id AND newer.up_to_xid > s.up_to_xid AND newer.taken_at < now() - interval '1 hour' $$;

INSERT INTO ledger.account (kind, code, running) VALUES
    ('provider_clearing', 'provider:payme:clearing', false),
    ('provider_clearing', 'provider:click:clearing', false),
    ('provider_clearing', 'provider:paynet:clearing', false),
    ('provider_clearing', 'provider:uzcard:clearing', false),
    ('provider_clearing', 'provider:humo:clearing', false),
    ('commission_revenue', 'system:commission', false),
    ('subscription_revenue', 'system:subscription', false),
    ('suspense', 'system:suspense', false),
    ('adjustment', 'system:adjustment', false);

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
