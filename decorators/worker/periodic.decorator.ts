import 'reflect-metadata';
import type { JobObject } from '../../lib/job/job-object.js';
import { addFact, PERIODIC } from '../../lib/worker/handlers/worker-metadata.js';
import { requireMethod } from './require-method.js';

/** When a periodic job is due. */
export type PeriodicOptions = {
  /** Unique in the application, at most 127 characters. Stored in the metadata of the jobs. */
  readonly id: string;
  /** Whether a job is also inserted when the worker starts. Default false. */
  readonly runOnStart?: boolean | undefined;
} & (
  | {
      /** Five fields, `@hourly` and its like, or `@every 5m`; a `CRON_TZ=Europe/Paris` before them sets the time zone. */
      readonly cron: string;
      readonly everyMs?: undefined;
    }
  | {
      /** **Milliseconds** between two due times, which are multiples of it since 1970. */
      readonly everyMs: number;
      readonly cron?: undefined;
    }
);

/**
 * Inserts the job that a method returns, once per due time in the whole fleet. The method receives the due time;
 * what it returns is inserted as by `RiverClient.insert`, `null` inserts nothing this time.
 *
 * @example
 * @Periodic({ id: 'month-end', cron: 'CRON_TZ=UTC 0 2 1 * *' })
 * monthEnd(at: Date) { return new CloseMonth(at); }
 */
export function Periodic(options: PeriodicOptions) {
  return <Method extends (at: Date) => JobObject | null | Promise<JobObject | null>>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    addFact(PERIODIC, requireMethod('@Periodic', target, propertyKey, descriptor), options);
  };
}
