-- What the long work of the night needs: the numbers of each day, the search index, and indexes for its scans. Safe on a
-- live database: new tables and functions; the triggers change no row, and an index is built in one read of its table.

-- One row per day in Tashkent. Computed from events and computed again at will: the same facts make the same row.
CREATE TABLE daily_statistics (
    day                date PRIMARY KEY,
    new_users          integer NOT NULL CHECK (new_users >= 0),
    verified_users     integer NOT NULL CHECK (verified_users >= 0),
    listings_created   integer NOT NULL CHECK (listings_created >= 0),
    listings_approved  integer NOT NULL CHECK (listings_approved >= 0),
    listings_sold      integer NOT NULL CHECK (listings_sold >= 0),
    listings_archived  integer NOT NULL CHECK (listings_archived >= 0),
    deals_opened       integer NOT NULL CHECK (deals_opened >= 0),
    deals_paid         integer NOT NULL CHECK (deals_paid >= 0),
    deals_confirmed    integer NOT NULL CHECK (deals_confirmed >= 0),
    deals_refunded     integer NOT NULL CHECK (deals_refunded >= 0),
    deals_cancelled    integer NOT NULL CHECK (deals_cancelled >= 0),
    deals_disputed     integer NOT NULL CHECK (deals_disputed >= 0),
    turnover           numeric(18,2) NOT NULL CHECK (turnover >= 0),        -- what was really sold: without refunded parts
    commission         numeric(18,2) NOT NULL CHECK (commission >= 0),
    refunds            numeric(18,2) NOT NULL CHECK (refunds >= 0),         -- of deals, to their buyers
    deposits_completed integer NOT NULL CHECK (deposits_completed >= 0),
    deposits_amount    numeric(18,2) NOT NULL CHECK (deposits_amount >= 0),
    deposits_reversed  numeric(18,2) NOT NULL CHECK (deposits_reversed >= 0),  -- taken back by their provider
    computed_at        timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT daily_statistics_commission_is_a_share CHECK (commission <= turnover),
    CONSTRAINT daily_statistics_deposits_have_amounts CHECK ((deposits_completed = 0) = (deposits_amount = 0))
);

-- What happened on a day. The rows lie in the order of their times, so a summary per block range finds them and costs a
-- writer next to nothing.
CREATE INDEX listing_status_history_at ON listing_status_history USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX escrow_status_history_at  ON escrow_status_history USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX transactions_processed_at ON transactions USING brin (processed_at) WITH (pages_per_range = 32, autosummarize = on);

-- Who has not proved anything yet: few at any time.
CREATE INDEX users_unproven ON users (created_at, id) WHERE NOT is_verified AND deleted_at IS NULL;

-- A text as the search compares it: Latin letters without accents and apostrophes, whatever alphabet it was written in.
-- Cyrillic follows the official Uzbek spelling. Called immutable for what it is: its dictionary ships with PostgreSQL.
CREATE FUNCTION search_words(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT public.unaccent('public.unaccent', translate(
        replace(replace(replace(replace(replace(replace(replace(lower(normalize(p_text)),
            'ё', 'yo'), 'ю', 'yu'), 'я', 'ya'), 'ч', 'ch'), 'ш', 'sh'), 'щ', 'sh'), 'ц', 'ts'),
        'абвгдежзийклмнопрстуфхыэўқғҳъь''ʻʼ‘’`´',
        'abvgdejziyklmnoprstufxieoqgh'))
$$;

-- The index behind the search: title and code weigh most, then the game's name, then the description. A row is stale from
-- the change of what it is made of until `update_search_index` has seen it.
CREATE TABLE listing_search (
    listing_id uuid PRIMARY KEY REFERENCES listings (id) ON DELETE CASCADE,
    document   tsvector NOT NULL DEFAULT '',
    stale_at   timestamptz,
    indexed_at timestamptz,
    CONSTRAINT listing_search_stale_or_indexed CHECK (stale_at IS NOT NULL OR indexed_at IS NOT NULL)
);
CREATE INDEX listing_search_document ON listing_search USING gin (document);
CREATE INDEX listing_search_stale    ON listing_search (stale_at, listing_id) WHERE stale_at IS NOT NULL;

-- Marks are made in the transaction of the change, so none is missed, and only by what the document is made of, so a
-- deal's steps cost nothing.
CREATE FUNCTION mark_listing_for_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO listing_search AS s (listing_id, stale_at) VALUES (NEW.id, app_now())
    ON CONFLICT (listing_id) DO UPDATE SET stale_at = least(s.stale_at, excluded.stale_at);
    RETURN NULL;
END $$;
CREATE TRIGGER listings_made_for_search AFTER INSERT ON listings
    FOR EACH ROW EXECUTE FUNCTION mark_listing_for_search();
CREATE TRIGGER listings_changed_for_search AFTER UPDATE OF title, listing_code, description, game_id, deleted_at ON listings
    FOR EACH ROW WHEN ((OLD.title, OLD.listing_code, OLD.description, OLD.game_id, OLD.deleted_at)
                       IS DISTINCT FROM (NEW.title, NEW.listing_code, NEW.description, NEW.game_id, NEW.deleted_at))
    EXECUTE FUNCTION mark_listing_for_search();

CREATE FUNCTION mark_game_for_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listing_search s SET stale_at = least(s.stale_at, app_now())
    FROM listings l WHERE l.id = s.listing_id AND l.game_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER games_renamed_for_search AFTER UPDATE OF name ON games
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION mark_game_for_search();
