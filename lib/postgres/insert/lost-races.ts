import { DatabaseError } from '../../errors/database-errors.js';
import type { Connection } from '../connection/connection.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement } from '../connection/statement.js';

/**
 * A lost race is over when the winner's transaction is, so one more look nearly always finds its job.
 * More are needed only while equal jobs come and go faster than we look.
 */
export const MAX_LOOKS = 20;

/**
 * An equal job that conflicts each time and is never found: most likely a row-level policy hides it.
 * Otherwise this is a serialization failure, after which the same call may succeed.
 */
export async function lostTooManyRaces(
  connection: Connection,
  { prefix }: SchemaName,
): Promise<DatabaseError> {
  const active = statement(
    'unique look-up',
    `SELECT pg_catalog.row_security_active('${prefix}river_job'::pg_catalog.regclass) AS active`,
  );
  const [row] = await connection.run(active, []);
  if (row?.['active'] === 't') return hidden();
  const cause = new Error(
    `an equal unique job appeared and disappeared ${MAX_LOOKS} times in a row`,
  );
  return new DatabaseError('insert', Object.assign(cause, { code: '40001' }));
}

function hidden(): DatabaseError {
  const cause = new Error('an equal unique job conflicts, but the database user cannot see it');
  return new DatabaseError('insert', Object.assign(cause, { code: '42501' }), {
    message:
      'An equal unique job is stored already, but was not found: most likely a row-level security policy ' +
      'of river_job hides it from the database user. Nothing was inserted. Let the policy FOR SELECT show ' +
      'all jobs that may be equal, or make what the policy looks at, such as a tenant, part of the args ' +
      'and of uniqueOpts.',
  });
}
