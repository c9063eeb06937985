-- What operators look for and no hot path needs. Safe on a live database: two partial indexes of rows that are rare, each
-- built in one pass over the table (under a second per million rows) while reads go on.
CREATE INDEX jobs_cancelled ON jobs (id) WHERE state = 'cancelled';
CREATE INDEX jobs_failed    ON jobs (id) WHERE last_error IS NOT NULL;
