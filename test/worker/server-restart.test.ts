import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { JobArgs, jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { complete, Periodic, RiverWorkerModule, Work, type Outcome } from 'nestjs-river/worker';
import { start } from '../module/applications.js';
import { installRiver, type TestDatabase } from '../support/index.js';
import { RestartableServer } from '../transaction/restartable-server.mjs';

@JobArgs('held')
class Held {}

/** Its job is under way while the server is away. */
@Injectable()
class Workers {
  readonly events = new EventEmitter();

  @Work(Held)
  async hold(): Promise<Outcome> {
    const released = once(this.events, 'released');
    this.events.emit('begun');
    await released;
    return complete('held');
  }

  @Periodic({ id: 'every-second', everyMs: 1_000 })
  everySecond(): object {
    return jobArgs('tick', {});
  }
}

let server: RestartableServer;
let database: TestDatabase;
let app: INestApplicationContext;
let logged: string[];
beforeAll(async () => {
  server = await RestartableServer.start(await freePort());
  database = { name: 'postgres', url: server.url, schema: 'public' };
  await installRiver(database);
}, 60_000);
afterEach(() => void jest.restoreAllMocks());
afterAll(() => server.stop());

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  return port;
}

test.each(['SIGINT', 'SIGQUIT'] as const)(
  'A worker goes on after the server went away by %s, and logs it once',
  async (signal) => {
    logged = [];
    jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((text: string) => void logged.push(text));
    app = await start([
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
      RiverModule.forRoot(),
      RiverWorkerModule.forRoot({
        queues: { default: 10 },
        works: { tick: () => complete('ticked'), echo: () => complete('echoed') },
      }),
      { module: class WorkersModule {}, providers: [Workers] },
    ]);
    const river = app.get(RiverClient);
    const { events } = app.get(Workers, { strict: false });
    const begun = once(events, 'begun');
    const held = await river.insert(new Held());
    await begun;
    await server.goAway(signal);
    events.emit('released');
    while (logged.length === 0) await pause(20);
    await pause(2_000);
    await server.comeBack();

    await expect(river.waitFor(held.job)).resolves.toMatchObject({
      output: 'held',
      job: { attempt: 1, errors: [] },
    });
    const { output } = await river.insertAndWait(jobArgs('echo', {}));
    expect(output).toBe('echoed');
    expect(logged).toHaveLength(1);
    await app.close();
  },
);
