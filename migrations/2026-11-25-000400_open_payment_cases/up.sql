-- What staff must look at: facts about money that no rule may decide. Safe on a live database: creates only.
CREATE TABLE payment_cases (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CONSTRAINT payment_cases_kind CHECK (kind IN (
                       'paid_twice', 'paid_late', 'failed_after_payment', 'paid_after_failure', 'refund_refused',
                       'refund_owed', 'payout_unanswered', 'not_recorded', 'disagreement')),
    provider       text NOT NULL,
    transaction_id uuid REFERENCES transactions (id),
    reference      text NOT NULL CONSTRAINT payment_cases_once UNIQUE,  -- one fact, one case
    details        jsonb NOT NULL DEFAULT '{}',
    opened_at      timestamptz NOT NULL DEFAULT app_now(),
    resolved_at    timestamptz,
    resolved_by    uuid REFERENCES users (id),
    note           text,
    CONSTRAINT payment_cases_resolved_whole CHECK (
        (resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (note IS NULL))
);
CREATE INDEX payment_cases_open        ON payment_cases (kind) WHERE resolved_at IS NULL;
CREATE INDEX payment_cases_opened      ON payment_cases (opened_at, id);
CREATE INDEX payment_cases_transaction ON payment_cases (transaction_id);
CREATE INDEX payment_cases_resolved_by ON payment_cases (resolved_by);
