-- What operators do to jobs, and long work in batches. Safe on a live database: nullable columns and new tables; the one
-- table that is replaced holds history that nobody decides by, and the previous release writes to it as before.
ALTER TABLE jobs
    ADD COLUMN ended_at        timestamptz,  -- when the last run ended (real time)
    ADD COLUMN progress_done   bigint,       -- rows of long work that are committed
    ADD COLUMN progress_total  bigint,       -- rows that were due when it was counted last
    ADD COLUMN progress_cursor jsonb;        -- where the next batch begins
-- Every row is updated a few times in its first second: dead versions are cleared away early and without pauses.
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
                      autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX jobs_trace_id ON jobs (trace_id) WHERE trace_id IS NOT NULL;

-- Every attempt but a first one that succeeds, whose story is the row's own. By ranges of jobs, so that history is
-- dropped and never deleted; the default partition is the net under the maintenance.
ALTER TABLE job_attempts RENAME TO job_attempts_before;
CREATE TABLE job_attempts (
    job_id     bigint NOT NULL,
    attempt    smallint NOT NULL,
    worker     text NOT NULL,
    outcome    text NOT NULL,
    error      text,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_attempts_key PRIMARY KEY (job_id, attempt)
) PARTITION BY RANGE (job_id);
CREATE TABLE job_attempts_default PARTITION OF job_attempts DEFAULT;
INSERT INTO job_attempts SELECT * FROM job_attempts_before;
DROP TABLE job_attempts_before;

-- Makes the partitions of job_attempts from the oldest job kept to `p_ahead` ranges past the newest, and drops those
-- below. Returns what it made and dropped. Runs as the owner: the application's role makes no tables.
CREATE FUNCTION maintain_job_attempts(p_width bigint, p_ahead integer) RETURNS TABLE (made bigint, dropped bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    oldest  bigint := (SELECT coalesce(min(id), 0) FROM jobs) / p_width;
    newest  bigint := (SELECT last_value FROM jobs_id_seq) / p_width;
    part    text;
    ordinal bigint;
BEGIN
    made := 0;
    dropped := 0;
    FOR ordinal IN SELECT generate_series(oldest, newest + p_ahead) LOOP
        part := 'job_attempts_' || p_width || '_' || ordinal;
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE job_attempts INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format('WITH moved AS (DELETE FROM job_attempts_default WHERE job_id >= %s AND job_id < %s RETURNING *)
                        INSERT INTO %I SELECT * FROM moved', ordinal * p_width, (ordinal + 1) * p_width, part);
        EXECUTE format('ALTER TABLE job_attempts ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       part, ordinal * p_width, (ordinal + 1) * p_width);
        made := made + 1;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'job_attempts'::regclass AND c.relname ~ ('^job_attempts_' || p_width || '_\d+$')
          AND split_part(c.relname, '_', 4)::bigint < oldest
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM job_attempts_default WHERE job_id < oldest * p_width;
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION maintain_job_attempts FROM PUBLIC;

-- A queue that an operator has stopped: nothing of it is handed out or claimed. No row means that it runs.
CREATE TABLE job_queues (
    queue        text PRIMARY KEY,
    paused_at    timestamptz,
    paused_by    text,
    pause_reason text,
    CONSTRAINT job_queues_pause_has_author CHECK (paused_at IS NULL OR paused_by IS NOT NULL)
);

-- Runs that an operator wants stopped. A table of its own: the job's row may be locked by the run itself.
CREATE TABLE job_cancellations (
    job_id       bigint PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL
);

-- The next free moment of whatever the outside lets us do only so often (real time).
CREATE TABLE job_rates (
    key     text PRIMARY KEY,
    next_at timestamptz NOT NULL
);

ALTER TABLE job_workers
    ADD COLUMN running            integer NOT NULL DEFAULT 0,
    ADD COLUMN started_at         timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN drain_requested_at timestamptz;

CREATE OR REPLACE FUNCTION grant_app_role(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public, ledger TO %I', p_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', p_role);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', p_role);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, webhook_calls, effects,
                    listing_status_history, escrow_status_history FROM %I', p_role);
    EXECUTE format('REVOKE UPDATE, TRUNCATE ON cron_ticks FROM %I', p_role);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON app_clock FROM %I', p_role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.post, ledger.open_account, ledger.balance_of, ledger.roll_up TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION maintain_job_attempts TO %I', p_role);
END $$;
