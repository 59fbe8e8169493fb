import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { JobView } from './job-view.js';

/**
 * Reads River's table. By SQL for now: the library inserts jobs, and reading them is to come.
 * Newest first means by id, which rises with every insert, while clocks may not.
 */
@Injectable()
export class JobsService {
  constructor(private readonly dataSource: DataSource) {}

  latest(limit: number): Promise<JobView[]> {
    return this.dataSource.query<JobView[]>(
      `SELECT id::text, kind, state, queue, priority, args, metadata->'output' AS output, attempt,
              created_at AS "createdAt", scheduled_at AS "scheduledAt", finalized_at AS "finalizedAt"
         FROM river_job ORDER BY river_job.id DESC LIMIT $1`,
      [limit],
    );
  }

  /** How many jobs there are in each state that occurs. */
  async countByState(): Promise<Record<string, number>> {
    const rows = await this.dataSource.query<{ state: string; count: number }[]>(
      'SELECT state, count(*)::int AS count FROM river_job GROUP BY state',
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }
}
