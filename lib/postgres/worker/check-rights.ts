import { RiverConfigurationError } from '../../errors/setup-errors.js';
import type { Connection } from '../connection/connection.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement } from '../connection/statement.js';

/** What the database user of a worker must be allowed to do. */
const RIGHTS = {
  river_job: ['SELECT', 'UPDATE'],
  river_queue: ['SELECT', 'INSERT', 'UPDATE'],
};
/** What one that may lead must be allowed to do beside. */
const LEADER_RIGHTS = {
  river_job: ['DELETE'],
  river_queue: ['DELETE'],
  river_leader: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
};

/**
 * @param mayLead whether the worker may take part in the maintenance of the fleet
 * @throws RiverConfigurationError naming the rights that are missing
 */
export async function checkRights(
  connection: Connection,
  { prefix }: SchemaName,
  mayLead: boolean,
): Promise<void> {
  const wanted = [RIGHTS, ...(mayLead ? [LEADER_RIGHTS] : [])]
    .flatMap((rights) => Object.entries(rights))
    .flatMap(([table, rights]) => rights.map((right) => ({ table: `${prefix}${table}`, right })));
  const rows = await connection.run(CHECK, [
    wanted.map(({ table }) => table),
    wanted.map(({ right }) => right),
  ]);
  if (rows.length === 0) return;
  const grants = rows.map(({ table, right }) => `GRANT ${right} ON ${table}`).join('; ');
  const role = rows[0]?.['role'] ?? '';
  throw new RiverConfigurationError(
    `RiverWorkerModule: the database user "${role}" lacks rights that a worker needs. As the owner of River's ` +
      `tables: ${grants} TO "${role}".`,
    { code: 'RIVER_WORKER_RIGHTS', field: 'dataSource' },
  );
}

const CHECK = statement(
  'rights check',
  `SELECT wanted.relation AS table, wanted.privilege AS right, pg_catalog.quote_ident(current_user) AS role
FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) AS wanted (relation, privilege)
WHERE NOT pg_catalog.has_table_privilege(wanted.relation, wanted.privilege)`,
);
