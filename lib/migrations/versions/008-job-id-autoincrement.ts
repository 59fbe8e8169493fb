import type { Migration } from '../migration.js';

/** Concerns other databases; a sequence of Postgres gives no number twice anyway. */
const nothing = (): string => 'SELECT 1; -- nothing to do on Postgres';

export const jobIdAutoincrement: Migration = {
  version: 8,
  name: 'job id autoincrement',
  up: nothing,
  down: nothing,
};
