import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { RiverJobEntity, RiverQueueEntity, type RiverJob } from 'nestjs-river/entities';
import {
  Column,
  DefaultNamingStrategy,
  Entity,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  type DataSource,
  type NamingStrategyInterface,
} from 'typeorm';
import { startClient, type StartedClient } from '../client/started-client.js';
import {
  configurationError,
  silence,
  withApplication,
  type Imports,
} from '../module/applications.js';
import { createDataSource, queryAll } from '../support/index.js';

const snakeCase = (name: string): string =>
  name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();

/** As the package typeorm-naming-strategies has it. */
class SnakeNamingStrategy extends DefaultNamingStrategy {
  override tableName(className: string, customName?: string): string {
    return customName || snakeCase(className);
  }
  override columnName(property: string, customName: string, prefixes: string[]): string {
    return snakeCase([...prefixes, ''].join('_')) + (customName || snakeCase(property));
  }
  override joinColumnName(relation: string, referenced: string): string {
    return snakeCase(`${relation}_${referenced}`);
  }
}

class UpperCaseStrategy extends DefaultNamingStrategy {
  override tableName(className: string, customName?: string): string {
    return customName ?? className.toUpperCase();
  }
  override columnName(property: string, customName: string | undefined): string {
    return customName ?? property.toUpperCase();
  }
}

class PluralStrategy extends DefaultNamingStrategy {
  override tableName(className: string, customName?: string): string {
    return customName ?? `${snakeCase(className)}s`;
  }
}

class PrefixStrategy extends DefaultNamingStrategy {
  override columnName(property: string, customName: string | undefined): string {
    return customName ?? `c_${property}`;
  }
}

/** Strategies that change names given as well. */
class UpperCaseAllStrategy extends DefaultNamingStrategy {
  override tableName(className: string, customName?: string): string {
    return (customName ?? className).toUpperCase();
  }
}
class PrefixAllStrategy extends DefaultNamingStrategy {
  override columnName(property: string, customName: string | undefined): string {
    return `c_${customName ?? property}`;
  }
}

@Entity()
class Invoice {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  email!: string;

  @ManyToOne(() => RiverJobEntity, { nullable: true, createForeignKeyConstraints: false })
  @JoinColumn()
  job!: RiverJob | null;
}

let client: StartedClient;
beforeAll(async () => {
  silence();
  client = await startClient();
  await queryAll(
    client.database,
    `insert into river_queue (name, updated_at) values ('slow', now())`,
  );
});
afterAll(() => client.stop());

/** Opens a data source with the entities, hands it out with the modules of an application, and closes it. */
async function withDataSource(
  options: { namingStrategy?: NamingStrategyInterface; entityPrefix?: string },
  use: (dataSource: DataSource, modules: Imports) => Promise<void>,
): Promise<void> {
  const entities = [RiverJobEntity, RiverQueueEntity, Invoice];
  const dataSource = await createDataSource(client.database, { entities, ...options });
  try {
    await use(dataSource, [RiverModule.forRoot({ dataSource, notify: false })]);
  } finally {
    await dataSource.destroy();
  }
}

describe('the entities have the names of River with a naming strategy', () => {
  test.each([
    ['of snake case', new SnakeNamingStrategy()],
    ['of upper case', new UpperCaseStrategy()],
    ['that pluralizes tables', new PluralStrategy()],
    ['that puts a prefix before columns', new PrefixStrategy()],
  ])('%s', async (_which, namingStrategy) => {
    await withDataSource({ namingStrategy }, async (dataSource, modules) => {
      await dataSource.synchronize();
      const river = new RiverClient(dataSource, { notify: false });
      const opts = { uniqueOpts: { byArgs: true as const }, tags: ['tag'] };
      const { job } = await river.insert(jobArgs('named', { n: 1 }), opts);
      const { encodedArgs: _text, ...fields } = job;
      const found = await dataSource.getRepository(RiverJobEntity).findOneByOrFail({ id: job.id });
      expect({ ...found }).toEqual(fields);
      const queues = await dataSource.getRepository(RiverQueueEntity).find();
      expect(queues).toMatchObject([{ name: 'slow', metadata: {} }]);
      const invoices = dataSource.getRepository(Invoice);
      await invoices.save({ email: 'ada@example.com', job: found });
      const where = { job: { kind: 'named' } };
      expect(await invoices.find({ relations: { job: true }, where })).toMatchObject([
        { job: { args: { n: 1 } } },
      ]);
      await river.jobDelete(job.id);
      await invoices.clear();
      await withApplication(modules, (app) => expect(app.get(RiverClient)).toBeDefined());
    });
  });
});

describe('the start is rejected with', () => {
  test.each<[string, NamingStrategyInterface, object, string]>([
    [
      'a strategy that renames tables with names',
      new UpperCaseAllStrategy(),
      {},
      'table "river_job" (entity RiverJob) under the name "RIVER_JOB", by its naming strategy (UpperCaseAllStrategy)',
    ],
    [
      'a strategy that renames columns with names',
      new PrefixAllStrategy(),
      {},
      'column "id" (entity RiverJob) under the name "c_id", by its naming strategy (PrefixAllStrategy)',
    ],
    [
      'an entityPrefix',
      new DefaultNamingStrategy(),
      { entityPrefix: 'app_' },
      'under the name "app_river_job", by its entityPrefix',
    ],
  ])('%s', async (_which, namingStrategy, options, text) => {
    await withDataSource({ namingStrategy, ...options }, async (_dataSource, modules) => {
      const error = await configurationError(modules);
      expect(error).toMatchObject({ code: 'RIVER_ENTITY_RENAMED', field: 'entities' });
      expect(error.message).toContain(text);
    });
  });
});
