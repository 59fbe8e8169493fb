import { hostname } from 'node:os';
import {
  boolean,
  callable,
  checkOptions,
  got,
  integer,
  listOf,
  milliseconds,
  must,
  object,
  oneOf,
  or,
  refusal,
  type Check,
  type Checks,
  type Refuse,
} from '../errors/checks.js';
import { nameText } from '../errors/name-text.js';
import { reading } from '../errors/reading.js';
import { RiverConfigurationError } from '../errors/setup-errors.js';
import { now as monotonicMs } from '../real-time.js';
import type {
  QueueOptions,
  ResolvedQueueOptions,
  ResolvedWorkerOptions,
  RiverWorkerModuleOptions,
} from './worker-options.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of River's client, but for the last two: Kubernetes kills after 30 seconds. */
const DEFAULTS = {
  enabled: true,
  autoStart: true,
  onlyKnownKinds: true,
  maintenance: 'auto',
  jobTimeoutMs: 60_000,
  stuckAfterMs: 10_000,
  softStopMs: 25_000,
} as const;
const DEFAULT_RETENTION = { completedMs: DAY_MS, cancelledMs: DAY_MS, discardedMs: 7 * DAY_MS };
const DEFAULT_COOLDOWN_MS = 100;
const DEFAULT_POLL_MS = 1_000;
const DEFAULT_CONNECTIONS = { max: 3, listen: true };

/** River's rule for queues that are worked. */
const QUEUE = /^[a-z0-9]+(?:[_|-][a-z0-9]+)*$/;
const MAX_QUEUE = 64;
const MAX_CLIENT_ID = 100;
/** What is left of a host's name. */
const MAX_HOST = 60;

export const invalidWorkerOption = refusal(
  RiverConfigurationError,
  'RIVER_INVALID_MODULE_OPTIONS',
  'RiverWorkerModule: ',
);

const keptFor = or(false, milliseconds(0, Number.MAX_SAFE_INTEGER));
const workers = integer(1, 10_000);

const QUEUE_CHECKS: Checks<QueueOptions> = {
  maxWorkers: workers,
  fetchCooldownMs: milliseconds(1),
  pollIntervalMs: milliseconds(1),
};

const CHECKS: Checks<RiverWorkerModuleOptions> = {
  queues: recordOf((value, field, refuse) =>
    typeof value === 'number' ? workers(value, field, refuse) : queueOptions(value, field, refuse),
  ),
  enabled: boolean,
  autoStart: boolean,
  onlyKnownKinds: boolean,
  maintenance: oneOf('auto', 'elect', 'never'),
  clientId: must(
    `must be a text of 1 to ${MAX_CLIENT_ID} characters`,
    (value) => typeof value === 'string' && value !== '' && value.length <= MAX_CLIENT_ID,
  ),
  jobTimeoutMs: or(false, milliseconds(1)),
  stuckAfterMs: milliseconds(1),
  rescueAfterMs: milliseconds(1, Number.MAX_SAFE_INTEGER),
  softStopMs: milliseconds(),
  retention: object({ completedMs: keptFor, cancelledMs: keptFor, discardedMs: keptFor }),
  retryPolicy: callable('a function of the job and its error'),
  onError: callable('a function of the job and its error'),
  onStuck: callable('a function of the job'),
  middleware: listOf(callable('a class of a provider')),
  works: recordOf(callable('a function of the job')),
  connections: object({ max: integer(2, 20), listen: boolean }),
};

/**
 * Checks the options of a worker, and fills in the defaults.
 *
 * @throws RiverConfigurationError naming the option and its rule
 */
export function resolveWorkerOptions(options: unknown): ResolvedWorkerOptions {
  const given = checkOptions(options, CHECKS, { refuse: invalidWorkerOption });
  if (given.queues === undefined) {
    const rule =
      'must be given: the names of the queues that are worked, and their numbers of workers';
    throw invalidWorkerOption('queues', got(rule, undefined));
  }
  const { queues, retention, connections, works = {}, middleware = [], ...rest } = given;
  const jobTimeoutMs = rest.jobTimeoutMs ?? DEFAULTS.jobTimeoutMs;
  const rescueAfterMs = rest.rescueAfterMs ?? rescueAfter(rest.jobTimeoutMs);
  if (jobTimeoutMs !== false && rescueAfterMs < jobTimeoutMs)
    throw invalidWorkerOption('rescueAfterMs', 'must not be less than jobTimeoutMs');
  const { retryPolicy, onError, onStuck, clientId = newClientId() } = rest;
  return Object.freeze({
    ...DEFAULTS,
    ...rest,
    queues: new Map(
      Object.entries(queues).map(([name, queue]) => [name, resolveQueue(name, queue)]),
    ),
    clientId,
    rescueAfterMs,
    retention: Object.freeze({ ...DEFAULT_RETENTION, ...retention }),
    connections: Object.freeze({ ...DEFAULT_CONNECTIONS, ...connections }),
    retryPolicy,
    onError,
    onStuck,
    middleware,
    works,
  });
}

/** As River: an hour more than a time limit that was given. */
function rescueAfter(jobTimeoutMs: number | false | undefined): number {
  return HOUR_MS + (jobTimeoutMs === undefined || jobTimeoutMs === false ? 0 : jobTimeoutMs);
}

/**
 * The options of one queue, checked, with every default.
 *
 * @throws RiverConfigurationError
 */
export function resolveQueue(name: string, given: number | QueueOptions): ResolvedQueueOptions {
  const field = `queues.${nameText(name)}`;
  if (name.length > MAX_QUEUE || !QUEUE.test(name)) {
    throw invalidWorkerOption(
      field,
      `the name of a queue has 1 to ${MAX_QUEUE} lower-case letters and digits, parted by single '_', '-' or '|'`,
    );
  }
  const {
    maxWorkers,
    fetchCooldownMs = DEFAULT_COOLDOWN_MS,
    pollIntervalMs = Math.max(DEFAULT_POLL_MS, fetchCooldownMs),
  } = typeof given === 'number'
    ? { maxWorkers: workers(given, field, invalidWorkerOption) }
    : queueOptions(given, field, invalidWorkerOption);
  if (pollIntervalMs < fetchCooldownMs)
    throw invalidWorkerOption(`${field}.pollIntervalMs`, 'must not be less than fetchCooldownMs');
  return Object.freeze({ maxWorkers, fetchCooldownMs, pollIntervalMs });
}

function queueOptions(value: unknown, field: string, refuse: Refuse): QueueOptions {
  const options = checkOptions(value, QUEUE_CHECKS, { field, prefix: `${field}.`, refuse });
  if (options.maxWorkers === undefined)
    throw refuse(`${field}.maxWorkers`, got('must be given', undefined));
  return options as QueueOptions;
}

function recordOf<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return (value, field, refuse) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refuse(field, got('must be an object', value));
    return reading(refuse.bind(undefined, field), () =>
      Object.fromEntries(
        Object.entries(value as Record<string, unknown>).map(([name, each]) => [
          name,
          check(each, `${field}.${nameText(name)}`, refuse),
        ]),
      ),
    );
  };
}

/** As River makes them: the host's name without dots, and the time, to the microsecond. */
function newClientId(now = new Date()): string {
  const host = hostname().replaceAll('.', '_').slice(0, MAX_HOST);
  // Two workers of one host that start in the same millisecond.
  const micros = Math.floor(monotonicMs() * 1_000) % 1_000;
  const time = now.toISOString().replace('Z', '').replace('.', '_').replace(/[-:]/g, '_');
  return `${host}_${time}${String(micros).padStart(3, '0')}`;
}
