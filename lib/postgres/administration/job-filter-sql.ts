import type { CheckedJobFilters } from '../../admin/job-filters.js';
import type { SchemaName } from '../connection/schema-name.js';
import { timestamp } from '../rows/timestamp.js';

/** The parameters of a statement that is put together: gives each value its place. */
export class Parameters {
  readonly values: unknown[] = [];

  /** @returns SQL for the value: `$3::bigint` */
  add(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}

/** SQL for what each filter asks of `river_job AS job`. */
export function jobConditions(
  { prefix }: SchemaName,
  filters: CheckedJobFilters,
  parameters: Parameters,
): string[] {
  const { ids, kinds, queues, priorities, states, tagsAll, tagsAny, args, metadata } = filters;
  const isIn = (column: string, type: string, list: readonly string[] | undefined): string[] =>
    list === undefined
      ? []
      : [`job.${column} OPERATOR(pg_catalog.=) ANY (${parameters.add(list, `${type}[]`)})`];
  const holds = (column: string, operator: string, type: string, value: unknown): string[] =>
    value === undefined
      ? []
      : [`job.${column} OPERATOR(pg_catalog.${operator}) ${parameters.add(value, type)}`];
  return [
    ...isIn('id', 'bigint', ids),
    ...isIn('kind', 'pg_catalog.text', kinds),
    ...isIn('queue', 'pg_catalog.text', queues),
    ...isIn('priority', 'smallint', priorities),
    ...isIn('state', `${prefix}river_job_state`, states),
    ...holds('tags', '@>', 'varchar[]', tagsAll),
    ...holds('tags', '&&', 'varchar[]', tagsAny),
    ...holds('args', '@>', 'pg_catalog.jsonb', args),
    ...holds('metadata', '@>', 'pg_catalog.jsonb', metadata),
    ...TIMES.flatMap(([name, column]) => [
      ...holds(
        column,
        '>=',
        'pg_catalog.timestamptz',
        filters[name]?.from && timestamp(filters[name].from),
      ),
      ...holds(
        column,
        '<',
        'pg_catalog.timestamptz',
        filters[name]?.to && timestamp(filters[name].to),
      ),
    ]),
  ];
}

const TIMES = [
  ['createdAt', 'created_at'],
  ['attemptedAt', 'attempted_at'],
  ['scheduledAt', 'scheduled_at'],
  ['finalizedAt', 'finalized_at'],
] as const;

/**
 * What to order by, for jobs by their ids. Of these states there are few in a big table, and they lie
 * close together: a walk along the ids, which the planner takes for short, may pass all the others
 * first. It is kept from that by an expression, and takes the index of the states instead.
 *
 * The price: each page reads all of that index's entries of these states, to sort them by their ids.
 * Where millions of jobs wait, a walk along the ids would be shorter.
 */
export function idOrder({ states }: CheckedJobFilters): string {
  return states === undefined || states.includes('completed')
    ? 'job.id'
    : 'job.id OPERATOR(pg_catalog.+) 0';
}
