// A task that does nothing, for the bench: `run.cjs fill N` records it N times, `run.cjs work` runs it until killed.
// The settings are those of graphile-worker's own benchmark.

const { makeWorkerUtils, run, Logger } = require("graphile-worker");

const connectionString = process.env.DATABASE_URL;
const quiet = new Logger(() => () => {});

async function fill(count) {
  const utils = await makeWorkerUtils({ connectionString, logger: quiet });
  try {
    await utils.migrate();
    await utils.withPgClient((client) =>
      client.query(
        `SELECT graphile_worker.add_jobs(array_agg(json_populate_record(
           NULL::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload', json_build_object('id', n)))))
         FROM generate_series(1, $1::int) AS n HAVING count(*) > 0`,
        [count],
      ),
    );
  } finally {
    await utils.release();
  }
}

async function work() {
  const runner = await run({
    logger: quiet,
    noHandleSignals: false,
    taskList: { noop: () => {} },
    preset: {
      worker: {
        connectionString,
        concurrentJobs: 24,
        maxPoolSize: 25,
        pollInterval: 2000,
        localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  await runner.promise;
}

const [, , command, count] = process.argv;
(command === "fill" ? fill(Number(count)) : work()).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
