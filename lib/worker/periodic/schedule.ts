/** When a periodic job is due. */
export interface Schedule {
  /** The first time after `time` at which it is due; undefined: never again. */
  nextAfter(time: Date): Date | undefined;
}

/** A schedule by the fields of cron, by `@hourly` and the like, or by `@every 5m`. */
export function cronSchedule(expression: string): Schedule {
  throw new Error(expression);
}

/** A schedule every so many milliseconds, counted from 1970, so that all processes agree. */
export function everyMs(ms: number): Schedule {
  return {
    nextAfter: (time) => new Date((Math.floor(time.getTime() / ms) + 1) * ms),
  };
}
