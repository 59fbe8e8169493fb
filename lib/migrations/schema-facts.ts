import type { SchemaName } from '../postgres/connection/schema-name.js';

/** Something in the catalogue that distinguishes versions of River's schema. */
export interface SchemaFact {
  /** What there is, if it is so: `table river_job`. */
  readonly name: string;
  /** SQL for whether it is so. */
  readonly isSo: string;
  readonly since: number;
  /** The last version with it. */
  readonly until: number;
}

const JOB_COLUMNS = [
  ...['id', 'state', 'attempt', 'max_attempts', 'attempted_at', 'created_at', 'finalized_at'],
  ...['scheduled_at', 'priority', 'args', 'attempted_by', 'errors', 'kind', 'metadata'],
  ...['queue', 'tags'],
];

/**
 * What the versions add and take away, but for what a way back leaves behind (the state `pending`). The
 * versions 7 and 8 are the same on Postgres, and so are 1 and none.
 */
export function schemaFacts({ prefix }: SchemaName): readonly SchemaFact[] {
  const regclass = (table: string): string => `pg_catalog.to_regclass('${prefix}${table}')`;
  const table = (name: string, since: number, until = Infinity): SchemaFact => ({
    name: `table ${name}`,
    isSo: `${regclass(name)} IS NOT NULL`,
    since,
    until,
  });
  const column = (of: string, columnName: string, condition = 'true'): string =>
    `EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) ${regclass(of)}
       AND attname OPERATOR(pg_catalog.=) '${columnName}' AND NOT attisdropped AND ${condition})`;
  const index = (name: string): string =>
    `EXISTS (SELECT FROM pg_catalog.pg_index JOIN pg_catalog.pg_class ON pg_class.oid OPERATOR(pg_catalog.=) indexrelid
       WHERE indrelid OPERATOR(pg_catalog.=) ${regclass('river_job')} AND relname OPERATOR(pg_catalog.=) '${name}'
       AND indisunique AND indisvalid)`;
  const columns = JOB_COLUMNS.map((name) => column('river_job', name)).join(' AND ');
  return [
    table('river_job', 2),
    onwards(2, `river_job with the columns ${JOB_COLUMNS.join(', ')}`, columns),
    table('river_leader', 2),
    {
      name: 'trigger river_notify on river_job',
      isSo: `EXISTS (SELECT FROM pg_catalog.pg_trigger
        WHERE tgrelid OPERATOR(pg_catalog.=) ${regclass('river_job')} AND tgname OPERATOR(pg_catalog.=) 'river_notify')`,
      since: 2,
      until: 3,
    },
    onwards(3, 'NOT NULL on river_job.tags', column('river_job', 'tags', 'attnotnull')),
    onwards(4, 'NOT NULL on river_job.args', column('river_job', 'args', 'attnotnull')),
    table('river_queue', 4),
    onwards(5, 'column river_job.unique_key', column('river_job', 'unique_key')),
    table('river_client', 5, 6),
    table('river_client_queue', 5, 6),
    {
      name: 'unique index river_job_kind_unique_key_idx',
      isSo: index('river_job_kind_unique_key_idx'),
      since: 5,
      until: 5,
    },
    onwards(6, 'column river_job.unique_states', column('river_job', 'unique_states')),
    onwards(6, 'valid unique index river_job_unique_idx', index('river_job_unique_idx')),
    onwards(
      6,
      'function river_job_state_in_bitmask',
      `EXISTS (SELECT FROM pg_catalog.pg_proc JOIN pg_catalog.pg_class ON relnamespace OPERATOR(pg_catalog.=) pronamespace
        WHERE pg_class.oid OPERATOR(pg_catalog.=) ${regclass('river_job')} AND proname OPERATOR(pg_catalog.=) 'river_job_state_in_bitmask')`,
    ),
    table('river_notification', 7),
    onwards(
      7,
      'default of river_job.max_attempts',
      column('river_job', 'max_attempts', 'atthasdef'),
    ),
    onwards(
      7,
      'default of river_queue.updated_at',
      column('river_queue', 'updated_at', 'atthasdef'),
    ),
  ];
}

function onwards(since: number, name: string, isSo: string): SchemaFact {
  return { name, isSo, since, until: Infinity };
}
