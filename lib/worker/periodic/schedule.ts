import { Cron } from 'croner';
import { got, milliseconds, refusal, type Refuse } from '../../errors/checks.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { listedFields } from './cron-fields.js';

/** When a periodic job is due. */
export interface Schedule {
  /** The first time after `time` at which it is due; undefined: never again. */
  nextAfter(time: Date): Date | undefined;
}

const invalid = refusal(RiverConfigurationError, 'RIVER_INVALID_WORKER');

const SECOND_MS = 1_000;
const LONGEST_MS = 366 * 24 * 3_600 * SECOND_MS;

const DESCRIPTORS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** Milliseconds of the units of Go's durations, those of more letters first. */
const UNITS = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * A schedule by the five fields of cron, by `@hourly`, `@daily` and the like, or by `@every 1h30m`, as
 * Go's `cron.ParseStandard` reads them. `CRON_TZ=Europe/Berlin` or `TZ=...` in front says in which time
 * zone; without it that is UTC, and not the zone of the process, in which the processes of a fleet may
 * differ.
 *
 * When clocks are set forward, a job at one time of the day (`30 2 * * *`) that does not exist on that
 * day is due right after the gap; when they are set back, it is due at the first of the two times. A job
 * at several times (`0,30 * * * *`, `30 1,2 * * *`) leaves out what does not exist and is due at both of
 * two equal times. (In Go, the first kind would be left out, and due twice.)
 *
 * @throws RiverConfigurationError, or what `refuse` makes
 */
export function cronSchedule(value: unknown, field = 'cron', refuse: Refuse = invalid): Schedule {
  const no = (rule: string, cause?: unknown): never => {
    throw refuse(
      field,
      `${got(rule, value)}. Examples: '*/15 * * * *', 'CRON_TZ=Europe/Berlin 0 2 * * MON-FRI', '@daily', ` +
        "'@every 1h30m'",
      cause,
    );
  };
  if (typeof value !== 'string') return no('must be a cron expression');
  const [, zone = 'UTC', rest = ''] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(value) ?? [];
  const spec = rest.trim();
  if (spec.startsWith('@every ')) {
    const ms = durationMs(spec.slice(7));
    return everyMs(ms ?? no('@every must be followed by a duration such as 1h30m'), field, refuse);
  }
  let cron: Cron;
  try {
    const timezone = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
    cron = new Cron(listedFields(DESCRIPTORS.get(spec) ?? spec), { mode: '5-part', timezone });
  } catch (cause) {
    return no(cause instanceof Error ? cause.message : 'must be a cron expression', cause);
  }
  const nextAfter = (time: Date): Date | undefined => cron.nextRun(time) ?? undefined;
  return nextAfter(new Date(0)) === undefined ? no('is never due') : { nextAfter };
}

const period = milliseconds(SECOND_MS, LONGEST_MS);

/**
 * A schedule every so many milliseconds, from 1 second to 366 days. They are counted from 1970 in UTC,
 * so that all processes agree, whenever they start: every 6 hours is at 0, 6, 12 and 18 o'clock.
 *
 * @throws RiverConfigurationError, or what `refuse` makes
 */
export function everyMs(value: unknown, field = 'everyMs', refuse: Refuse = invalid): Schedule {
  const ms = period(value, field, refuse);
  return { nextAfter: (time) => new Date((Math.floor(time.getTime() / ms) + 1) * ms) };
}

/** As Go reads durations; cut to whole seconds, of which there is at least one. */
function durationMs(text: string): number | undefined {
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
  if (!/^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(part))
    ms += Number(count) * UNITS[unit as keyof typeof UNITS];
  return Math.max(SECOND_MS, Math.floor(Math.round(ms * 1e3) / 1e6) * SECOND_MS);
}
