-- Accounts elsewhere by which people sign in. Safe on a live database: creates only.
--
-- The key is what the provider calls the person, which never changes hands; their address may.
CREATE TABLE social_accounts (
    provider     text NOT NULL,
    subject      text NOT NULL,
    user_id      uuid NOT NULL REFERENCES users (id),
    email        text,   -- what the provider vouched for at the last sign-in
    created_at   timestamptz NOT NULL DEFAULT app_now(),
    last_used_at timestamptz NOT NULL DEFAULT app_now(),
    PRIMARY KEY (provider, subject),
    CONSTRAINT social_accounts_one_each        UNIQUE (user_id, provider),
    CONSTRAINT social_accounts_provider_known  CHECK (provider IN ('google')),
    CONSTRAINT social_accounts_subject_visible CHECK (subject ~ '^[!-~]{1,255}$')
);
