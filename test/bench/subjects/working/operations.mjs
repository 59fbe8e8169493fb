// What every subject that works jobs is asked for: drain a queue, start a job as soon as it is inserted.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Milliseconds from the end of a job that was inserted alone to the next insert. */
const PAUSE_MS = { least: 10, random: 20 };

/**
 * @param subject.insert(number), subject.insertBulk(first, count), subject.unfinished (SQL: a boolean),
 *   subject.start(onJob) starts a worker that calls `onJob(number)`, and resolves to what stops it;
 *   subject.startTransactional() the same for a business row per job
 */
export async function workingOperations(url, subject) {
  const watch = new pg.Client({ connectionString: url });
  await watch.connect();
  const isUnfinished = async () => {
    const { rows } = await watch.query(`select ${subject.unfinished} as unfinished`);
    return rows[0].unfinished;
  };
  let next = 1;

  /** Works `batch` jobs that are there, or as many as it can in `seconds`. */
  async function drain(start, { batch, seconds = Infinity }) {
    let worked = 0;
    const all = deferred();
    const began = performance.now();
    const stop = await start(() => {
      if (++worked === batch) all.resolve();
    });
    if (seconds === Infinity) await all.promise;
    else await Promise.race([all.promise, sleep(seconds * 1000)]);
    const jobs = Math.min(worked, batch);
    // A job is finished when that is stored.
    while (jobs === batch && (await isUnfinished())) await sleep(2);
    const elapsedMs = performance.now() - began;
    await stop();
    return { latencies: [], elapsedMs, jobs };
  }

  return {
    fill: async ({ batch }) => {
      await subject.insertBulk((next += batch) - batch, batch);
      return { latencies: [], elapsedMs: 1, jobs: batch };
    },
    drain: (request) => drain(subject.start, request),
    ...(subject.startTransactional && {
      drainTransactional: (request) => drain(subject.startTransactional, request),
    }),
    insertToStart: async ({ limit }) => {
      let started = deferred();
      const stop = await subject.start(() => started.resolve());
      await sleep(1_500); // also a worker that polls has settled by then
      const latencies = [];
      const began = performance.now();
      for (let done = 0; done < limit; done++) {
        await sleep(PAUSE_MS.least + (PAUSE_MS.random * (done % 10)) / 10);
        started = deferred();
        const inserted = performance.now();
        await Promise.all([subject.insert(next++), started.promise]);
        latencies.push(performance.now() - inserted);
      }
      const elapsedMs = performance.now() - began;
      await stop();
      return { latencies, elapsedMs, jobs: limit };
    },
    close: async () => {
      await subject.close();
      await watch.end();
    },
  };
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
