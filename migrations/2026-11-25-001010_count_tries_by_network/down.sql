DROP INDEX email_changes_new_email;
DROP INDEX email_tokens_nobody;
DROP INDEX email_tokens_email;
DELETE FROM email_tokens WHERE user_id IS NULL;
ALTER TABLE email_tokens ALTER COLUMN user_id SET NOT NULL;
UPDATE one_time_codes SET attempts = least(attempts, 5);
ALTER TABLE one_time_codes DROP CONSTRAINT one_time_codes_attempts_few;
ALTER TABLE one_time_codes ADD CONSTRAINT one_time_codes_attempts_few CHECK (attempts BETWEEN 0 AND 5);
DROP TABLE code_tries;
