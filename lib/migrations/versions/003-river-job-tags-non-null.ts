import type { Migration } from '../migration.js';

export const riverJobTagsNonNull: Migration = {
  version: 3,
  name: 'river job tags non null',
  up: (schema) => `UPDATE ${schema}river_job SET tags = '{}' WHERE tags IS NULL;
ALTER TABLE ${schema}river_job
    ALTER COLUMN tags SET DEFAULT '{}',
    ALTER COLUMN tags SET NOT NULL;`,
  down: (schema) => `ALTER TABLE ${schema}river_job
    ALTER COLUMN tags DROP NOT NULL,
    ALTER COLUMN tags DROP DEFAULT;`,
};
