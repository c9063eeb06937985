-- Money in and out as people see it; the ledger is the truth behind it. Safe on a live database: creates only.
CREATE TABLE payment_methods (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    code       text NOT NULL UNIQUE,
    icon       text NOT NULL DEFAULT '',
    is_active  boolean NOT NULL DEFAULT true,
    config     jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT app_now(),
    updated_at timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE transactions (
    id                      uuid PRIMARY KEY,
    user_id                 uuid NOT NULL REFERENCES users (id),
    amount                  numeric(18,2) NOT NULL CHECK (amount > 0),
    currency                char(3) NOT NULL DEFAULT 'UZS' CHECK (currency = 'UZS'),
    type                    text NOT NULL CHECK (type IN (
                                'deposit', 'withdrawal', 'purchase', 'refund', 'commission', 'subscription', 'sale')),
    status                  text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    payment_method_id       uuid REFERENCES payment_methods (id),
    provider_transaction_id text,
    escrow_id               uuid REFERENCES escrows (id),  -- the deal it belongs to; on a deposit: the deal it will pay
    reverses_id             uuid UNIQUE REFERENCES transactions (id),
    description             text NOT NULL DEFAULT '',
    metadata                jsonb NOT NULL DEFAULT '{}',
    processed_at            timestamptz,
    failed_at               timestamptz,
    created_at              timestamptz NOT NULL DEFAULT app_now(),
    updated_at              timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT transactions_deposit_has_method CHECK (type <> 'deposit' OR payment_method_id IS NOT NULL),
    CONSTRAINT transactions_completed_has_time CHECK (status <> 'completed' OR processed_at IS NOT NULL)
);
CREATE UNIQUE INDEX transactions_provider_once ON transactions (payment_method_id, provider_transaction_id)
    WHERE provider_transaction_id IS NOT NULL;
-- A deal is bought, sold, charged and refunded once each.
CREATE UNIQUE INDEX transactions_deal_once ON transactions (escrow_id, type)
    WHERE escrow_id IS NOT NULL AND type IN ('purchase', 'sale', 'commission', 'refund');
CREATE INDEX transactions_user           ON transactions (user_id, created_at DESC, id);
CREATE INDEX transactions_status         ON transactions (type, status, created_at);
CREATE INDEX transactions_escrow         ON transactions (escrow_id);
CREATE INDEX transactions_payment_method ON transactions (payment_method_id);

-- Payme's own view of a deposit (Merchant API); its times are milliseconds since the epoch, replayed byte for byte.
CREATE TABLE payme_transactions (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- our "transaction", sent as a string
    id             text NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    account        jsonb NOT NULL,
    amount_tiyin   bigint NOT NULL CHECK (amount_tiyin > 0),
    time_ms        bigint NOT NULL,
    create_time_ms bigint NOT NULL,
    expires_ms     bigint NOT NULL,  -- 12 hours after Payme's time, as business time
    perform_time_ms bigint NOT NULL DEFAULT 0,
    cancel_time_ms bigint NOT NULL DEFAULT 0,
    state          smallint NOT NULL CHECK (state IN (1, 2, -1, -2)),
    reason         smallint,
    fiscal_data    jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT payme_transactions_performed CHECK ((state IN (2, -2)) = (perform_time_ms > 0)),
    CONSTRAINT payme_transactions_cancelled CHECK ((state < 0) = (cancel_time_ms > 0))
);
-- A deposit is paid by one Payme transaction.
CREATE UNIQUE INDEX payme_transactions_one_live ON payme_transactions (transaction_id) WHERE state IN (1, 2);
CREATE INDEX payme_transactions_transaction ON payme_transactions (transaction_id);
CREATE INDEX payme_transactions_time        ON payme_transactions (time_ms);
CREATE INDEX payme_transactions_waiting     ON payme_transactions (expires_ms) WHERE state = 1;

-- Every provider call as it came and as it was answered, secrets masked: what support needs in a dispute.
CREATE TABLE webhook_calls (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider       text NOT NULL,
    method         text NOT NULL,
    ip             text,
    request        jsonb NOT NULL,
    response       jsonb NOT NULL,
    http_status    smallint NOT NULL,
    request_id     text,
    received_at    timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX webhook_calls_received ON webhook_calls (provider, received_at);
CREATE TRIGGER webhook_calls_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON webhook_calls
    EXECUTE FUNCTION forbid_change();
