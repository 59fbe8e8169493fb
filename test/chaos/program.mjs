// What a careless handler does: a tree of steps, made of a seed and the number of the trial.
import { CHANGE } from './changes.mjs';
import { randomOf } from './random.mjs';

/**
 * How a step's promise is treated: awaited; awaited with its error swallowed; not awaited, its error
 * swallowed; not awaited at all; not awaited and looked at without its knowing.
 */
const WAITS = [
  [55, 'await'],
  [12, 'swallow'],
  [9, 'ignore'],
  [12, 'none'],
  [12, 'peek'],
];
const ORDER_BY = [
  'repository.save',
  'repository.insert',
  'repository.builder',
  'manager.save',
  'manager.insert',
  'manager.repository',
  'manager.query',
  'manager.builder',
  'dataSource.query',
  'dataSource.builder',
  'dataSource.manager',
  'runner.query',
  'custom.save',
  'custom.insert',
  'custom.builder',
  'custom.manager',
  'own manager',
];
const CHANGE_BY = [
  'manager',
  'manager',
  'repository',
  'custom',
  'dataSource.manager',
  'own manager',
];
const JOB_BY = ['insert', 'insert', 'insertMany', 'insertTx', 'insertManyTx', 'insertTx runner'];
const SCOPES = [
  [5, 'NESTED'],
  [2, 'REQUIRED'],
  [1, 'MANDATORY'],
  [1, 'SUPPORTS'],
  [2, 'manager.transaction'],
  [2, 'dataSource.transaction'],
  [1, 'custom.transaction'],
];
/** By what the handler opens its transaction, where it does not come over HTTP. */
const OPENED_BY = [
  [70, 'run'],
  [16, 'dataSource.transaction'],
  [8, 'manager.transaction'],
  [6, 'custom.transaction'],
];

export function programOf(seed, trial) {
  const random = randomOf(seed, trial);
  const numbers = { next: 0 };
  const steps = stepsOf(random, numbers, { depth: 0, count: random.between(2, 7) });
  if (random.chance(0.08)) insertAt(random, steps, { op: 'kill', afterMs: random.upTo(12) });
  const viaHttp = random.chance(0.1);
  const by = viaHttp ? 'run' : random.weighted(OPENED_BY);
  const { isolation, ...others } = optionsOf(random);
  // TypeORM's own calls take a level and nothing else.
  const options = { ...(isolation && { isolation }), ...(by === 'run' && others) };
  return { trial, viaHttp, by, options, steps };
}

function optionsOf(random) {
  const options = {};
  if (random.chance(0.06)) options.timeoutMs = random.between(3, 60);
  if (random.chance(0.08)) options.statementTimeoutMs = random.between(10, 40);
  if (random.chance(0.15)) options.lockTimeoutMs = random.between(10, 100);
  if (random.chance(0.3)) options.retries = random.between(1, 3);
  if (random.chance(0.3)) options.trackOutcome = true;
  if (random.chance(0.04)) options.unawaitedLimitMs = random.between(0, 20);
  if (random.chance(0.12))
    options.isolation = random.pick(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']);
  return options;
}

function stepsOf(random, numbers, { depth, count }) {
  return Array.from({ length: count }, () => stepOf(random, numbers, depth));
}

function stepOf(random, numbers, depth) {
  const number = numbers.next++;
  const wait = random.weighted(WAITS);
  const inner = (least = 1, most = 4) =>
    stepsOf(random, numbers, { depth: depth + 1, count: random.between(least, most) });
  const deep = depth < 3 ? 1 : 0;
  const op = random.weighted([
    [30, 'order'],
    [26, 'job'],
    [8, 'cascade'],
    [9, 'change'],
    [3, 'duplicate'],
    [2.5, 'bad sql'],
    [2, 'bad job'],
    [2, 'throw'],
    [6, 'pause'],
    [1.5, 'slow sql'],
    [3, 'touch'],
    [1, 'release'],
    [6 * deep, 'parallel'],
    [9 * deep, 'scope'],
    [3 * deep, 'detached'],
    [0.8 * deep, 'REQUIRES_NEW'],
    [0.8 * deep, 'outside'],
  ]);
  const step = { op, number, wait };
  switch (op) {
    case 'order':
    case 'duplicate':
    case 'bad sql':
      return { ...step, by: random.pick(ORDER_BY) };
    case 'job':
    case 'bad job':
      return { ...step, by: random.pick(JOB_BY), size: random.between(1, 3) };
    case 'cascade':
      return { ...step, by: random.pick(['repository', 'manager']), size: random.between(1, 3) };
    case 'change':
      return { ...step, by: random.pick(CHANGE_BY), change: random.pick(CHANGE) };
    case 'pause':
      return { ...step, wait: 'await', ms: random.upTo(6) };
    case 'slow sql':
      return { ...step, ms: random.between(5, 60) };
    case 'touch':
      return { ...step, wait: 'await', counters: [random.upTo(6), random.upTo(6)] };
    case 'parallel':
      return { ...step, by: random.pick(['all', 'all', 'allSettled', 'race']), steps: inner(2, 4) };
    case 'scope':
      return { ...step, by: random.weighted(SCOPES), steps: maybeFailing(random, inner()) };
    case 'detached':
      return { ...step, afterMs: random.upTo(30), steps: inner(1, 3) };
    case 'REQUIRES_NEW':
    case 'outside':
      return { ...step, steps: inner(1, 3) };
    default:
      return step;
  }
}

/** Some scopes fail just when what they did not await is under way. */
function maybeFailing(random, steps) {
  return random.chance(0.12) ? [...steps, { op: 'throw', wait: 'await' }] : steps;
}

function insertAt(random, steps, step) {
  steps.splice(random.upTo(steps.length + 1), 0, { ...step, number: -1, wait: 'await' });
}
