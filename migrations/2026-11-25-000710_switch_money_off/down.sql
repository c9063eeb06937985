DROP INDEX escrows_updated;
DROP INDEX transactions_updated;
DROP TABLE ledger_check_marks;
DROP TABLE platform_switches;
