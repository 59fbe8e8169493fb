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
  schema: SchemaName,
): Promise<DatabaseError> {
  if (await isRowSecurityActive(connection, schema)) return hidden();
  const cause = new Error(
    `an equal unique job appeared and disappeared ${MAX_LOOKS} times in a row`,
  );
  return new DatabaseError('insert', Object.assign(cause, { code: '40001' }));
}

/**
 * The same for a table with triggers, one of which may have dropped the job. undefined: it did, since no
 * policy hides anything.
 */
export async function hiddenOrDropped(
  connection: Connection,
  schema: SchemaName,
): Promise<DatabaseError | undefined> {
  return (await isRowSecurityActive(connection, schema)) ? hidden(OR_DROPPED) : undefined;
}

const HIDDEN =
  'An equal unique job is stored already, but was not found: most likely a row-level security policy ' +
  'of river_job hides it from the database user';

const OR_DROPPED =
  'Either a BEFORE INSERT trigger on river_job dropped the job, or an equal unique job is stored already ' +
  'and a row-level security policy of river_job hides it from the database user';

async function isRowSecurityActive(
  connection: Connection,
  { prefix }: SchemaName,
): Promise<boolean> {
  const active = statement(
    'unique look-up',
    `SELECT pg_catalog.row_security_active('${prefix}river_job'::pg_catalog.regclass) AS active`,
  );
  const [row] = await connection.run(active, []);
  return row?.['active'] === 't';
}

function hidden(what = HIDDEN): DatabaseError {
  const cause = new Error(
    'the job is neither stored nor preceded by one that the database user can see',
  );
  return new DatabaseError('insert', Object.assign(cause, { code: '42501' }), {
    message:
      `${what}. Nothing was inserted. Let the policy FOR SELECT show ` +
      'all jobs that may be equal, or make what the policy looks at, such as a tenant, part of the args ' +
      'and of uniqueOpts.',
  });
}
