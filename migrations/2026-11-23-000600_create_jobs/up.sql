-- The job platform: a row is outbox, record and timer in one. Safe on a live database: creates only.
CREATE TABLE jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL,
    queue          text NOT NULL,
    args           jsonb NOT NULL,
    args_version   smallint NOT NULL DEFAULT 1,
    state          text NOT NULL DEFAULT 'pending' CHECK (state IN (
                       'pending', 'dispatched', 'running', 'done', 'dead', 'cancelled')),
    run_at         timestamptz NOT NULL DEFAULT app_now(),  -- business time
    attempt        smallint NOT NULL DEFAULT 0,
    max_attempts   smallint NOT NULL,
    crashes        smallint NOT NULL DEFAULT 0,
    unique_key     text,
    trace_id       text,
    -- Transport: real time (now()), never business time.
    dispatch_gen   integer NOT NULL DEFAULT 0,
    dispatched_at  timestamptz,
    lease_token    bigint NOT NULL DEFAULT 0,
    lease_until    timestamptz,
    started_at     timestamptz,
    worker         text,
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT app_now(),
    finished_at    timestamptz,
    CONSTRAINT jobs_running_has_lease CHECK (state <> 'running' OR (lease_until IS NOT NULL AND worker IS NOT NULL)),
    CONSTRAINT jobs_dispatched_has_time CHECK (state <> 'dispatched' OR dispatched_at IS NOT NULL)
) WITH (fillfactor = 70);
-- One live job per business key.
CREATE UNIQUE INDEX jobs_unique_live ON jobs (unique_key)
    WHERE unique_key IS NOT NULL AND state IN ('pending', 'dispatched', 'running');
CREATE INDEX jobs_unique_key ON jobs (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX jobs_pending    ON jobs (queue, run_at, id) WHERE state = 'pending';
CREATE INDEX jobs_suspect    ON jobs (queue, run_at, id) WHERE state = 'pending' AND crashes > 0;
CREATE INDEX jobs_dispatched ON jobs (queue, dispatched_at) WHERE state = 'dispatched';
CREATE INDEX jobs_running    ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_dead       ON jobs (kind, finished_at) WHERE state = 'dead';

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

-- Permanent business keys of effects that have no table of their own to be unique in.
CREATE TABLE effects (
    effect_key text PRIMARY KEY,
    job_id     bigint,
    at         timestamptz NOT NULL DEFAULT app_now()
);

-- A tick fires once, whoever is first to insert it.
CREATE TABLE cron_ticks (
    schedule text NOT NULL,
    tick_at  timestamptz NOT NULL,
    fired_at timestamptz NOT NULL DEFAULT now(),
    fired_by text NOT NULL,
    job_id   bigint,
    PRIMARY KEY (schedule, tick_at)
);

-- Who is alive and how much it can run: the dispatch window is computed from it.
CREATE TABLE job_workers (
    worker  text NOT NULL,
    queue   text NOT NULL,
    slots   integer NOT NULL CHECK (slots > 0),
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (worker, queue)
);
