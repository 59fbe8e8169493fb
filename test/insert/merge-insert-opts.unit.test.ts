import { describe, expect, test } from '@jest/globals';
import { mergeInsertOpts } from '../../lib/insert/options/checked-insert-opts.js';

describe('mergeInsertOpts', () => {
  test('lets the innermost level that gives an option decide it', () => {
    expect(mergeInsertOpts([{ priority: 2 }, { priority: 3, queue: 'b' }, { queue: 'c' }])).toEqual(
      { priority: 2, queue: 'b' },
    );
  });

  test('passes over undefined, also where the level names the option', () => {
    expect(mergeInsertOpts([{ queue: undefined }, undefined, {}, { queue: 'c' }])).toEqual({
      queue: 'c',
    });
  });

  test('takes null as given: outer levels do not come through', () => {
    expect(mergeInsertOpts([{ queue: null }, { queue: 'b' }])).toEqual({ queue: null });
    expect(mergeInsertOpts([{ queue: 'a' }, { queue: null }])).toEqual({ queue: 'a' });
  });

  test('takes false, an empty list and an empty text as given', () => {
    expect(
      mergeInsertOpts([
        { pending: false, tags: [], metadata: '' },
        { pending: true, tags: ['abc'], metadata: '{"a":1}' },
      ]),
    ).toEqual({ pending: false, tags: [], metadata: '' });
  });

  test('replaces tags, metadata and unique options whole', () => {
    const unique = {
      byArgs: true,
      byPeriod: undefined,
      byQueue: false,
      byState: undefined,
      excludeKind: false,
    } as const;
    expect(
      mergeInsertOpts([
        { tags: ['abc'], metadata: '{"a":1}', uniqueOpts: unique },
        { tags: ['def'], metadata: '{"b":2}', uniqueOpts: { ...unique, byQueue: true } },
      ]),
    ).toEqual({ tags: ['abc'], metadata: '{"a":1}', uniqueOpts: unique });
  });

  test('treats delay and scheduledAt as one dimension', () => {
    expect(
      mergeInsertOpts([{ schedule: { delayMs: 0 } }, { schedule: { at: new Date(0) } }]),
    ).toEqual({ schedule: { delayMs: 0 } });
  });

  test('of no levels gives nothing, and changes no level', () => {
    expect(mergeInsertOpts([])).toEqual({});
    const outer = Object.freeze({ queue: 'b' });
    expect(mergeInsertOpts([Object.freeze({ priority: 1 }), outer])).toEqual({
      priority: 1,
      queue: 'b',
    });
  });
});
