DROP TABLE one_time_codes;
DROP TRIGGER users_phone_proof ON users;
DROP FUNCTION forget_phone_proof();
DROP INDEX users_telegram_id_key;
ALTER TABLE users
    DROP CONSTRAINT users_telegram_id_positive,
    DROP CONSTRAINT users_proven_phone_is_there,
    DROP COLUMN telegram_username,
    DROP COLUMN telegram_id,
    DROP COLUMN phone_verified_at;
