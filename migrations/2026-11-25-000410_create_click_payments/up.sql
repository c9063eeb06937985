-- Click's own view of a deposit (SHOP-API): one row for each Prepare that was accepted. Safe on a live database: creates only.
CREATE TABLE click_payments (
    -- Our merchant_prepare_id; Click documents an int.
    prepare_id      bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY,
    click_trans_id  bigint NOT NULL CONSTRAINT click_payments_once UNIQUE CHECK (click_trans_id > 0),
    click_paydoc_id bigint,
    transaction_id  uuid NOT NULL REFERENCES transactions (id),  -- the deposit that its payer was asked for
    credited_id     uuid REFERENCES transactions (id),           -- the deposit that it paid: another one when it came too late
    amount          numeric(18,2) NOT NULL CHECK (amount > 0),
    state           text NOT NULL CHECK (state IN ('prepared', 'confirmed', 'cancelled')),
    sign_time       text NOT NULL CHECK (length(sign_time) = 19),
    error           integer CHECK (error < 0),                   -- Click's reason; none when its time was over here
    prepared_at     timestamptz NOT NULL,
    confirmed_at    timestamptz,
    cancelled_at    timestamptz,
    CONSTRAINT click_payments_confirmed CHECK (
        (state = 'confirmed') = (credited_id IS NOT NULL) AND (state = 'confirmed') = (confirmed_at IS NOT NULL)),
    CONSTRAINT click_payments_cancelled CHECK (state <> 'cancelled' OR cancelled_at IS NOT NULL),
    CONSTRAINT click_payments_failed    CHECK (error IS NULL OR state = 'cancelled')
);
-- A deposit is paid by one Click payment.
CREATE UNIQUE INDEX click_payments_credited    ON click_payments (credited_id);
CREATE INDEX        click_payments_transaction ON click_payments (transaction_id);
CREATE INDEX        click_payments_prepared    ON click_payments (prepared_at) WHERE state = 'prepared';
