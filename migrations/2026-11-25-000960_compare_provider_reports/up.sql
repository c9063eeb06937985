-- Safe on a live database: a new table, a nullable column, indexes of small tables, and a constraint that allows more than
-- the one before it: the previous release never writes what only the new one allows.

-- The nightly comparison with what a provider reports: one row per provider's report and business day (Asia/Tashkent).
CREATE TABLE provider_reports (
    source      text NOT NULL CHECK (source IN ('click', 'multicard')),
    day         date NOT NULL,
    comparisons integer NOT NULL DEFAULT 0 CHECK (comparisons >= 0),  -- that came to their end
    place       jsonb,                                                -- where the comparison that runs goes on
    compared    integer NOT NULL DEFAULT 0 CHECK (compared >= 0),     -- payments, by the comparison that ran last
    repaired    integer NOT NULL DEFAULT 0 CHECK (repaired >= 0),
    disagreed   integer NOT NULL DEFAULT 0 CHECK (disagreed >= 0),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (source, day),
    CONSTRAINT provider_reports_ended CHECK (finished_at IS NULL OR place IS NULL AND comparisons > 0)
);
CREATE INDEX provider_reports_open ON provider_reports (started_at) WHERE finished_at IS NULL;

-- When Multicard's history listed the payment that a deposit was credited for, and agreed.
ALTER TABLE multicard_invoices ADD COLUMN reported_at timestamptz;

-- The payments of a day.
CREATE INDEX click_payments_day     ON click_payments (prepared_at);
CREATE INDEX click_payments_paid    ON click_payments (confirmed_at) WHERE confirmed_at IS NOT NULL;
CREATE INDEX transactions_of_method ON transactions (payment_method_id, created_at) WHERE type = 'deposit';

-- A disagreement that is over is closed by the platform: without a person, with a note.
ALTER TABLE payment_cases DROP CONSTRAINT payment_cases_resolved_whole;
ALTER TABLE payment_cases ADD CONSTRAINT payment_cases_resolved_whole CHECK (
    (resolved_at IS NULL) = (note IS NULL) AND (resolved_by IS NULL OR resolved_at IS NOT NULL)
    AND (resolved_at IS NULL OR resolved_by IS NOT NULL OR kind IN ('disagreement', 'paid_twice'))) NOT VALID;
ALTER TABLE payment_cases VALIDATE CONSTRAINT payment_cases_resolved_whole;
