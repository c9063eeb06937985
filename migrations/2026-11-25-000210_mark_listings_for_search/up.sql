-- Listings that were there before the search index wait for it like new ones. Safe on a live database: a transaction of its
-- own, after the triggers that mark what is written meanwhile; it blocks no writer, and the indexing goes in batches.
INSERT INTO listing_search (listing_id, stale_at)
SELECT id, app_now() FROM listings WHERE deleted_at IS NULL
ON CONFLICT (listing_id) DO NOTHING;
