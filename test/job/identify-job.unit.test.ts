import { describe, expect, test } from '@jest/globals';
import { JobArgs } from '../../decorators/job-args.decorator.js';
import { identifyJob } from '../../lib/job/identify-job.js';
import { jobArgs } from '../../lib/job/job-args.js';
import { refusalOf } from '../insert/refusal.js';

@JobArgs('sort', { queue: 'slow' })
class SortArgs {
  constructor(readonly strings: string[] = []) {}
}

const refusalFor = (args: unknown) => refusalOf(() => identifyJob(args));

describe('the kind of a job', () => {
  test('is that of the decorator of its class, with its defaults', () => {
    const args = new SortArgs();
    expect(identifyJob(args)).toMatchObject({
      kind: 'sort',
      args,
      argsClass: SortArgs,
      notArgs: [],
      classOpts: { queue: 'slow' },
      instanceOpts: undefined,
    });
  });

  test('is the kind property of an object literal, which no class claims', () => {
    const args = { kind: 'sort', strings: [] };
    expect(identifyJob(args)).toMatchObject({
      kind: 'sort',
      args,
      argsClass: undefined,
      notArgs: ['kind', 'insertOpts'],
      classOpts: undefined,
    });
  });

  test('is the kind property, field or accessor, of an instance of a class', () => {
    class Field {
      readonly kind = 'field';
    }
    class Accessor {
      get kind(): string {
        return 'accessor';
      }
    }
    expect(identifyJob(new Field())).toMatchObject({ kind: 'field', argsClass: Field });
    expect(identifyJob(new Accessor())).toMatchObject({ kind: 'accessor', argsClass: Accessor });
  });

  test('is the kind property of an object without prototype', () => {
    const args = Object.assign(Object.create(null) as object, { kind: 'bare' });
    expect(identifyJob(args)).toMatchObject({ kind: 'bare', argsClass: undefined });
  });

  test('is that given to jobArgs(), which no class claims', () => {
    expect(identifyJob(jobArgs('sort', { strings: [] }))).toMatchObject({
      kind: 'sort',
      argsClass: undefined,
      notArgs: [],
    });
  });

  test('is that of the decorator if there is a kind property too, which is data then', () => {
    @JobArgs('decorated')
    class Both {
      readonly kind = 'property';
    }
    expect(identifyJob(new Both())).toMatchObject({ kind: 'decorated', notArgs: [] });
  });

  test('is that of the own decorator of a subclass', () => {
    @JobArgs('child')
    class Child extends SortArgs {}
    const job = identifyJob(new Child());
    expect(job).toMatchObject({ kind: 'child', argsClass: Child, classOpts: {} });
    expect(job.classOpts).not.toHaveProperty('queue');
  });

  test('is not looked for in an own property called constructor', () => {
    const args = { kind: 'literal', constructor: SortArgs };
    expect(identifyJob(args)).toMatchObject({ kind: 'literal', argsClass: undefined });
  });

  test('is the same through a proxy that passes all through', () => {
    expect(identifyJob(new Proxy(new SortArgs(), {}))).toMatchObject({ kind: 'sort' });
    expect(identifyJob(new Proxy({ kind: 'x' }, {}))).toMatchObject({ kind: 'x' });
  });
});

