import { z } from 'zod';

export const dailyReportBody = z.strictObject({
  day: z.iso
    .date()
    .optional()
    .meta({ description: 'Today (UTC) if left out', example: '2026-11-21' }),
});
export type DailyReportBody = z.infer<typeof dailyReportBody>;
