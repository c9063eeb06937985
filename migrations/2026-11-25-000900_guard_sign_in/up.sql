-- Passwords that were replaced, links to choose a new one, guesses, and the devices people sign in from. Safe on a live
-- database: creates only.

-- The passwords a person had before the present one; the latest four are kept.
CREATE TABLE password_history (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id),
    password_hash text NOT NULL,
    replaced_at   timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX password_history_user ON password_history (user_id, id);

-- A request for a link to choose a new password. An address that nobody has gets a row too, and no mail: both cost the
-- same, and both are limited alike. The mailed token is derived from the row.
CREATE TABLE password_resets (
    id         uuid PRIMARY KEY,
    user_id    uuid REFERENCES users (id),
    address    bytea NOT NULL,       -- SHA-256 of the address that was typed
    created_at timestamptz NOT NULL DEFAULT app_now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,          -- used, or the password was changed meanwhile
    CONSTRAINT password_resets_address_hashed CHECK (octet_length(address) = 32),
    CONSTRAINT password_resets_ends_later     CHECK (expires_at > created_at)
);
CREATE INDEX password_resets_user_id ON password_resets (user_id);
CREATE INDEX password_resets_address ON password_resets (address, created_at);
CREATE INDEX password_resets_created ON password_resets (created_at);

-- Guesses at a password that have not been right yet, per address (whether somebody has it or not), and apart from them
-- per known device of a person. Counted before the password is looked at.
CREATE TABLE sign_in_failures (
    subject    bytea PRIMARY KEY,    -- SHA-256 of whose password, and from which known device
    failures   integer NOT NULL,
    last_at    timestamptz NOT NULL,
    wait_until timestamptz NOT NULL, -- no password is looked at before this
    CONSTRAINT sign_in_failures_subject_hashed CHECK (octet_length(subject) = 32),
    CONSTRAINT sign_in_failures_counted        CHECK (failures >= 0)
);
CREATE INDEX sign_in_failures_last ON sign_in_failures (last_at);

-- Where a person has signed in from: a print of the network and of the program.
CREATE TABLE known_devices (
    user_id       uuid NOT NULL REFERENCES users (id),
    device        bytea NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, device),
    CONSTRAINT known_devices_device_hashed CHECK (octet_length(device) = 32),
    CONSTRAINT known_devices_seen_in_order CHECK (last_seen_at >= first_seen_at)
);
CREATE INDEX known_devices_last_seen ON known_devices (last_seen_at);
