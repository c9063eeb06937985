-- Paynet's own view of a deposit: one call both begins and pays it. Safe on a live database: creates only.
CREATE TABLE paynet_transactions (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- our "providerTrnId"
    id             bigint NOT NULL CONSTRAINT paynet_transactions_once UNIQUE,  -- Paynet's "transactionId"
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    fields         jsonb NOT NULL,  -- what the payer typed, as it came, unknown fields masked
    amount_tiyin   bigint NOT NULL CHECK (amount_tiyin > 0),
    state          smallint NOT NULL CHECK (state IN (1, 2)),  -- paid, or paid and paid back
    performed_at   timestamptz NOT NULL,  -- to the second, as Paynet was told
    cancelled_at   timestamptz,
    CONSTRAINT paynet_transactions_cancelled CHECK ((state = 2) = (cancelled_at IS NOT NULL)),
    CONSTRAINT paynet_transactions_in_order CHECK (cancelled_at >= performed_at)
);
-- A deposit is paid once, for good: one that was paid back stays completed.
CREATE UNIQUE INDEX paynet_transactions_one_deposit ON paynet_transactions (transaction_id);
CREATE INDEX paynet_transactions_statement ON paynet_transactions (performed_at, seq) WHERE state = 1;
