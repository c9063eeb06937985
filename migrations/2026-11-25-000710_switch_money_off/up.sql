-- What stops money from leaving while the books are in doubt, and how far the minute's check of the ledger has come.
-- Safe on a live database: new tables, and two indexes that are built in one pass while reads go on.
CREATE TABLE platform_switches (
    name         text PRIMARY KEY CHECK (name IN ('withdrawals', 'releases')),
    off_at       timestamptz,                     -- none: it is on
    off_by       text,
    reason       text,
    findings     jsonb NOT NULL DEFAULT '[]',     -- what the ledger's check had found when it switched this off
    acknowledged jsonb NOT NULL DEFAULT '[]',     -- findings that staff knew of when they switched it on again
    updated_at   timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT platform_switches_off_has_author CHECK ((off_at IS NULL) = (off_by IS NULL)),
    CONSTRAINT platform_switches_off_has_reason CHECK (off_at IS NULL OR reason IS NOT NULL)
);
INSERT INTO platform_switches (name) VALUES ('withdrawals'), ('releases');

-- One row: where the next check begins. Every entry of a transaction at or above `horizon` has an id above `entry_floor`,
-- so that a range of the primary key finds all entries that a check has not seen, however late they were committed.
CREATE TABLE ledger_check_marks (
    id            boolean PRIMARY KEY DEFAULT true CHECK (id),
    horizon       bigint NOT NULL DEFAULT 0,       -- every transaction below has ended and was checked
    entry_floor   bigint NOT NULL DEFAULT 0,
    journal_floor bigint NOT NULL DEFAULT 0,
    next_xid      bigint NOT NULL DEFAULT 0,       -- at the last check: no transaction had this number yet
    last_entry    bigint NOT NULL DEFAULT 0,       -- at the last check: the newest entry that was seen
    last_journal  bigint NOT NULL DEFAULT 0,
    checked_at    timestamptz NOT NULL DEFAULT '1970-01-01Z',
    full_at       timestamptz,                     -- when everything was checked last
    violations    jsonb NOT NULL DEFAULT '{}'      -- rows by invariant: since the last full check
);
INSERT INTO ledger_check_marks DEFAULT VALUES;

CREATE INDEX transactions_updated ON transactions (updated_at);
CREATE INDEX escrows_updated      ON escrows (updated_at);
