import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/index.js';

const require = createRequire(import.meta.url);
const ofJest = createRequire(require.resolve('jest-environment-node'));
/** What Sinon, Vitest and Jest fake timers with. */
const FAKE_TIMERS = createRequire(ofJest.resolve('@jest/fake-timers')).resolve(
  '@sinonjs/fake-timers',
);
const run = promisify(execFile);

describe.each(['before', 'after'])(
  'with fake timers installed %s the library is loaded',
  (when) => {
    test('an application inserts, commits, waits and ends', async () => {
      const { url } = await createTestDatabase();
      const { stdout } = await run(process.execPath, ['test/client/faked-application.mjs', when], {
        env: { ...process.env, FAKE_TIMERS, DATABASE_URL: url },
        timeout: 60_000,
      });
      expect(JSON.parse(stdout)).toEqual({ attempts: 2, code: 'RIVER_WAIT_TIMEOUT', count: 3_011 });
    }, 90_000);
  },
);

test('timers are real where ticks are faked, too', async () => {
  const script = `
    const fakeTimers = require(process.env.FAKE_TIMERS);
    fakeTimers.install();
    import(process.cwd() + '/dist/lib/real-time.js').then(async (time) => {
      const since = time.now();
      await time.sleep(5);
      await new Promise((resolve) => time.setTimeout(resolve, 1));
      await new Promise((resolve) => {
        const timer = time.setInterval(() => resolve(time.clearInterval(timer)), 1);
      });
      await time.nextTurn();
      await time.endOfMicrotasks();
      require('node:fs').writeSync(1, String(time.now() > since));
    });`;
  const { stdout } = await run(process.execPath, ['-e', script], {
    env: { ...process.env, FAKE_TIMERS },
    timeout: 30_000,
  });
  expect(stdout).toBe('true');
});
