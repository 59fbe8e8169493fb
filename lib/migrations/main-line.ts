import type { Migration } from './migration.js';
import { createRiverMigration } from './versions/001-create-river-migration.js';
import { initialSchema } from './versions/002-initial-schema.js';
import { riverJobTagsNonNull } from './versions/003-river-job-tags-non-null.js';
import { pendingAndMore } from './versions/004-pending-and-more.js';
import { migrationUniqueClient } from './versions/005-migration-unique-client.js';
import { bulkUnique } from './versions/006-bulk-unique.js';
import { notificationOutbox } from './versions/007-notification-outbox.js';
import { jobIdAutoincrement } from './versions/008-job-id-autoincrement.js';

/** River's line `main`, the only one there is on Postgres, in order. */
export const MAIN_LINE: readonly Migration[] = [
  createRiverMigration,
  initialSchema,
  riverJobTagsNonNull,
  pendingAndMore,
  migrationUniqueClient,
  bulkUnique,
  notificationOutbox,
  jobIdAutoincrement,
];

/** The newest version that this package knows. */
export const NEWEST_VERSION = MAIN_LINE.length;
