-- The first partitions of the attempts' history, which the hourly job keeps ahead of the jobs from then on. Made by that
-- job on a platform at work, they met attempts on their way into the default partition, which PostgreSQL then refused.
-- On a live database that has none yet, such an attempt is refused once more, and its job is rescued when its lease ends.
SELECT made, dropped FROM maintain_job_attempts(10000000, 4);
