import type { Jsonify } from './jsonify.js';
import { JobRow as StoredJobRow } from './stored-job-row.js';

export type { AttemptError, JobRowFields } from './stored-job-row.js';

/** A job whose args are of type `Args`; `args` is what JSON makes of them. */
export type JobRow<Args = unknown> = StoredJobRow<Jsonify<Args>>;
export const JobRow = StoredJobRow;
