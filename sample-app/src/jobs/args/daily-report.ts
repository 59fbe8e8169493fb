import { JobArgs } from 'nestjs-river';

const ONE_DAY = 24 * 60 * 60;

/** The report of a day. Once within 24 hours for the same day, however often it is asked for. */
@JobArgs('daily_report', { queue: 'slow', uniqueOpts: { byArgs: true, byPeriod: ONE_DAY } })
export class DailyReport {
  /** @param day as `2026-11-21` */
  constructor(readonly day: string) {}
}
