-- The marks go with their table.
TRUNCATE listing_search;
