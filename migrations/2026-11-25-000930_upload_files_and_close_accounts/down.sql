DROP TABLE email_changes;
DROP TABLE uploads;
DROP INDEX users_to_erase;
DROP TRIGGER users_first_proof ON users;
DROP FUNCTION remember_first_proof;
ALTER TABLE users
    DROP CONSTRAINT users_erased_after_closed,
    DROP COLUMN first_verified_at,
    DROP COLUMN erased_at,
    DROP COLUMN email_verified_at;
