-- Ended sessions and old proofs are forgotten, and a person's are found, by an index. Safe on a live database: indexes only.
-- Writes to `sessions` wait while its two are built, about a second per million rows.

-- All of a person's sessions, the ended ones too: erasure asks for them.
CREATE INDEX sessions_of_user ON sessions (user_id);
DROP INDEX sessions_user_id;
-- A rotation changes neither column, so it still writes no index.
CREATE INDEX sessions_ended        ON sessions (coalesce(revoked_at, expires_at));
CREATE INDEX email_tokens_expired  ON email_tokens (expires_at);
CREATE INDEX email_changes_expired ON email_changes (expires_at);
