import type { InsertParams } from '../../insert/insert-params.js';

/** One time of a periodic job. */
export interface PeriodicTime {
  readonly id: string;
  readonly at: Date;
}

/**
 * The parameters of a job with what River writes of periodic ones: it is scheduled for the very time
 * planned, unless it has a time of its own, and may be worked at once.
 */
export function periodicParams(job: InsertParams, { id, at }: PeriodicTime): InsertParams {
  const fields = `"periodic":true,"river:periodic_job_id":${JSON.stringify(id)}}`;
  const others = job.metadata.trimEnd().slice(0, -1).trimEnd();
  return Object.freeze({
    ...job,
    schedule: job.state === 'scheduled' ? job.schedule : { at },
    // Of equal keys jsonb keeps the last.
    metadata: others + (others.endsWith('{') ? '' : ',') + fields,
  });
}
