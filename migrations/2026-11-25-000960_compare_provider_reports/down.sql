-- What the platform had closed waits for staff again.
UPDATE payment_cases SET resolved_at = NULL, note = NULL WHERE resolved_at IS NOT NULL AND resolved_by IS NULL;
ALTER TABLE payment_cases DROP CONSTRAINT payment_cases_resolved_whole;
ALTER TABLE payment_cases ADD CONSTRAINT payment_cases_resolved_whole CHECK (
    (resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (note IS NULL));
DROP INDEX transactions_of_method;
DROP INDEX click_payments_paid;
DROP INDEX click_payments_day;
ALTER TABLE multicard_invoices DROP COLUMN reported_at;
DROP TABLE provider_reports;
