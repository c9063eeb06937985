-- Requests that carry an Idempotency-Key, each with its answer. Safe on a live database: creates only.
--
-- The row is the first write of the transaction that it protects, so whoever repeats the request waits at the primary key
-- until that transaction has ended. A failure rolls the row back with everything else: there is nothing to poison.
CREATE TABLE idempotency_keys (
    user_id     uuid NOT NULL REFERENCES users (id),
    route       text NOT NULL,   -- method and template, such as 'POST /api/v1/payments/deposit'
    key         text NOT NULL,
    fingerprint bytea NOT NULL,  -- SHA-256 of method, path, canonical body and person
    made        text,            -- what the transaction made, while the answer needs something from outside
    status      smallint,
    body        text,            -- as it was sent: jsonb would give it back in another order
    created_at  timestamptz NOT NULL DEFAULT app_now(),
    PRIMARY KEY (user_id, route, key),
    CONSTRAINT idempotency_keys_key_visible CHECK (key ~ '^[!-~]{1,255}$'),
    CONSTRAINT idempotency_keys_answer_whole CHECK ((status IS NULL) = (body IS NULL)),
    CONSTRAINT idempotency_keys_success_only CHECK (status BETWEEN 200 AND 299)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