describe('insertOpts', () => {
  const opts = { priority: 2 };

  test('as a method is called on the args', () => {
    class Args {
      readonly kind = 'k';
      readonly priority = 3;
      insertOpts(): object {
        return { priority: this.priority };
      }
    }
    expect(identifyJob(new Args())).toMatchObject({ instanceOpts: { priority: 3 } });
  });

  test('as an arrow function property of a decorated class is no data', () => {
    @JobArgs('arrow')
    class Arrow {
      readonly insertOpts = () => opts;
    }
    expect(identifyJob(new Arrow())).toMatchObject({ instanceOpts: opts, notArgs: ['insertOpts'] });
  });

  test('as a method of a decorated class is called too', () => {
    @JobArgs('method')
    class WithMethod {
      insertOpts(): object {
        return opts;
      }
    }
    expect(identifyJob(new WithMethod())).toMatchObject({ instanceOpts: opts });
  });

  test('as a property that is no function is data of a decorated class', () => {
    @JobArgs('data')
    class Data {
      readonly insertOpts = { anything: true };
    }
    expect(identifyJob(new Data())).toMatchObject({ instanceOpts: undefined, notArgs: [] });
  });

  test.each([[{ priority: 1 }], [null], ['text'], [0], [[]]])(
    'as the property %p of an undecorated object is refused',
    (insertOpts) => {
      const refusal = refusalFor({ kind: 'k', insertOpts });
      expect(refusal).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'args.insertOpts' });
      expect(refusal.message).toMatch(/decorate the class with @JobArgs/);
    },
  );

  test('that is undefined is not there', () => {
    expect(identifyJob({ kind: 'k', insertOpts: undefined }).instanceOpts).toBeUndefined();
  });
});

describe('toJSON', () => {
  test('of an object decides alone: kind and insertOpts are not taken from its answer', () => {
    const args = { kind: 'k', insertOpts: () => ({}), toJSON: () => ({ kind: 'data' }) };
    expect(identifyJob(args)).toMatchObject({ kind: 'k', notArgs: [] });
  });

  test('of a decorated class decides alone, too', () => {
    @JobArgs('answers')
    class Answers {
      readonly insertOpts = () => ({});
      toJSON(): object {
        return { insertOpts: 'data' };
      }
    }
    expect(identifyJob(new Answers())).toMatchObject({ kind: 'answers', notArgs: [] });
  });

  test('that is no function is data', () => {
    expect(identifyJob({ kind: 'k', toJSON: 'text' }).notArgs).toEqual(['kind', 'insertOpts']);
  });
});

describe('what has no kind is refused, and the error shows how to give it one', () => {
  class Plain {
    constructor(readonly strings: string[] = []) {}
  }

  test.each<[string, unknown]>([
    ['an object literal', { strings: [] }],
    ['an instance of an undecorated class', new Plain()],
    ['a kind that is no string', { kind: 5 }],
    ['a boxed kind', { kind: Object('sort') as unknown }],
    ['a class itself', SortArgs],
    ['a function', () => ({ kind: 'x' })],
    ['null', null],
    ['undefined', undefined],
    ['a string', 'sort'],
    ['a number', 5],
    ['a bigint', 5n],
    ['a symbol', Symbol('sort')],
    ['an array', [new SortArgs()]],
    ['an array with a kind', Object.assign([], { kind: 'x' })],
    ['a Date', new Date()],
    ['a Map', new Map()],
  ])('%s', (_name, args) => {
    const refusal = refusalFor(args);
    expect(refusal).toMatchObject({ code: 'RIVER_ARGS_UNDECORATED', field: 'args' });
    expect(refusal.message).toMatch(/@JobArgs\('sort'\) class SortArgs/);
    expect(refusal.message).toMatch(/`kind` property, or use jobArgs\('sort'/);
  });

  test('by the name of its class and not by its content', () => {
    expect(refusalFor(new Plain(['hunter2'])).message).toContain('an object (Plain)');
    expect(refusalFor(new Plain(['hunter2'])).message).not.toContain('hunter2');
    expect(refusalFor('hunter2').message).not.toContain('hunter2');
  });
});

describe('a subclass without a decorator of its own', () => {
  class Child extends SortArgs {}
  class Grandchild extends Child {
    readonly kind = 'grandchild';
  }

  test('is refused, and the error names both classes', () => {
    const refusal = refusalFor(new Child());
    expect(refusal).toMatchObject({ code: 'RIVER_ARGS_UNDECORATED', field: 'args' });
    expect(refusal.message).toMatch(/Child has no @JobArgs.*parent class SortArgs.*Decorate Child/);
  });

  test('is refused at any distance, and even with a kind property', () => {
    expect(refusalFor(new Grandchild()).message).toMatch(/Grandchild.*SortArgs/);
  });
});
