-- Tries of a code are counted for each network apart, and requests for a proof are recorded for addresses that nobody has,
-- too. Safe on a live database: a new table, a column that may be empty from now on, a wider limit that is validated
-- without a lock on readers or writers, and indexes on a table of a few rows per person.

-- Who tried a code how often: a network, or the signed-in person whom the code is for.
CREATE TABLE code_tries (
    code_id uuid NOT NULL REFERENCES one_time_codes (id) ON DELETE CASCADE,
    whose   text NOT NULL,
    tries   smallint NOT NULL,
    PRIMARY KEY (code_id, whose),
    CONSTRAINT code_tries_few CHECK (tries BETWEEN 1 AND 5)
);
ALTER TABLE one_time_codes DROP CONSTRAINT one_time_codes_attempts_few;
ALTER TABLE one_time_codes ADD CONSTRAINT one_time_codes_attempts_few CHECK (attempts BETWEEN 0 AND 25) NOT VALID;
ALTER TABLE one_time_codes VALIDATE CONSTRAINT one_time_codes_attempts_few;

-- A request for an address that nobody has is nobody's, and has the print of the address in its place.
ALTER TABLE email_tokens ALTER COLUMN user_id DROP NOT NULL;
CREATE INDEX email_tokens_email  ON email_tokens (email, created_at);
CREATE INDEX email_tokens_nobody ON email_tokens (created_at) WHERE user_id IS NULL;

-- How often an address was wished for, by whomever.
CREATE INDEX email_changes_new_email ON email_changes (new_email, created_at);
