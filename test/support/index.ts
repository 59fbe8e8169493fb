/** Everything a test file needs to meet a real Postgres. */
export { allowWarning } from './allowed-warnings.js';
export type { SentStatement } from './connection-record.js';
export { createDataSource, untilPoolIsEmpty, type TestDataSourceOptions } from './data-source.js';
export { PLANTED, prepareEvil, type PlantedSchema } from './planted-schema.js';
export { connect, queryAll, type Connectable } from './query.js';
export { spyStatements, type Sent, type StatementSpy } from './statement-spy.js';
export {
  createEmptyDatabase,
  createTestDatabase,
  installRiver,
  type TestDatabase,
} from './test-database.js';
