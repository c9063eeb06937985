-- What people upload, changes of an address that wait for their proof, and accounts that are closed and then erased. Safe on
-- a live database: new tables, nullable columns without a default, and one pass over `users` that keeps no lock on a reader.

-- Which channel proved a person, so that a number that is changed takes its own proof along and no other.
ALTER TABLE users
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN erased_at timestamptz,  -- closed long enough: nothing personal is left
    ADD COLUMN first_verified_at timestamptz;
-- Who was verified before there were other channels proved an address.
UPDATE users SET first_verified_at = updated_at,
    email_verified_at = CASE WHEN phone_verified_at IS NULL AND telegram_id IS NULL THEN updated_at END
WHERE is_verified;
-- Whoever was verified once and changed their number is no stranger who never came back. Every channel sets `is_verified`.
CREATE FUNCTION remember_first_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_verified_at := app_now();
    RETURN NEW;
END $$;
CREATE TRIGGER users_first_proof BEFORE INSERT OR UPDATE OF is_verified ON users
    FOR EACH ROW WHEN (NEW.is_verified AND NEW.first_verified_at IS NULL) EXECUTE FUNCTION remember_first_proof();
ALTER TABLE users ADD CONSTRAINT users_erased_after_closed CHECK (erased_at IS NULL OR deleted_at IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_erased_after_closed;
CREATE INDEX users_to_erase ON users (deleted_at, id) WHERE deleted_at IS NOT NULL AND erased_at IS NULL;

-- A file that somebody sent, decoded and encoded anew. Its row comes first: no file is without one, so what is orphaned is
-- found here and no bucket is ever listed.
CREATE TABLE uploads (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id),
    kind           text NOT NULL,
    key            text NOT NULL UNIQUE,
    content_type   text NOT NULL,
    bytes          integer NOT NULL,
    received_bytes integer NOT NULL,
    width          integer NOT NULL,
    height         integer NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT app_now(),
    attached_as    text,
    attached_at    timestamptz,
    discarded_at   timestamptz,  -- nobody wants it any more
    removed_at     timestamptz,  -- the file is gone
    CONSTRAINT uploads_kind_known         CHECK (kind IN ('avatar', 'image')),
    CONSTRAINT uploads_attached_as_known  CHECK (attached_as IN ('avatar')),
    CONSTRAINT uploads_key_is_ours        CHECK (key ~ '^(avatars|images)/[0-9a-f]{32}\.(jpg|png)$'),
    CONSTRAINT uploads_content_type_known CHECK (content_type IN ('image/jpeg', 'image/png')),
    CONSTRAINT uploads_sizes              CHECK (bytes > 0 AND received_bytes > 0 AND width > 0 AND height > 0),
    CONSTRAINT uploads_attached_to_something CHECK ((attached_as IS NULL) = (attached_at IS NULL)),
    CONSTRAINT uploads_removed_when_discarded CHECK (removed_at IS NULL OR discarded_at IS NOT NULL)
);
CREATE INDEX uploads_user_id ON uploads (user_id, created_at);
CREATE UNIQUE INDEX uploads_one_avatar ON uploads (user_id) WHERE attached_as = 'avatar' AND discarded_at IS NULL;
CREATE INDEX uploads_unattached ON uploads (created_at) WHERE attached_at IS NULL AND discarded_at IS NULL;
CREATE INDEX uploads_to_remove  ON uploads (discarded_at) WHERE discarded_at IS NOT NULL AND removed_at IS NULL;

-- A new address is a person's only when they have proved it; until then they keep the old one.
CREATE TABLE email_changes (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    old_email    text NOT NULL,
    new_email    text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT app_now(),
    expires_at   timestamptz NOT NULL,
    confirmed_at timestamptz,
    withdrawn_at timestamptz,
    CONSTRAINT email_changes_canonical CHECK (new_email = lower(new_email) AND length(new_email) BETWEEN 3 AND 254),
    CONSTRAINT email_changes_changes   CHECK (old_email <> new_email),
    CONSTRAINT email_changes_one_end   CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX email_changes_user_id ON email_changes (user_id);
CREATE UNIQUE INDEX email_changes_one_open ON email_changes (user_id) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;
