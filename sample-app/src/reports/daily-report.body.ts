import { body, type BodyOf } from '../http/body.js';
import { optional, textLike } from '../http/field.js';

export const dailyReportBody = body({
  day: optional(
    textLike(/^\d{4}-\d{2}-\d{2}$/, 'a day such as 2026-11-21', {
      description: 'Today (UTC) if left out',
      example: '2026-11-21',
    }),
  ),
});
export type DailyReportBody = BodyOf<typeof dailyReportBody>;
