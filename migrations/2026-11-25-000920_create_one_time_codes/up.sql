-- Codes that prove a phone, and what they prove. Safe on a live database: nullable columns, a new table, and indexes over
-- columns that are still empty.
ALTER TABLE users
    ADD COLUMN phone_verified_at timestamptz,
    ADD COLUMN telegram_id       bigint,
    ADD COLUMN telegram_username text,
    ADD CONSTRAINT users_proven_phone_is_there CHECK (phone_verified_at IS NULL OR phone_number IS NOT NULL),
    ADD CONSTRAINT users_telegram_id_positive  CHECK (telegram_id > 0);
CREATE UNIQUE INDEX users_telegram_id_key ON users (telegram_id) WHERE deleted_at IS NULL;

-- A proof is of one number: whoever writes another number has proved nothing, whichever part of the platform they used.
CREATE FUNCTION forget_phone_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.phone_verified_at IS NOT DISTINCT FROM OLD.phone_verified_at THEN
        NEW.phone_verified_at := NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_phone_proof BEFORE UPDATE OF phone_number ON users
    FOR EACH ROW WHEN (NEW.phone_number IS DISTINCT FROM OLD.phone_number)
    EXECUTE FUNCTION forget_phone_proof();

-- The code itself is nowhere: it is derived from the row's id and the platform's secret, and checked against a MAC that
-- is bound to the row, its phone and its purpose.
CREATE TABLE one_time_codes (
    id                uuid PRIMARY KEY,
    phone_number      text NOT NULL,
    purpose           text NOT NULL,
    user_id           uuid REFERENCES users (id), -- who asked, when they had to be signed in
    telegram_id       bigint,                     -- whom the bot gave it to
    telegram_username text,
    full_name         text NOT NULL DEFAULT '',   -- as the bot knows them
    language          text NOT NULL,
    code_mac          bytea NOT NULL,
    attempts          smallint NOT NULL DEFAULT 0,
    expires_at        timestamptz NOT NULL,
    sent_at           timestamptz,                -- handed to the provider
    used_at           timestamptz,                -- used, or replaced by another
    created_at        timestamptz NOT NULL DEFAULT app_now(),
    ip                text,                       -- of an IPv6 address its /64
    CONSTRAINT one_time_codes_phone_canonical CHECK (phone_number ~ '^\+998[0-9]{9}$'),
    CONSTRAINT one_time_codes_purpose_known
        CHECK (purpose IN ('sign_in', 'verify_phone', 'reauth', 'delete_account', 'telegram')),
    CONSTRAINT one_time_codes_language_known  CHECK (language IN ('uz', 'ru', 'en')),
    CONSTRAINT one_time_codes_attempts_few    CHECK (attempts BETWEEN 0 AND 5),
    CONSTRAINT one_time_codes_mac_whole       CHECK (length(code_mac) = 32),
    CONSTRAINT one_time_codes_whose           CHECK (
        (telegram_id IS NOT NULL) = (purpose = 'telegram')
        AND (user_id IS NOT NULL) = (purpose IN ('verify_phone', 'reauth', 'delete_account')))
);
CREATE INDEX one_time_codes_phone       ON one_time_codes (phone_number, purpose, created_at);
CREATE INDEX one_time_codes_ip          ON one_time_codes (ip, created_at);
CREATE INDEX one_time_codes_created     ON one_time_codes (created_at);
CREATE INDEX one_time_codes_user_id     ON one_time_codes (user_id);
CREATE INDEX one_time_codes_telegram_id ON one_time_codes (telegram_id) WHERE used_at IS NULL;
