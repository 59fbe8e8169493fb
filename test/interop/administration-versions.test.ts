import { expect, test } from '@jest/globals';
import { plantJobs } from '../administration/planted-jobs.js';
import { createEmptyDatabase, queryAll } from '../support/index.js';
import { GoClient } from './support/go-client.js';
import { openRiver } from './support/river-app.js';
import { describeWithGo } from './support/toolchain.js';

describeWithGo("River's schema", () => {
  test.each([6, 7, 8])(
    'version %s takes every call',
    async (version) => {
      const database = await createEmptyDatabase({ schema: 'river' });
      const { schema } = database;
      const go = await GoClient.start(database);
      await go.migrate({ schema, targetVersion: version });
      await go.close();
      await queryAll(
        database,
        `insert into ${schema}.river_queue (name, updated_at) values ('default', now())`,
      );
      const app = await openRiver(database, { schema });
      try {
        const { river } = app;
        const [id = ''] = await plantJobs(database, [
          {},
          { state: 'completed' },
          { state: 'running' },
        ]);
        expect(await river.jobGet(id)).toMatchObject({ id, state: 'available' });
        expect(await river.jobCancel(id)).toMatchObject({ state: 'cancelled' });
        expect(await river.jobRetry(id)).toMatchObject({ state: 'available' });
        expect(await river.jobUpdate(id, { output: 1 })).toMatchObject({ metadata: { output: 1 } });
        for (const orderBy of ['id', 'time', 'scheduledAt', 'finalizedAt'] as const) {
          const { jobs, lastCursor } = await river.jobList({ orderBy, first: 1 });
          expect(jobs).toHaveLength(1);
          const rest = await river.jobList({ orderBy, after: lastCursor });
          expect(rest.jobs).toHaveLength(orderBy === 'finalizedAt' ? 0 : 2);
        }
        expect(await river.jobDelete(id)).toMatchObject({ id });
        expect((await river.jobDeleteMany({ unsafeAll: true })).jobs).toHaveLength(1);
        await river.queuePause('*');
        expect((await river.queueGet('default')).pausedAt).toBeInstanceOf(Date);
        await river.queueResume('default');
        await river.queueUpdate('default', { metadata: { a: 1 } });
        expect((await river.queueList()).queues).toMatchObject([
          { pausedAt: null, metadata: { a: 1 } },
        ]);
        expect(await river.queueStats()).toMatchObject([
          { name: 'default', counts: { running: 1 } },
        ]);
      } finally {
        await app.close();
      }
    },
    120_000,
  );
});
