import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { JobArgs, RiverClient, RiverModule } from 'nestjs-river';
import {
  complete,
  discard,
  RiverWorkerModule,
  Work,
  type Job,
  type Outcome,
} from 'nestjs-river/worker';
import { partsOf } from '../../lib/client/client-parts.js';
import { start } from '../module/applications.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';

@JobArgs('echo')
class Echo {
  constructor(readonly text: string) {}
}

@JobArgs('echo_with_effects')
class EchoWithEffects {
  constructor(readonly text: string) {}
}

@Injectable()
class Echoes {
  @Work(Echo)
  echo({ args }: Job<Echo>): Outcome {
    return args.text === '' ? discard('nothing to say') : complete(args.text);
  }

  @Work(EchoWithEffects, { transaction: true })
  echoWithEffects({ args }: Job<EchoWithEffects>): Outcome {
    return complete(args.text);
  }
}

let database: TestDatabase;
let app: Awaited<ReturnType<typeof start>>;
let river: RiverClient;
beforeAll(async () => {
  database = await createTestDatabase();
  app = await start([
    TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
    RiverModule.forRoot(),
    RiverWorkerModule.forRoot({ queues: { default: 100 } }),
    { module: class EchoModule {}, providers: [Echoes] },
  ]);
  river = app.get(RiverClient);
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => app.close());

/** The states of the rows of ended jobs, when those who wait in the process were notified. */
async function statesWhenNotified(work: () => Promise<unknown>): Promise<unknown[]> {
  const states: Promise<unknown[]>[] = [];
  let notified = (): void => undefined;
  const isNotified = new Promise<void>((resolve) => (notified = resolve));
  const { results } = partsOf(river);
  const ended = results.ended.bind(results);
  jest.spyOn(results, 'ended').mockImplementation((ids) => {
    const all = [...ids];
    states.push(
      queryAll(database, 'select id::text, state from river_job where id = any($1)', [all]),
    );
    ended(all);
    notified();
  });
  await work();
  // A poll may have found the job before.
  await isNotified;
  return (await Promise.all(states)).flat();
}

describe('Whoever waits for a job that is worked in the same process', () => {
  test.each([new Echo('hello'), new EchoWithEffects('hello')])(
    'is notified when its outcome is stored: %p',
    async (args) => {
      let id = '';
      const states = await statesWhenNotified(async () => {
        const { job, output } = await river.insertAndWait(args);
        id = String(job.id);
        expect(job).toMatchObject({ state: 'completed', attempt: 1, args: { text: 'hello' } });
        expect(output).toBe('hello');
      });

      expect(states).toEqual([{ id, state: 'completed' }]);
    },
  );

  test('is notified when it is discarded', async () => {
    const states = await statesWhenNotified(async () => {
      await expect(river.insertAndWait(new Echo(''))).rejects.toThrow('nothing to say');
    });

    expect(states).toMatchObject([{ state: 'discarded' }]);
  });

  test('gets the answer of each of many', async () => {
    const texts = Array.from({ length: 300 }, (_, place) => `text ${place}`);
    const results = await Promise.all(texts.map((text) => river.insertAndWait(new Echo(text))));

    expect(results.map(({ output }) => output)).toEqual(texts);
  });
});
