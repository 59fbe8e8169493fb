import type { Migration } from '../migration.js';

/**
 * Up to version 3 a trigger wakes workers. The body's text is River's to the letter, since a dump
 * shows it as it stands.
 */
export const notifyTrigger = (schema: string): string =>
  `CREATE OR REPLACE FUNCTION ${schema}river_job_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  payload json;
BEGIN
  IF NEW.state = 'available' THEN
    -- Notify will coalesce duplicate notifications within a transaction, so
    -- keep these payloads generalized:
    payload = json_build_object('queue', NEW.queue);
    PERFORM
      pg_notify('river_insert', payload::text);
  END IF;
  RETURN NULL;
END;
$$;

CREATE TRIGGER river_notify AFTER INSERT ON ${schema}river_job
    FOR EACH ROW EXECUTE FUNCTION ${schema}river_job_notify();`;

/** Whether a text is as long as names may be. */
export function isName(column: string): string {
  const length = `pg_catalog.char_length(${column})`;
  return `${length} OPERATOR(pg_catalog.>) 0 AND ${length} OPERATOR(pg_catalog.<) 128`;
}

const finalStates = (schema: string): string =>
  `(ARRAY['cancelled', 'completed', 'discarded']::${schema}river_job_state[])`;

/** Whether a job is in a last state. Postgres stores the same as for `state IN (...)`. */
export const isFinal = (schema: string): string =>
  `state OPERATOR(pg_catalog.=) ANY ${finalStates(schema)}`;

/** As `state NOT IN (...)`. */
export const isNotFinal = (schema: string): string =>
  `state OPERATOR(pg_catalog.<>) ALL ${finalStates(schema)}`;

/** Until version 4, and after a way back to version 3, a job in a last state must have its time. */
export const finalizedHasTime = (
  schema: string,
): string => `CONSTRAINT finalized_or_finalized_at_null CHECK (
        (${isFinal(schema)} AND finalized_at IS NOT NULL)
        OR finalized_at IS NULL
    )`;

/** Until version 4 there could have been leaders of several names. */
export const ANY_NAME = `CONSTRAINT name_length CHECK (${isName('name')})`;

/**
 * The state that version 4 adds, if that follows at once: then version 6, which uses it, can follow in
 * the same transaction. Before Postgres 17 it could not, where the state was added to the type.
 */
const pendingAhead = (last: number): string => (last >= 4 ? `'pending', ` : '');

export const initialSchema: Migration = {
  version: 2,
  name: 'initial schema',
  up: (schema, last = 2) => `CREATE TYPE ${schema}river_job_state AS ENUM (
    'available', 'cancelled', 'completed', 'discarded', ${pendingAhead(last)}'retryable', 'running', 'scheduled'
);

CREATE TABLE ${schema}river_job (
    id           bigserial   PRIMARY KEY,
    state        ${schema}river_job_state NOT NULL DEFAULT 'available',
    attempt      smallint    NOT NULL DEFAULT 0,
    max_attempts smallint    NOT NULL,
    attempted_at pg_catalog.timestamptz,
    created_at   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    finalized_at pg_catalog.timestamptz,
    scheduled_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    priority     smallint    NOT NULL DEFAULT 1,
    args         pg_catalog.jsonb,
    attempted_by pg_catalog.text[],
    errors       pg_catalog.jsonb[],
    kind         pg_catalog.text        NOT NULL,
    metadata     pg_catalog.jsonb       NOT NULL DEFAULT '{}',
    queue        pg_catalog.text        NOT NULL DEFAULT 'default',
    tags         varchar(255)[],
    ${finalizedHasTime(schema)},
    CONSTRAINT kind_length CHECK (${isName('kind')}),
    CONSTRAINT max_attempts_is_positive CHECK (max_attempts OPERATOR(pg_catalog.>) 0),
    CONSTRAINT priority_in_range CHECK (priority OPERATOR(pg_catalog.>=) 1 AND priority OPERATOR(pg_catalog.<=) 4),
    CONSTRAINT queue_length CHECK (${isName('queue')})
);

CREATE INDEX river_job_args_index ON ${schema}river_job USING gin (args);
CREATE INDEX river_job_kind ON ${schema}river_job (kind);
CREATE INDEX river_job_metadata_index ON ${schema}river_job USING gin (metadata);
CREATE INDEX river_job_prioritized_fetching_index
    ON ${schema}river_job (state, queue, priority, scheduled_at, id);
CREATE INDEX river_job_state_and_finalized_at_index
    ON ${schema}river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;

${notifyTrigger(schema)}

CREATE UNLOGGED TABLE ${schema}river_leader (
    elected_at pg_catalog.timestamptz NOT NULL,
    expires_at pg_catalog.timestamptz NOT NULL,
    leader_id  pg_catalog.text        NOT NULL,
    name       pg_catalog.text        PRIMARY KEY,
    CONSTRAINT leader_id_length CHECK (${isName('leader_id')}),
    ${ANY_NAME}
);`,
  down: (schema) => `DROP TABLE ${schema}river_job;
DROP FUNCTION ${schema}river_job_notify;
DROP TYPE ${schema}river_job_state;
DROP TABLE ${schema}river_leader;`,
};
