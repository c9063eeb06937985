CREATE INDEX audit_log_at ON audit_log (at);
DROP INDEX audit_log_at_id, audit_log_action, audit_log_request_id;
ALTER TABLE audit_log ALTER COLUMN ip DROP DEFAULT, ALTER COLUMN user_agent DROP DEFAULT;
