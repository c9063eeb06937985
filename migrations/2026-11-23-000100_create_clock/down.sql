DROP FUNCTION forbid_change();
DROP FUNCTION app_now();
DROP TABLE app_clock;
