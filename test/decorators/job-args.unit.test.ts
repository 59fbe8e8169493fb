import { describe, expect, test } from '@jest/globals';
import { JobArgs } from '../../decorators/job-args.decorator.js';
import { FACTS_VERSION } from '../../lib/job/facts-version.js';
import { getOwnJobArgsMetadata, setJobArgsMetadata } from '../../lib/job/job-args-metadata.js';
import { identifyJob } from '../../lib/job/identify-job.js';
import { refusalOf } from '../insert/refusal.js';

describe('@JobArgs', () => {
  test('states the kind and the defaults of a class, and changes nothing else of it', () => {
    @JobArgs('sort', { priority: 2, delay: 5, tags: ['abc'] })
    class Sort {
      constructor(readonly strings: string[]) {}
    }
    expect(getOwnJobArgsMetadata(Sort)).toEqual({
      version: FACTS_VERSION,
      kind: 'sort',
      defaults: { priority: 2, schedule: { delayMs: 5 }, tags: ['abc'] },
    });
    expect(Object.keys(Sort)).toEqual([]);
    expect(Object.keys(new Sort([]))).toEqual(['strings']);
    expect(JSON.stringify(new Sort(['a']))).toBe('{"strings":["a"]}');
  });

  test('without defaults has none', () => {
    @JobArgs('plain')
    class Plain {}
    expect(getOwnJobArgsMetadata(Plain)).toEqual({
      version: FACTS_VERSION,
      kind: 'plain',
      defaults: {},
    });
  });

  test('keeps its own copy of the defaults', () => {
    const defaults = { tags: ['abc'], scheduledAt: new Date(0) };
    @JobArgs('copy', defaults)
    class Copy {}
    defaults.tags.push('def');
    defaults.scheduledAt.setTime(1);
    expect(getOwnJobArgsMetadata(Copy)?.defaults).toEqual({
      tags: ['abc'],
      schedule: { at: new Date(0) },
    });
  });

  test('refuses a default when the class is loaded, naming the kind and the option', () => {
    expect(refusalOf(() => JobArgs('sort', { priority: 5 }))).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: "@JobArgs('sort').priority",
    });
    expect(refusalOf(() => JobArgs('sort', { uniqueOpts: { byPeriod: 0 } }))).toMatchObject({
      field: "@JobArgs('sort').uniqueOpts.byPeriod",
    });
    expect(refusalOf(() => JobArgs('sort', { metadata: { a: NaN } }))).toMatchObject({
      field: "@JobArgs('sort').metadata.a",
    });
  });

  test.each([
    ['empty', ''],
    ['of 128 characters', 'k'.repeat(128)],
    ['with NUL', 'a\0'],
    ['with half a surrogate pair', 'a\ud800'],
  ])('refuses a kind that is %s', (_name, kind) => {
    expect(refusalOf(() => JobArgs(kind))).toMatchObject({
      code: 'RIVER_INVALID_KIND',
      field: 'kind',
    });
  });

  test('takes a kind of 127 characters, counted as Postgres counts them', () => {
    expect(() => JobArgs('k'.repeat(127))).not.toThrow();
    expect(() => JobArgs('😀'.repeat(127))).not.toThrow();
    expect(() => JobArgs('é <b>"\\\n')).not.toThrow();
  });

  test('may be put on an abstract class, whose subclasses need one of their own', () => {
    @JobArgs('base')
    abstract class Base {
      abstract readonly a: number;
    }
    @JobArgs('leaf')
    class Leaf extends Base {
      readonly a = 1;
    }
    expect(identifyJob(new Leaf()).kind).toBe('leaf');
  });

  test('put on twice leaves the outer one', () => {
    @JobArgs('outer')
    @JobArgs('inner')
    class Twice {}
    expect(getOwnJobArgsMetadata(Twice)?.kind).toBe('outer');
  });

  test('of another copy of the package is understood', () => {
    class Foreign {}
    setJobArgsMetadata(Foreign, { kind: 'local', defaults: {} });
    const [symbol] = Object.getOwnPropertySymbols(Foreign);
    expect(symbol).toBe(Symbol.for('nestjs-river.JobArgs'));
  });
});
