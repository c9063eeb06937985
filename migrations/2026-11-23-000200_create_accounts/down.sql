DROP TABLE audit_log;
DROP TABLE email_tokens;
DROP TABLE sessions;
DROP TABLE users;
