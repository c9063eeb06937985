DROP TABLE job_workers;
DROP TABLE cron_ticks;
DROP TABLE effects;
DROP TABLE job_attempts;
DROP TABLE jobs;
