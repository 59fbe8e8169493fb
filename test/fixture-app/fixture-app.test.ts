import { once } from 'node:events';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { forget, NOTHING, stored } from '../transaction/orders.js';
import { startFixtureApp, type FixtureApp, type ImportOrder } from './fixture-app.js';
import { Jobs } from './handlers.js';
import { Outcomes, type Outcome } from './outcomes.js';

let database: TestDatabase;
let fixture: FixtureApp;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(
    database,
    'create table orders (id serial primary key, item text not null unique)',
  );
});
afterEach(() => forget(database));

/** Asks the application to place an order, in each way that Nest knows, and waits for its end. */
const WAYS: Record<string, (item: string) => Promise<unknown>> = {
  'an HTTP handler': (item) => post('/orders', { item }),
  'an inherited HTTP handler': (item) => post('/inherited', { item }),
  'an HTTP handler of a request-scoped controller': (item) => post('/request-scoped', { item }),
  'a GraphQL mutation': (item) =>
    post('/graphql', {
      query: 'mutation ($item: String!) { placeOrder(item: $item) }',
      variables: { item },
    }),
  'a microservice message': (item) => answer(() => send('place', item)),
  'a microservice message answered by an Observable': (item) =>
    answer(() => send('place.stream', item)),
  'a microservice event': (item) =>
    ended(item, () => fixture.rpc.emit('placed', { item }).subscribe()),
  'a WebSocket message': (item) => overSocket('/ws', { event: 'place', data: { item } }),
  'a cron job': (item) =>
    ended(item, () => {
      fixture.app.get(Jobs).next.cron = item;
      void fixture.app.get(SchedulerRegistry).getCronJob('cron').fireOnTick();
    }),
  'an interval': (item) => ended(item, () => (fixture.app.get(Jobs).next.interval = item)),
  'an event listener': (item) => emit('placed', item),
  'an event listener, decorated the other way round': (item) => emit('placed.beneath', item),
  'an inherited event listener': (item) => emit('placed.base', item),
  'an event listener of a request-scoped provider': (item) => emit('placed.request', item),
};

describe.each<ImportOrder>(['before', 'between', 'after'])(
  'with the modules that look for handlers imported %s ours',
  (order) => {
    beforeAll(async () => {
      fixture = await startFixtureApp(database, order);
    });
    afterAll(() => fixture.stop());

    test.each(Object.entries(WAYS))('%s commits its order with its job', async (_way, place) => {
      const answered = JSON.stringify(await place('book'));
      expect(answered).toMatch(/book|committed/);
      expect(await stored(database)).toEqual({ orders: ['book'], jobs: 1 });
    });

    test.each(Object.entries(WAYS))('%s rolls both back', async (_way, place) => {
      const answered = JSON.stringify(await place('failing book'));
      expect(answered).toMatch(/error|rolled back/i);
      expect(await stored(database)).toEqual(NOTHING);
    });

    test("a gateway's handleConnection commits, without interceptors", async () => {
      const outcome = fixture.app.get(Outcomes).of('connected');
      const socket = new WebSocket(`${fixture.url.replace('http', 'ws')}/ws?item=connected`);
      await once(socket, 'open');
      expect(await outcome).toBe('committed');
      socket.terminate();
      expect(await stored(database)).toEqual({ orders: ['connected'], jobs: 1 });
    });
  },
);

async function post(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(fixture.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', connection: 'close' },
  });
  return await response.json();
}

async function answer(ask: () => Promise<unknown>): Promise<unknown> {
  return await ask().catch((error: unknown) => ({ error }));
}

const send = (pattern: string, item: string): Promise<unknown> =>
  firstValueFrom(fixture.rpc.send<unknown>(pattern, { item }));

async function ended(item: string, begin: () => unknown): Promise<Outcome> {
  const outcome = fixture.app.get(Outcomes).of(item);
  begin();
  return await outcome;
}

async function emit(event: string, item: string): Promise<Outcome> {
  const outcome = fixture.app.get(Outcomes, { strict: false }).of(item);
  await fixture.app.get(EventEmitter2).emitAsync(event, { item });
  return await outcome;
}

async function overSocket(path: string, message: unknown): Promise<unknown> {
  const socket = new WebSocket(fixture.url.replace('http', 'ws') + path);
  await once(socket, 'open');
  socket.send(JSON.stringify(message));
  const [data] = (await once(socket, 'message')) as [Buffer];
  socket.terminate();
  return JSON.parse(data.toString()) as unknown;
}
