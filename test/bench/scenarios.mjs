// What is measured, and how long. The scenarios of a section take turns within each of its rounds, and
// the subjects within each scenario.

const RIVER_CLIENTS = ['ours', 'raw', 'typeorm', 'river-go'];
/** `first` is warmed up longer: until then V8 compiles, which costs more the more code there is. */
const PER_CALL = {
  first: { seconds: 2.5 },
  warmUp: { seconds: 0.3 },
  measured: { seconds: 1 },
};
const ONE_BATCH = { first: undefined, measured: { limit: 1 }, tellsMemory: true };

/** The keys that `unique_duplicate` finds taken. */
const TAKEN_KEYS = 100;

const insert = { op: 'insert', callers: 1 };
const insertBy64 = { op: 'insert', callers: 64 };
const transaction = { op: 'transaction', callers: 1 };
const transactionOfTypeorm = { op: 'transactionOfTypeorm', callers: 1 };
const latency = (what, request, rest) => ({ what, request, main: 'p50_ms', ...PER_CALL, ...rest });
const throughput = (what, request, rest) => ({
  ...latency(what, request, rest),
  main: 'per_second',
});
/** The jobs are inserted before, but for those that are measured one by one. */
const working = (what, request) => ({ what, request, main: 'per_second', works: true });
const filled = (jobs, table) =>
  latency(
    `one insert after another, into a table of ${jobs} completed jobs`,
    { ...insert, schema: table },
    { table, subjects: RIVER_CLIENTS },
  );

/** `fresh`: a process of its own per round, so that memory is that of one batch alone. */
export const SECTIONS = [
  {
    name: 'beside the server',
    scenarios: {
      single: latency('one insert after another', insert),
      concurrent64: throughput('64 callers at once, each one insert after another', insertBy64),
      tx: latency('a transaction with a business row and a job', transaction),
      tx_typeorm: latency("the same in TypeORM's `dataSource.transaction`", transactionOfTypeorm),
      many1000: throughput('1,000 jobs in a call', { op: 'insertMany', callers: 1, batch: 1000 }),
      unique_new: latency('a new unique job', { op: 'insertUnique', callers: 1 }),
      unique_duplicate: latency('a duplicate of a unique job', {
        op: 'insertUnique',
        callers: 1,
        keys: TAKEN_KEYS,
      }),
      table10k: filled('10,000', 'bench_10k'),
      table1m: filled('1,000,000', 'bench_1m'),
      table5m: filled('5,000,000', 'bench_5m'),
    },
  },
  {
    name: '2 ms away from the server',
    distanceMs: 2,
    scenarios: {
      single_2ms: latency('one insert after another, 2 ms away', insert),
      concurrent64_2ms: throughput('64 callers at once, 2 ms away', insertBy64),
      tx_2ms: latency('a transaction with a business row and a job, 2 ms away', transaction),
    },
  },
  {
    name: 'in bulk',
    fresh: true,
    scenarios: {
      bulk100k: throughput(
        '100,000 jobs at once',
        { op: 'insertBulk', callers: 1, batch: 100_000 },
        { ...ONE_BATCH, warmUp: { limit: 10, batch: 1000 } },
      ),
      stream1m: throughput(
        '1,000,000 jobs from an async iterable',
        { op: 'insertStream', callers: 1, batch: 1_000_000 },
        { ...ONE_BATCH, warmUp: { limit: 10, batch: 1000 } },
      ),
    },
  },
  {
    name: 'working jobs',
    fresh: true,
    scenarios: {
      drain100k: working('100,000 jobs that do nothing', { op: 'drain', batch: 100_000 }),
      drain_defaults: working('jobs that do nothing, default settings, for 5 s', {
        op: 'drain',
        batch: 100_000,
        seconds: 5,
      }),
      drain_tx: working(
        '20,000 jobs that store a business row each, in the transaction of the job',
        {
          op: 'drainTransactional',
          batch: 20_000,
        },
      ),
      insert_to_start: {
        ...working('from the call of an insert to the start of the job, at low load', {
          op: 'insertToStart',
          limit: 300,
        }),
        main: 'p50_ms',
      },
      drain1m: {
        ...working('1,000,000 jobs that do nothing', { op: 'drain', batch: 1_000_000 }),
        tellsMemory: true,
      },
    },
  },
];

export const SCENARIOS = Object.assign({}, ...SECTIONS.map(({ scenarios }) => scenarios));
export const MAIN_FIGURES = Object.fromEntries(
  Object.entries(SCENARIOS).map(([name, { main }]) => [name, main]),
);

/**
 * The tables that are filled before the first round. They grow by what the rounds insert, which is
 * little; the smallest is filled anew before each measurement.
 */
export const FILLED_TABLES = { bench_10k: 10_000, bench_1m: 1_000_000, bench_5m: 5_000_000 };

export const SMALLEST_TABLE = 'bench_10k';

export const QUICK = {
  scenarios: ['single', 'concurrent64', 'tx', 'bulk100k'],
  subjects: ['ours', 'raw'],
  seconds: { first: 0.8, warmUp: 0.1, measured: 0.35 },
  /** Seconds from the start after which no round is begun, but for the first two of a section. */
  endsAfter: 40,
};
