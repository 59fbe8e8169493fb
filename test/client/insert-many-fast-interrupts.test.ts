import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { RiverError } from 'nestjs-river';
import { copyLimits } from '../../lib/postgres/copy/copy-limits.js';
import {
  allowWarning,
  connect,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { inUse, NOT_IN_USE } from '../transaction/orders.js';
import { CellRun, cellsOf, MODES, reported, until } from './bulk-cells.js';
import { countJobs } from './started-client.js';

// Items that ask for a statement of an application's own transaction overlap with the COPY on it.
allowWarning(/when the client is already executing a query/);

const usual = { ...copyLimits };

let database: TestDatabase;
let holder: pg.Client;
beforeAll(async () => {
  Object.assign(copyLimits, { checkEveryMs: 10, stalledAfterMs: 60, cutAfterMs: 50 });
  database = await createTestDatabase();
});
beforeEach(async () => {
  holder = await connect(database);
});
afterEach(() => holder.end());
afterAll(() => {
  Object.assign(copyLimits, usual);
});

/** Until the server has heard that a connection is gone. */
async function serverIsIdle(): Promise<boolean> {
  const busy = await queryAll(
    database,
    `select 1 from pg_stat_activity where datname = current_database() and state <> 'idle'
     and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  return busy.length === 0;
}

describe.each(MODES)('insertManyFast by way of %s ends, whatever interrupts it', (mode) => {
  test.each(cellsOf(mode))('$place, waiting: $phase, $interrupt', async (cell) => {
    await CellRun.play(cell, { database, holder }, async (outcome, { dataSource }) => {
      expect(outcome.reported).toMatchObject(reported(cell));
      expect(outcome.inserted).toBeInstanceOf(RiverError);
      await until(serverIsIdle);
      expect(await countJobs(database)).toBe(0);
      await until(() => inUse(dataSource)['waiting'] === 0);
      if (dataSource.isInitialized) expect(inUse(dataSource)).toEqual(NOT_IN_USE);
    });
  });
});
