// River's insert as one writes it by hand: the statements of the subjects `raw` and `typeorm`.
import { createHash } from 'node:crypto';
import { argsOf, KIND } from '../job.mjs';

const RETURNED =
  'id, args, attempt, attempted_at, attempted_by, created_at, errors, finalized_at, kind, ' +
  'max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states';

export const COPIED =
  'args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags';

export function insertOne(schema) {
  return `INSERT INTO ${schema}.river_job (${COPIED})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${RETURNED}`;
}

export const INSERT_MANY = `INSERT INTO public.river_job (${COPIED})
SELECT args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state,
  string_to_array(tags, ',')
FROM unnest($1::jsonb[], $2::timestamptz[], $3::text[], $4::smallint[], $5::jsonb[], $6::smallint[],
  $7::text[], $8::timestamptz[], $9::public.river_job_state[], $10::text[])
  AS job(${COPIED})
RETURNING ${RETURNED}`;

/** As River's Go client: the row in the way is written once more, so that it comes back. */
export const INSERT_UNIQUE = `INSERT INTO public.river_job (${COPIED}, unique_key, unique_states)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL
  AND public.river_job_state_in_bitmask(unique_states, state)
DO UPDATE SET kind = EXCLUDED.kind
RETURNING ${RETURNED}, xmax <> 0 AS unique_skipped_as_duplicate`;

export function valuesOf(number, now = new Date().toISOString()) {
  const args = JSON.stringify(argsOf(number));
  return [args, now, KIND, 25, '{}', 1, 'default', now, 'available', '{}'];
}

export function uniqueValuesOf(number) {
  const values = valuesOf(number);
  const key = createHash('sha256').update(`&kind=${KIND}&args=${values[0]}`).digest();
  return [...values, key, '11110101'];
}

/** One array per column. */
export function manyValuesOf(first, count) {
  const now = new Date().toISOString();
  const rows = Array.from({ length: count }, (_, index) => valuesOf(first + index, now));
  const columns = rows[0].map((_, column) => rows.map((row) => row[column]));
  columns[9].fill('');
  return columns;
}
