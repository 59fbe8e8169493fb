// Runs an application while every timer that `@sinonjs/fake-timers` can replace is faked, except the ticks
// that Node's own sockets need. Sinon and Vitest fake by that package. Takes the built package:
//   FAKE_TIMERS=<path> DATABASE_URL=<url> node test/client/faked-application.mjs before|after
import { createRequire } from 'node:module';

const [, , when = 'before'] = process.argv;
const require = createRequire(import.meta.url);
const fakeTimers = require(process.env['FAKE_TIMERS'] ?? '');
const load = async () => ({
  ...(await import('typeorm')),
  ...(await import('@nestjs/testing')),
  ...(await import('nestjs-river')),
});

const early = when === 'after' ? await load() : undefined;
const clock = fakeTimers.install({ toNotFake: ['nextTick'], now: Date.UTC(2001, 0, 1) });
const { DataSource, Test, RiverClient, RiverModule, RiverTransaction, jobArgs } =
  early ?? (await load());

const dataSource = new DataSource({ type: 'postgres', url: process.env['DATABASE_URL'] ?? '' });
await dataSource.initialize();
const module = await Test.createTestingModule({
  imports: [RiverModule.forRoot({ dataSource, notify: { cooldownMs: 1 } })],
}).compile();
const app = await module.init();
const river = app.get(RiverClient);
const transaction = app.get(RiverTransaction);
const job = (n = 0) => jobArgs('faked', { n });

await Promise.all([river.insert(job(1)), river.insert(job(2)), river.insert(job(3))]);
await river.insert(job(), { uniqueOpts: { byArgs: true } });
await river.insert(job(), { uniqueOpts: { byQueue: true, byState: ['available'] } });
await river.insertMany([job(4), job(5)]);
await river.insertManyFast(
  (async function* () {
    for (let n = 0; n < 3_000; n++) yield job(n);
  })(),
);
let attempts = 0;
await transaction.run({ timeoutMs: 60_000, retries: 2 }, async (manager) => {
  void river.insert(job());
  await transaction.run({ propagation: 'NESTED' }, () => river.insert(job()));
  await transaction.outside(() => river.insert(job()));
  if (++attempts < 2) await manager.query(`do $$ begin raise sqlstate '40001'; end $$`);
});
const wait = river.insertAndWait(job(), undefined, { timeoutMs: 20 });
const code = await wait.catch((error) => error.code);
const [{ count }] = await dataSource.query('select count(*)::int from river_job');
await app.close();
await dataSource.destroy();
clock.uninstall();
console.log(JSON.stringify({ attempts, code, count }));
