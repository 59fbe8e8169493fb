import type { Migration } from '../migration.js';
import {
  ANY_NAME,
  finalizedHasTime,
  isFinal,
  isNotFinal,
  notifyTrigger,
} from './002-initial-schema.js';

export const pendingAndMore: Migration = {
  version: 4,
  name: 'pending and more',
  up: (schema) => `UPDATE ${schema}river_job SET args = '{}' WHERE args IS NULL;
UPDATE ${schema}river_job SET metadata = '{}' WHERE metadata IS NULL;
ALTER TABLE ${schema}river_job
    ALTER COLUMN args SET NOT NULL,
    -- The way back from here to version 3 takes them off.
    ALTER COLUMN metadata SET DEFAULT '{}',
    ALTER COLUMN metadata SET NOT NULL;

-- Cannot be used before it is committed: the reason why versions are not put on in one transaction.
ALTER TYPE ${schema}river_job_state ADD VALUE IF NOT EXISTS 'pending' AFTER 'discarded';

ALTER TABLE ${schema}river_job
    DROP CONSTRAINT finalized_or_finalized_at_null,
    ADD CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND ${isNotFinal(schema)})
        OR (finalized_at IS NOT NULL AND ${isFinal(schema)})
    );

-- From here on whoever inserts notifies.
DROP TRIGGER river_notify ON ${schema}river_job;
DROP FUNCTION ${schema}river_job_notify;

CREATE TABLE ${schema}river_queue (
    name       pg_catalog.text        PRIMARY KEY,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    metadata   pg_catalog.jsonb       NOT NULL DEFAULT '{}',
    paused_at  pg_catalog.timestamptz,
    updated_at pg_catalog.timestamptz NOT NULL
);

ALTER TABLE ${schema}river_leader
    ALTER COLUMN name SET DEFAULT 'default',
    DROP CONSTRAINT name_length,
    ADD CONSTRAINT name_length CHECK (name OPERATOR(pg_catalog.=) 'default');`,
  // The value 'pending' stays: Postgres cannot take a value from an enum.
  down: (schema) => `ALTER TABLE ${schema}river_job
    ALTER COLUMN args DROP NOT NULL,
    ALTER COLUMN metadata DROP NOT NULL,
    ALTER COLUMN metadata DROP DEFAULT,
    DROP CONSTRAINT finalized_or_finalized_at_null,
    ADD ${finalizedHasTime(schema)};

${notifyTrigger(schema)}

DROP TABLE ${schema}river_queue;

ALTER TABLE ${schema}river_leader
    ALTER COLUMN name DROP DEFAULT,
    DROP CONSTRAINT name_length,
    ADD ${ANY_NAME};`,
};
