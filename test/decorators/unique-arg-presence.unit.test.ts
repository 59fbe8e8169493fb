import { describe, expect, test } from '@jest/globals';
import { JobArgs, jobArgs, rawJson, UniqueArg } from 'nestjs-river';
import { keyOf } from '../insert/key-text.js';
import { refusalOf } from '../insert/refusal.js';

const BY_ARGS = { uniqueOpts: { byArgs: true } };
/** For what the types refuse as well. */
const mark: (target: object, key: string) => void = UniqueArg();

const textOf = (args: object, opts: object = BY_ARGS): string => keyOf(args, opts).text;

describe('@UniqueArg on what JSON omits', () => {
  test('is rejected when the class is loaded: a method', () => {
    class Monthly {
      month(): string {
        return '2026-11';
      }
    }
    expect(refusalOf(() => mark(Monthly.prototype, 'month'))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: '@UniqueArg() month',
    });
  });

  test('is rejected when the class is loaded: a getter, an accessor, an inherited getter', () => {
    class Monthly {
      get year(): number {
        return 2026;
      }
      set year(_year: number) {
        throw new Error('not to be set');
      }
      get month(): string {
        return '2026-11';
      }
    }
    class Child extends Monthly {}
    for (const [prototype, key] of [
      [Monthly.prototype, 'month'],
      [Monthly.prototype, 'year'],
      [Child.prototype, 'month'],
    ] as const) {
      expect(refusalOf(() => mark(prototype, key)).message).toContain('toJSON()');
    }
  });

  test('is taken for a getter that toJSON() writes', () => {
    @JobArgs('monthly')
    class Monthly {
      constructor(readonly day: string) {}

      @UniqueArg() get month(): string {
        return this.day.slice(0, 7);
      }

      toJSON() {
        return { day: this.day, month: this.month };
      }
    }
    expect(textOf(new Monthly('2026-11-21'))).toBe('&kind=monthly&args={"month":"2026-11"}');
  });

  test('is rejected at the insert when toJSON() gives a marked property another name', () => {
    @JobArgs('renamed')
    class Renamed {
      constructor(readonly customerId: number | null | undefined) {}

      toJSON() {
        return { customer_id: this.customerId };
      }
    }
    mark(Renamed.prototype, 'customerId');
    expect(refusalOf(() => textOf(new Renamed(1)))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'args.customerId',
    });
    expect(refusalOf(() => textOf(new Renamed(0))).field).toBe('args.customerId');
    expect(textOf(new Renamed(undefined))).toBe('&kind=renamed&args=');
  });

  test('is rejected in a nested class as well', () => {
    class Customer {
      @UniqueArg() readonly id: number = 7;
      toJSON(): unknown {
        return { customer_id: this.id };
      }
    }
    @JobArgs('nested')
    class Nested {
      @UniqueArg() readonly customer: Customer = new Customer();
    }
    expect(refusalOf(() => textOf(new Nested())).field).toBe('args.customer.id');
  });

  test('leaves out an optional property that is not set, as omitempty does', () => {
    @JobArgs('optional')
    class Optional {
      @UniqueArg() readonly id: number = 1;
      @UniqueArg() readonly note?: string | undefined;
    }
    expect(textOf(new Optional())).toBe('&kind=optional&args={"id":1}');
  });
});

describe('byArgs of what JSON omits', () => {
  class Base {
    readonly id: number = 1;
    get month(): string {
      return '2026-11';
    }
  }

  test('is rejected by @JobArgs for a getter, naming the path', () => {
    expect(
      refusalOf(() => JobArgs('monthly', { uniqueOpts: { byArgs: ['id', 'month'] } })(Base)),
    ).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: "@JobArgs('monthly').uniqueOpts.byArgs[1]",
    });
  });

  @JobArgs('called')
  class Called extends Base {}

  test.each([
    ['the index path', {}],
    ['the lock path', { byState: ['available'] }],
  ])('is rejected at the call for a getter, on %s', (_name, more) => {
    const opts = { uniqueOpts: { byArgs: ['id', 'month'], ...more } };
    expect(refusalOf(() => textOf(new Called(), opts))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'args.month',
    });
  });

  test('is rejected for a getter of a nested object, of a payload, and of what toJSON() returns', () => {
    const byMonth = { uniqueOpts: { byArgs: ['month'] } };
    expect(refusalOf(() => textOf(jobArgs('k', new Base()), byMonth)).field).toBe('args.month');
    const wrapped = jobArgs('k', { toJSON: () => new Base() });
    expect(refusalOf(() => textOf(wrapped, byMonth)).field).toBe('args.month');
    const nested = { uniqueOpts: { byArgs: ['at.month'] } };
    expect(refusalOf(() => textOf(jobArgs('k', { at: new Base() }), nested)).field).toBe(
      'args.at.month',
    );
  });

  test('is rejected for the length of a list and for the kind, which are not args', () => {
    const byLength = { uniqueOpts: { byArgs: ['items.length'] } };
    expect(refusalOf(() => textOf(jobArgs('k', { items: [1] }), byLength)).field).toBe(
      'args.items.length',
    );
    const byKind = { uniqueOpts: { byArgs: ['kind'] } };
    expect(refusalOf(() => textOf({ kind: 'k', id: 1 }, byKind)).field).toBe('args.kind');
  });

  test('is a refusal of the job when the getter throws', () => {
    class Throwing {
      get month(): string {
        throw new Error('no month');
      }
    }
    const args = jobArgs('k', new Throwing());
    expect(refusalOf(() => textOf(args, { uniqueOpts: { byArgs: ['month'] } })).cause).toEqual(
      new Error('no month'),
    );
  });

  test('goes by the text of rawJson alone', () => {
    const opts = { uniqueOpts: { byArgs: ['text', 'id'] } };
    expect(textOf(jobArgs('k', rawJson('{"id":1}')), opts)).toBe('&kind=k&args={"id":1}');
  });
});
