DROP INDEX email_changes_expired;
DROP INDEX email_tokens_expired;
DROP INDEX sessions_ended;
CREATE INDEX sessions_user_id ON sessions (user_id) WHERE revoked_at IS NULL;
DROP INDEX sessions_of_user;
