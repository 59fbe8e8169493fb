import { nonEmptyString } from '../../errors/checks.js';
import { nameText } from '../../errors/name-text.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import type { PeriodicMethod } from '../handlers/explore-workers.js';
import type { PeriodicJob } from './periodic-job.js';
import { cronSchedule, everyMs, type Schedule } from './schedule.js';

/** The longest id that River takes. */
const MAX_ID = 127;

/**
 * The periodic job of a method with `@Periodic`.
 *
 * @throws RiverConfigurationError naming the method
 */
export function periodicJobOf({ name, fact, call }: PeriodicMethod): PeriodicJob {
  const { id, runOnStart = false } = fact;
  const refuse = (field: string, rule: string, cause?: unknown): RiverConfigurationError =>
    new RiverConfigurationError(`@Periodic on ${name}: ${field}: ${rule}.`, {
      code: 'RIVER_INVALID_WORKER',
      field,
      cause,
    });
  nonEmptyString(id, 'id', refuse);
  if (id.length > MAX_ID) throw refuse('id', `must have ${MAX_ID} characters at most`);
  return { id, schedule: scheduleOf(fact, refuse), runOnStart, make: call };
}

function scheduleOf(
  { cron, everyMs: ms }: PeriodicMethod['fact'],
  refuse: (field: string, rule: string) => RiverConfigurationError,
): Schedule {
  if ((cron === undefined) === (ms === undefined))
    throw refuse('cron', 'give either `cron` or `everyMs`');
  return cron === undefined ? everyMs(ms ?? 0) : cronSchedule(cron);
}

/** @throws RiverConfigurationError when two have one id */
export function requireOwnIds(methods: readonly PeriodicMethod[]): void {
  const names = new Map<string, string>();
  for (const { name, fact } of methods) {
    const other = names.get(fact.id);
    if (other !== undefined) {
      throw new RiverConfigurationError(
        `@Periodic on ${name}: the id '${nameText(fact.id)}' is that of ${other}. Each needs its own.`,
        { code: 'RIVER_INVALID_WORKER', field: 'id' },
      );
    }
    names.set(fact.id, name);
  }
}
