import { expect, jest, test } from '@jest/globals';
import type { DataSource } from 'typeorm';

/** A copy of the module, as of another installation of the package. */
async function copy(): Promise<typeof import('../../lib/data-source/data-source-claim.js')> {
  jest.resetModules();
  return await import('../../lib/data-source/data-source-claim.js');
}

test('Another copy of the package is rejected until the last module of the first has left the data source', async () => {
  const [ours, others] = [await copy(), await copy()];
  const dataSource = {} as DataSource;
  const leave = [ours.claimDataSource(dataSource), ours.claimDataSource(dataSource)];
  const rejected = expect.objectContaining({ code: 'RIVER_OTHER_COPY' }) as unknown as Error;
  leave[0]?.();
  expect(() => others.claimDataSource(dataSource)).toThrow(rejected);
  leave[1]?.();
  others.claimDataSource(dataSource);
  expect(() => ours.claimDataSource(dataSource)).toThrow(rejected);
});
