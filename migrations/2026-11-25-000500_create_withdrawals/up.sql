-- Withdrawals to cards, and Multicard's pages for deposits. Safe on a live database: new tables, one nullable column
-- without a default, and no row is read or rewritten.

-- When the password was last changed: money does not leave for a while after it.
ALTER TABLE users ADD COLUMN password_changed_at timestamptz;

-- The page a deposit is paid on.
CREATE TABLE multicard_invoices (
    transaction_id uuid PRIMARY KEY REFERENCES transactions (id),
    uuid           text NOT NULL UNIQUE CHECK (length(uuid) BETWEEN 1 AND 64),
    checkout_url   text NOT NULL,
    payment_uuid   text CHECK (length(payment_uuid) BETWEEN 1 AND 64),  -- heard of and not confirmed
    unanswered     integer NOT NULL DEFAULT 0 CHECK (unanswered >= 0),  -- questions in a row without an answer
    closed_at      timestamptz,                                         -- taken back: nobody can pay it any more
    created_at     timestamptz NOT NULL DEFAULT app_now(),
    updated_at     timestamptz NOT NULL DEFAULT app_now()
);

-- What a withdrawal is beyond its transaction. The card's number is sealed under a key of its own and wiped a month after
-- the end; what stays is its masked form and a keyed print that tells equal cards.
CREATE TABLE withdrawals (
    transaction_id     uuid PRIMARY KEY REFERENCES transactions (id),
    user_id            uuid NOT NULL REFERENCES users (id),
    card_type          text NOT NULL CHECK (card_type IN ('uzcard', 'humo')),
    card_holder_name   text NOT NULL,
    card_masked        text NOT NULL CHECK (card_masked ~ '^[0-9]{6}••••[0-9]{4}$'),
    card_print         bytea NOT NULL CHECK (octet_length(card_print) = 32),
    key_id             text NOT NULL,
    data_key           bytea,
    card_number        bytea,
    is_priority        boolean NOT NULL,
    not_before         timestamptz NOT NULL,  -- no payout before this
    approvals_needed   smallint NOT NULL CHECK (approvals_needed BETWEEN 0 AND 2),
    approved_by        uuid REFERENCES users (id),
    approved_at        timestamptz,
    second_approved_by uuid REFERENCES users (id),
    second_approved_at timestamptz,
    rejected_by        uuid REFERENCES users (id),
    reject_reason      text,
    sent_at            timestamptz,           -- it may have been sent since then
    provider_uuid      text CHECK (length(provider_uuid) BETWEEN 1 AND 64),
    unanswered         integer NOT NULL DEFAULT 0 CHECK (unanswered >= 0),  -- questions in a row without an answer
    last_answer        text,
    outcome_unknown_at timestamptz,           -- since then nobody knows whether it was paid
    settled_at         timestamptz,           -- the end, whatever it was
    wiped_at           timestamptz,
    created_at         timestamptz NOT NULL DEFAULT app_now(),
    updated_at         timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT withdrawals_card_until_wiped CHECK (
        (card_number IS NULL) = (wiped_at IS NOT NULL) AND (data_key IS NULL) = (wiped_at IS NOT NULL)),
    CONSTRAINT withdrawals_wiped_after_the_end CHECK (wiped_at IS NULL OR settled_at IS NOT NULL),
    CONSTRAINT withdrawals_approved_by_somebody CHECK (
        (approved_by IS NULL) = (approved_at IS NULL) AND (second_approved_by IS NULL) = (second_approved_at IS NULL)
        AND (second_approved_by IS NULL OR approved_by IS NOT NULL)),
    CONSTRAINT withdrawals_two_people CHECK (second_approved_by <> approved_by),
    CONSTRAINT withdrawals_not_by_themselves CHECK (
        approved_by <> user_id AND second_approved_by <> user_id AND rejected_by <> user_id),
    CONSTRAINT withdrawals_rejected_with_a_reason CHECK ((rejected_by IS NULL) = (reject_reason IS NULL)),
    CONSTRAINT withdrawals_sent_after_approval CHECK (
        sent_at IS NULL OR approvals_needed <= num_nonnulls(approved_by, second_approved_by))
);
CREATE INDEX withdrawals_user               ON withdrawals (user_id, card_print, created_at);
CREATE INDEX withdrawals_approved_by        ON withdrawals (approved_by);
CREATE INDEX withdrawals_second_approved_by ON withdrawals (second_approved_by);
CREATE INDEX withdrawals_rejected_by        ON withdrawals (rejected_by);
CREATE INDEX withdrawals_open               ON withdrawals (not_before) WHERE settled_at IS NULL;
CREATE INDEX withdrawals_unknown            ON withdrawals (outcome_unknown_at)
    WHERE outcome_unknown_at IS NOT NULL AND settled_at IS NULL;
CREATE INDEX withdrawals_to_wipe            ON withdrawals (settled_at) WHERE wiped_at IS NULL;
