import type { Migration } from '../migration.js';
import { clientTables, dropClientTables } from './005-migration-unique-client.js';

export const notificationOutbox: Migration = {
  version: 7,
  name: 'notification outbox sqlite jsonb and sql cleanup',
  up: (schema) => `CREATE TABLE ${schema}river_notification (
    id         bigserial   PRIMARY KEY,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    payload    pg_catalog.text        NOT NULL,
    topic      pg_catalog.text        NOT NULL,
    CONSTRAINT topic_length CHECK (pg_catalog.length(topic) OPERATOR(pg_catalog.>) 0 AND pg_catalog.length(topic) OPERATOR(pg_catalog.<) 128)
);
CREATE INDEX river_notification_created_at_idx ON ${schema}river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON ${schema}river_notification (topic, id);

${dropClientTables(schema)}

ALTER TABLE ${schema}river_job ALTER COLUMN max_attempts SET DEFAULT 25;
ALTER TABLE ${schema}river_queue ALTER COLUMN updated_at SET DEFAULT CURRENT_TIMESTAMP;`,
  down: (schema) => `${clientTables(schema)}

ALTER TABLE ${schema}river_job ALTER COLUMN max_attempts DROP DEFAULT;
ALTER TABLE ${schema}river_queue ALTER COLUMN updated_at DROP DEFAULT;

DROP TABLE ${schema}river_notification;`,
};
