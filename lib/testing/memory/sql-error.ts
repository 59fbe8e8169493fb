/** What Postgres would report, in the form of the driver. */
export class SqlError extends Error {
  readonly severity = 'ERROR';
  readonly routine = 'memory';

  constructor(
    readonly code: string,
    message: string,
    readonly constraint?: string,
  ) {
    super(message);
  }
}

export function uniqueViolation(): SqlError {
  return new SqlError(
    '23505',
    'duplicate key value violates unique constraint "river_job_unique_idx"',
    'river_job_unique_idx',
  );
}
