DROP TABLE email_changes;
DROP TABLE uploads;
DROP INDEX users_to_erase;
ALTER TABLE users
    DROP CONSTRAINT users_erased_after_closed,
    DROP COLUMN erased_at,
    DROP COLUMN IF EXISTS phone_verified_at,
    DROP COLUMN IF EXISTS email_verified_at;
