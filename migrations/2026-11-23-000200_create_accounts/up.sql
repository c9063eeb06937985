-- People, their sessions and the proofs of their e-mail. Safe on a live database: creates only.
CREATE TABLE users (
    id              uuid PRIMARY KEY,
    email           text NOT NULL,
    username        text,
    phone_number    text,
    full_name       text NOT NULL DEFAULT '',
    avatar          text,
    password_hash   text,
    is_active       boolean NOT NULL DEFAULT true,
    is_staff        boolean NOT NULL DEFAULT false,
    is_superuser    boolean NOT NULL DEFAULT false,
    is_verified     boolean NOT NULL DEFAULT false,
    rating          numeric(3,2) NOT NULL DEFAULT 5.00,
    total_sales     integer NOT NULL DEFAULT 0,
    total_purchases integer NOT NULL DEFAULT 0,
    language        text NOT NULL DEFAULT 'uz',
    timezone        text NOT NULL DEFAULT 'Asia/Tashkent',
    created_at      timestamptz NOT NULL DEFAULT app_now(),
    updated_at      timestamptz NOT NULL DEFAULT app_now(),
    last_login      timestamptz,
    deleted_at      timestamptz,
    CONSTRAINT users_email_canonical CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_phone_canonical CHECK (phone_number ~ '^\+998[0-9]{9}$'),
    CONSTRAINT users_language_known  CHECK (language IN ('uz', 'ru', 'en')),
    CONSTRAINT users_rating_range    CHECK (rating BETWEEN 0 AND 5),
    CONSTRAINT users_counters        CHECK (total_sales >= 0 AND total_purchases >= 0)
);
-- A deleted person's address may register again.
CREATE UNIQUE INDEX users_email_key        ON users (email)           WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_username_key     ON users (lower(username)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_phone_number_key ON users (phone_number)    WHERE deleted_at IS NULL;
CREATE INDEX users_created_at ON users (created_at);

-- One row per sign-in. A refresh token is derived from (id, generation), so nothing secret is stored.
CREATE TABLE sessions (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id),
    generation     integer NOT NULL DEFAULT 1,
    rotated_at     timestamptz NOT NULL DEFAULT app_now(),
    created_at     timestamptz NOT NULL DEFAULT app_now(),
    expires_at     timestamptz NOT NULL,
    revoked_at     timestamptz,
    revoked_reason text,
    ip             text,
    user_agent     text
);
CREATE INDEX sessions_user_id ON sessions (user_id) WHERE revoked_at IS NULL;

-- A proof of an address: the mailed token is derived from the row, the row is used once.
CREATE TABLE email_tokens (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id),
    purpose    text NOT NULL CHECK (purpose IN ('verify_email')),
    email      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT app_now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX email_tokens_user_id ON email_tokens (user_id);

CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT app_now(),
    actor_id    uuid REFERENCES users (id),
    actor       text NOT NULL,
    action      text NOT NULL,
    object_type text NOT NULL,
    object_id   text NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}',
    ip          text,
    user_agent  text,
    request_id  text
);
CREATE INDEX audit_log_actor_id ON audit_log (actor_id);
CREATE INDEX audit_log_object   ON audit_log (object_type, object_id);
CREATE INDEX audit_log_at       ON audit_log (at);
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    EXECUTE FUNCTION forbid_change();
