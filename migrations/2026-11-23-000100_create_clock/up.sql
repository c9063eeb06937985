-- Extensions the specification names, and the one clock of the platform.
-- Safe on a live database: creates only.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";

-- Business time = now() + shift. Production refuses to start while shift is not zero;
-- tests and the demo move it, and with it every due time, token expiry and tick.
CREATE TABLE app_clock (
    id    boolean  PRIMARY KEY DEFAULT true CHECK (id),
    shift interval NOT NULL DEFAULT interval '0'
);
INSERT INTO app_clock DEFAULT VALUES;

CREATE FUNCTION app_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT now() + shift FROM public.app_clock $$;

-- Histories are written once: attached to every append-only table.
CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'P0L01';
END $$;
