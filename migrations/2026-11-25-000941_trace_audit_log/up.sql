-- Whose request a row was written in: said once when a transaction begins (`Db::begin`), so that no statement that
-- writes a row has to know, `ledger.post` included. Empty for jobs and for the command line.
ALTER TABLE audit_log
    ALTER COLUMN ip         SET DEFAULT nullif(current_setting('wibe.ip', true), ''),
    ALTER COLUMN user_agent SET DEFAULT nullif(current_setting('wibe.user_agent', true), '');
-- What staff look for: one request, one kind of action (whole or by its first word), one span of time in its order.
CREATE INDEX audit_log_request_id ON audit_log (request_id);
CREATE INDEX audit_log_action     ON audit_log (action text_pattern_ops, at);
CREATE INDEX audit_log_at_id      ON audit_log (at, id);
DROP INDEX audit_log_at;
