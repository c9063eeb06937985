CREATE OR REPLACE FUNCTION grant_app_role(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public, ledger TO %I', p_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', p_role);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', p_role);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, webhook_calls, effects,
                    listing_status_history, escrow_status_history, cron_ticks FROM %I', p_role);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON app_clock FROM %I', p_role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.post, ledger.open_account, ledger.balance_of, ledger.roll_up TO %I', p_role);
END $$;
ALTER TABLE job_workers DROP COLUMN running, DROP COLUMN started_at, DROP COLUMN drain_requested_at;
DROP TABLE job_rates;
DROP TABLE job_cancellations;
DROP TABLE job_queues;
DROP FUNCTION maintain_job_attempts(bigint, integer);
ALTER TABLE job_attempts RENAME TO job_attempts_parts;
ALTER TABLE job_attempts_parts RENAME CONSTRAINT job_attempts_key TO job_attempts_parts_key;
CREATE TABLE job_attempts (
    job_id     bigint NOT NULL,
    attempt    smallint NOT NULL,
    worker     text NOT NULL,
    outcome    text NOT NULL,
    error      text,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, attempt)
);
INSERT INTO job_attempts SELECT * FROM job_attempts_parts;
DROP TABLE job_attempts_parts;
DROP INDEX jobs_trace_id;
ALTER TABLE jobs RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                        autovacuum_vacuum_cost_delay, autovacuum_analyze_scale_factor);
ALTER TABLE jobs DROP COLUMN ended_at, DROP COLUMN progress_done, DROP COLUMN progress_total, DROP COLUMN progress_cursor;
