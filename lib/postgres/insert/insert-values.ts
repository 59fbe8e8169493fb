import type { InsertParams } from '../../insert/insert-params.js';
import type { InsertColumn } from './insert-columns.js';

/** No JSON text holds this character unescaped. */
const ARGS_SEPARATOR = '\x1e';

/** The parameters of a statement for one job: its args, then a value for each column. */
export function oneJobValues(job: InsertParams, columns: readonly InsertColumn[]): unknown[] {
  return [job.encodedArgs, ...columns.map((column) => encode(column, column.read(job)))];
}

/**
 * The parameters of a statement for several jobs: their args, then a list and a value for each
 * column, of which one is null. Jobs of one call are mostly alike but for their args, and what all
 * have in common travels, and is read by the server, once.
 */
export function manyJobsValues(
  jobs: readonly InsertParams[],
  columns: readonly InsertColumn[],
): unknown[] {
  return [
    jobs.map(({ encodedArgs }) => encodedArgs).join(ARGS_SEPARATOR),
    ...columns.flatMap((column) => {
      const values = jobs.map(column.read);
      return values.every((value) => value === values[0])
        ? [null, encode(column, values[0] ?? null)]
        : [values.map((value) => encode(column, value)), null];
    }),
  ];
}

/** SQL for the jobs of {@link manyJobsValues} as rows; `ordinal` is their place, from 1. */
export function manyJobsRows(columns: readonly InsertColumn[], prefix: string): string {
  const lists = columns.map(({ type }, place) => `$${2 * place + 2}::${type}[]`);
  const values = columns.map(({ name, type, convert = same }, place) => {
    const value = `coalesce(given.${name}, $${2 * place + 3}::${type})`;
    return `${convert(value, prefix)} AS ${name}`;
  });
  return `(
  SELECT ordinal, given.args::pg_catalog.jsonb AS args, ${values.join(', ')}
  FROM unnest(pg_catalog.string_to_array($1, E'\\x1e'), ${lists.join(', ')})
    WITH ORDINALITY AS given(args, ${columns.map(({ name }) => name).join(', ')}, ordinal)
)`;
}

/** SQL for the values of {@link oneJobValues}. */
export function oneJobRow(columns: readonly InsertColumn[], prefix: string): string {
  const values = columns.map(({ type, convert = same }, place) =>
    convert(`$${place + 2}::${type}`, prefix),
  );
  return ['$1::pg_catalog.jsonb', ...values].join(', ');
}

function same(value: string): string {
  return value;
}

function encode({ encode }: InsertColumn, value: string | number | null): unknown {
  return encode === undefined || value === null ? value : encode(value as never);
}
