DROP TABLE withdrawals;
DROP TABLE multicard_invoices;
ALTER TABLE users DROP COLUMN password_changed_at;
