DROP INDEX jobs_failed;
DROP INDEX jobs_cancelled;
