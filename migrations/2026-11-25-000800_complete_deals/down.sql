DROP TABLE escrow_decisions;
DROP TABLE escrow_evidence;
DROP INDEX escrows_wish_due;
DROP INDEX escrows_uncounted;
ALTER TABLE escrows DROP COLUMN counted_at, DROP COLUMN cancel_asked_at;
