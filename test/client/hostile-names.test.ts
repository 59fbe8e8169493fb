import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JobArgs, jobArgs, RiverError, type RiverClient } from 'nestjs-river';
import { startClient, type StartedClient } from './started-client.js';

const NAMES = {
  'of a megabyte': 'n'.repeat(1_000_000),
  'with line breaks': 'a\nWARN forged line\r\n\u2028\u2029\u0085b',
  'with escapes of a terminal': 'a\u001b[31mred\u0007\u009b',
  'that changes the direction of a text': 'a\u202egnp.exe\u2066',
};

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient();
  river = client.river;
});
afterAll(() => client.stop());

/** A fresh class of this name. */
const named = (name: string): object => {
  const Odd = class {};
  Object.defineProperty(Odd, 'name', { value: name });
  return new Odd();
};

/** Every place where a message repeats what a caller gave. */
const PLACES: Record<string, (name: string) => unknown> = {
  'an option of an insert': (name) => river.insert(jobArgs('a', {}), { [name]: 1 }),
  'an option of insertManyFast': (name) => river.insertManyFast([], { [name]: 1 }),
  'a unique option': (name) => river.insert(jobArgs('a', {}), { uniqueOpts: { [name]: 1 } }),
  'an option of a decorator': (name) => JobArgs('a', { [name]: 1 }),
  'the kind of a decorator': (name) => JobArgs(name.slice(0, 120), { priority: 9 }),
  'a kind outside of a transaction': (name) =>
    river.insert(jobArgs(name.slice(0, 120), {}), { outsideTransaction: 'error' }),
  'a key of args': (name) => river.insert(jobArgs('a', { [name]: undefined, x: { [name]: NaN } })),
  'keys of args, many levels deep': (name) => {
    let args: object = { last: NaN };
    for (let level = 0; level < 900; level++) args = { [name.slice(0, 1_000)]: args };
    return river.insert(jobArgs('a', args));
  },
  'a key of metadata': (name) => river.insert(jobArgs('a', {}), { metadata: { [name]: NaN } }),
  'a filter': (name) => river.jobList({ [name]: 1 }),
  'a bound of a filter': (name) => river.jobList({ createdAt: { [name]: new Date() } }),
  'a parameter of jobUpdate': (name) => river.jobUpdate(1n, { [name]: 1 }),
  'a queue': (name) => river.queueGet(name),
  'an option of a wait': (name) => river.waitFor(1n, { [name]: 1 }),
  'an option of a transaction': (name) =>
    client.transaction.run({ [name]: 1 }, async () => undefined),
  'a class without a decorator': (name) => river.insert(named(name)),
  'a class in args': (name) => river.insert(jobArgs('a', { bytes: named(name), x: NaN })),
  'an option of the module': (name) =>
    startClient({ river: { [name]: 1 }, database: client.database }),
  'an option in an option of the module': (name) =>
    startClient({ river: { notify: { [name]: 1 } }, database: client.database }),
};

test.each(Object.entries(PLACES))(
  'a message is short and one line whatever the name of %s',
  async (_place, use) => {
    for (const name of Object.values(NAMES)) {
      const error: unknown = await (async () => use(name))().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RiverError);
      const { message, field } = error as RiverError;
      for (const text of [message, field ?? '']) {
        expect(text.length).toBeLessThan(4_000);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }
    }
  },
);

test('a short name is repeated in the message as it is', async () => {
  await expect(river.queueGet('büro-1')).rejects.toThrow("no queue 'büro-1'");
  await expect(river.jobList({ stats: 1 } as object)).rejects.toThrow(/^stats: /);
});
