import { boolean, checkOptions, must, refusal, type Checks } from '../../errors/checks.js';
import { nameText } from '../../errors/name-text.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import type { PeriodicMethod } from '../handlers/explore-workers.js';
import type { PeriodicJob } from './periodic-job.js';
import { cronSchedule, everyMs, type Schedule } from './schedule.js';

interface PeriodicChecked {
  readonly id: string;
  readonly cron: Schedule;
  readonly everyMs: Schedule;
  readonly runOnStart: boolean;
}

const MAX_ID = 127;
/** As River has it for kinds. */
const ID = /^\w[\w\-[\]<>/.·:+]+$/;

const CHECKS: Checks<PeriodicChecked> = {
  id: must(
    `must be 2 to ${MAX_ID} letters, digits and _-[]<>/.·:+, and begin with a letter, a digit or '_'`,
    (value) => typeof value === 'string' && value.length <= MAX_ID && ID.test(value),
  ),
  cron: cronSchedule,
  everyMs,
  runOnStart: boolean,
};

/**
 * The periodic jobs of the methods with `@Periodic`.
 *
 * @throws RiverConfigurationError naming the method and its option
 */
export function resolvePeriodic(methods: readonly PeriodicMethod[]): PeriodicJob[] {
  const names = new Map<string, string>();
  return methods.map(({ name, fact, call }) => {
    const refuse = refusal(
      RiverConfigurationError,
      'RIVER_INVALID_WORKER',
      `@Periodic on ${nameText(name)}: `,
    );
    const given = checkOptions(fact, CHECKS, { refuse });
    const { id, cron, everyMs: period, runOnStart = false } = given;
    if (id === undefined) throw refuse('id', 'must be given');
    const schedule = cron ?? period;
    if (schedule === undefined || (cron !== undefined && period !== undefined))
      throw refuse('cron', 'give either `cron` or `everyMs`');
    const other = names.get(id);
    if (other !== undefined) throw refuse('id', `is that of ${nameText(other)}, too`);
    names.set(id, name);
    return { id, schedule, runOnStart, make: call };
  });
}
