import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ClientParts } from '../../lib/client/client-parts.js';
import type { JobEvent, JobEventType } from '../../lib/worker/attempt/job-event.js';
import { JobEventHub } from '../../lib/worker/job-event-hub.js';

const event = (type: JobEventType, id = 0): JobEvent =>
  ({ type, job: { id: String(id), kind: 'x' } }) as unknown as JobEvent;

let hub: JobEventHub;
let ended: string[][];
const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
beforeEach(() => {
  ended = [];
  const results = { ended: (ids: string[]) => void ended.push(ids) };
  hub = new JobEventHub({ results } as unknown as ClientParts);
});
afterEach(() => void warned.mockClear());

describe('events()', () => {
  test('are not made when nobody wants them', async () => {
    expect(hub.report).toBeUndefined();
    const events = hub.subscribe([]);
    expect(hub.report).toBeDefined();
    await events.return?.();
    expect(hub.report).toBeUndefined();
  });

  test('keep 1,000 for a reader that is slow, and drop later ones with one warning', async () => {
    const events = hub.subscribe(['completed']);
    for (let id = 0; id < 1_005; id++) hub.report?.(event('completed', id));
    hub.report?.(event('failed'));
    expect(warned).toHaveBeenCalledTimes(1);
    hub.close();
    const ids: string[] = [];
    for await (const { job } of events) ids.push(job.id);
    expect(ids).toHaveLength(1_000);
    expect(ids.at(-1)).toBe('999');
  });

  test('reach readers that wait, in the order in which they wait', async () => {
    const events = hub.subscribe([]);
    const two = Promise.all([events.next(), events.next()]);
    hub.report?.(event('completed', 1));
    hub.report?.(event('failed', 2));
    expect((await two).map(({ value }) => (value as JobEvent).job.id)).toEqual(['1', '2']);
  });

  test('end for those who wait when the worker stops', async () => {
    const events = hub.subscribe([]);
    const next = events.next();
    hub.close();
    await expect(next).resolves.toEqual({ value: undefined, done: true });
    await expect(events.next()).resolves.toEqual({ value: undefined, done: true });
  });
});

test('a listener that throws at once does not keep others, or the worker, from their work', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const heard: string[] = [];
  hub.listen([
    {
      type: 'completed',
      kind: undefined,
      call: () => {
        throw new Error('of the listener');
      },
    },
    { type: 'completed', kind: undefined, call: ({ type }) => heard.push(type) },
  ]);
  hub.report?.(event('completed'));
  await new Promise(setImmediate);
  expect(heard).toEqual(['completed']);
  expect(error).toHaveBeenCalledTimes(1);
  error.mockRestore();
});

test('jobs that end in one turn are told to those who wait for them at once', async () => {
  hub.ended('1');
  hub.ended('2');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(ended).toEqual([['1', '2']]);
});
