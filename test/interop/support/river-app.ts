import { Test } from '@nestjs/testing';
import { RiverClient, RiverModule, type RiverModuleOptions } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import { createDataSource, type Connectable } from '../../support/index.js';

/** Our client in a Nest application of its own, with a clock that a test may stop. */
export interface RiverApp {
  readonly river: RiverClient;
  readonly dataSource: DataSource;
  close(): Promise<void>;
}

/** For `public` the schema is left to the search path, as most applications do. */
export async function openRiver(
  database: Connectable,
  { schema = 'public', ...options }: RiverModuleOptions = {},
): Promise<RiverApp> {
  const dataSource = await createDataSource(database);
  const where = schema === 'public' ? {} : { schema };
  const module = await Test.createTestingModule({
    imports: [RiverModule.forRoot({ dataSource, ...where, ...options })],
  }).compile();
  const app = await module.init();
  return {
    river: app.get(RiverClient),
    dataSource,
    close: async () => {
      await app.close();
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}
