import { describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  JobArgs,
  jobArgs,
  rawJson,
  type InsertOptions,
  type RiverClient,
} from 'nestjs-river';
import type { GoJob, GoOpts } from './support/go-protocol.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

const NOW = new Date('2026-11-21T10:07:33.217Z');
const SOON = new Date('2026-11-22T08:00:00.005Z');
const REQUIRED = ['available', 'pending', 'running', 'scheduled'] as const;

interface Case {
  readonly args?: object;
  readonly ours?: InsertOptions;
  /** Without its kind; the args are `{"a":1}` unless given. */
  readonly go?: Partial<GoJob>;
}

function opts(go: GoOpts): Partial<GoJob> {
  return { opts: go };
}

@JobArgs('decorated', {
  maxAttempts: 3,
  priority: 2,
  queue: 'slow',
  tags: ['from-class'],
  uniqueOpts: { byArgs: true },
})
class DecoratedArgs {
  readonly a = 1;
}

const CLASS_DEFAULTS: GoOpts = {
  maxAttempts: 3,
  priority: 2,
  queue: 'slow',
  tags: ['from-class'],
  uniqueOpts: { byArgs: true },
};

/** Every option, in our words and in Go's. */
const OPTIONS: Record<string, Case> = {
  'no option': {},
  'maxAttempts, the least': { ours: { maxAttempts: 1 }, go: opts({ maxAttempts: 1 }) },
  'maxAttempts, the most': { ours: { maxAttempts: 32_767 }, go: opts({ maxAttempts: 32_767 }) },
  metadata: {
    ours: { metadata: { b: { '<': 1 }, a: 1.5 } },
    go: opts({ metadata: '{"b":{"<":1},"a":1.5}' }),
  },
  pending: { ours: { pending: true }, go: opts({ pending: true }) },
  'pending and scheduled': {
    ours: { pending: true, scheduledAt: SOON },
    go: opts({ pending: true, scheduledAtUnixMs: SOON.getTime() }),
  },
  'priority, the first': { ours: { priority: 1 }, go: opts({ priority: 1 }) },
  'priority, the last': { ours: { priority: 4 }, go: opts({ priority: 4 }) },
  queue: { ours: { queue: 'a_b-c|d0' }, go: opts({ queue: 'a_b-c|d0' }) },
  'queue of 64 letters': { ours: { queue: 'q'.repeat(64) }, go: opts({ queue: 'q'.repeat(64) }) },
  'scheduledAt in the future': {
    ours: { scheduledAt: SOON },
    go: opts({ scheduledAtUnixMs: SOON.getTime() }),
  },
  'scheduledAt in the past': {
    ours: { scheduledAt: new Date(0) },
    go: opts({ scheduledAtUnixMs: 0 }),
  },
  'scheduledAt before 1970': {
    ours: { scheduledAt: new Date(-1) },
    go: opts({ scheduledAtUnixMs: -1 }),
  },
  'scheduledAt before year 1': {
    ours: { scheduledAt: new Date('-000044-03-15T12:00:00Z') },
    go: opts({ scheduledAtUnixMs: Date.parse('-000044-03-15T12:00:00Z') }),
  },
  'scheduledAt beyond year 9999': {
    ours: { scheduledAt: new Date('+275760-09-13T00:00:00Z') },
    go: opts({ scheduledAtUnixMs: 8.64e15 }),
  },
  delay: { ours: { delay: 90_001 }, go: opts({ scheduledAtUnixMs: NOW.getTime() + 90_001 }) },
  'delay of 0': { ours: { delay: 0 } },
  tags: { ours: { tags: ['one', 'two-2'] }, go: opts({ tags: ['one', 'two-2'] }) },
  'tags, repeated': { ours: { tags: ['one', 'one'] }, go: opts({ tags: ['one', 'one'] }) },
  'tags, none': { ours: { tags: [] }, go: opts({ tags: [] }) },
  'tag of 255 letters': {
    ours: { tags: ['t'.repeat(255)] },
    go: opts({ tags: ['t'.repeat(255)] }),
  },
  'unique by all args': {
    ours: { uniqueOpts: { byArgs: true } },
    go: opts({ uniqueOpts: { byArgs: true } }),
  },
  'unique by a path': {
    args: { b: { c: 1, d: 2 } },
    ours: { uniqueOpts: { byArgs: ['b.c'] } },
    go: {
      encodedArgs: '{"b":{"c":1,"d":2}}',
      uniqueArgs: {
        fields: [{ name: 'b', unique: false, fields: [{ name: 'c', unique: true }] }],
      },
      opts: { uniqueOpts: { byArgs: true } },
    },
  },
  'unique by a literal key': {
    args: { 'b.c': 1 },
    ours: { uniqueOpts: { byArgs: [['b.c']] } },
    go: {
      encodedArgs: '{"b.c":1}',
      uniqueArgs: { fields: [{ name: 'b.c', unique: true }] },
      opts: { uniqueOpts: { byArgs: true } },
    },
  },
  'unique by period': {
    ours: { uniqueOpts: { byPeriod: 900 } },
    go: opts({ uniqueOpts: { byPeriodNs: 900e9 } }),
  },
  'unique by period with a fraction': {
    ours: { uniqueOpts: { byPeriod: 1.001 } },
    go: opts({ uniqueOpts: { byPeriodNs: 1.001e9 } }),
  },
  'unique by 7 days of the scheduled time': {
    ours: { scheduledAt: SOON, uniqueOpts: { byPeriod: 604_800 } },
    go: opts({
      scheduledAtUnixMs: SOON.getTime(),
      uniqueOpts: { byPeriodNs: 604_800e9 },
    }),
  },
  'unique by queue': {
    ours: { uniqueOpts: { byQueue: true } },
    go: opts({ uniqueOpts: { byQueue: true } }),
  },
  'unique by no state in particular': {
    ours: { uniqueOpts: { byState: [] } },
    go: opts({ uniqueOpts: { byState: [] } }),
  },
  'unique by states': {
    ours: { uniqueOpts: { byState: [...REQUIRED, 'cancelled'] } },
    go: opts({ uniqueOpts: { byState: [...REQUIRED, 'cancelled'] } }),
  },
  'unique without the kind': {
    ours: { uniqueOpts: { byArgs: true, excludeKind: true } },
    go: opts({ uniqueOpts: { byArgs: true, excludeKind: true } }),
  },
  'defaults of a class': {
    args: new DecoratedArgs(),
    go: { kind: 'decorated', opts: CLASS_DEFAULTS },
  },
  'a call before the defaults of a class': {
    args: new DecoratedArgs(),
    ours: { maxAttempts: 4, priority: 1, queue: 'q', tags: [], uniqueOpts: { byQueue: true } },
    go: {
      kind: 'decorated',
      opts: { maxAttempts: 4, priority: 1, queue: 'q', tags: [], uniqueOpts: { byQueue: true } },
    },
  },
  'a null, which clears the default of a class': {
    args: new DecoratedArgs(),
    ours: { tags: null, uniqueOpts: null },
    go: { kind: 'decorated', opts: { ...CLASS_DEFAULTS, tags: [], uniqueOpts: {} } },
  },
  'a kind of 127 letters': {
    args: jobArgs('é'.repeat(127), { a: 1 }),
    go: { kind: 'é'.repeat(127) },
  },
};

/** Values of args, each with the text that Go's encoder makes of the same value. */
const ARGS: Record<string, { readonly args: object; readonly encodedArgs: string }> = {
  letters: {
    args: { a: '<é>\u2028\u{1F600}\u0001"\\/' },
    encodedArgs: String.raw`{"a":"\u003cé\u003e\u2028😀\u0001\"\\/"}`,
  },
  numbers: {
    args: { a: [-0, 1e21, 1e20, 1e-7, 0.1, 5e-324, 12345678901234567890n] },
    encodedArgs: '{"a":[-0,1e+21,100000000000000000000,1e-7,0.1,5e-324,12345678901234567890]}',
  },
  'raw text': { args: rawJson('{"a":1.0,"a":1.50}'), encodedArgs: '{"a":1.0,"a":1.50}' },
  'a date': { args: { a: new Date(0) }, encodedArgs: '{"a":"1970-01-01T00:00:00.000Z"}' },
  'what is empty': {
    args: { a: {}, b: [], c: '', d: null },
    encodedArgs: '{"a":{},"b":[],"c":"","d":null}',
  },
};

const CASES: [string, Case][] = [
  ...Object.entries(OPTIONS),
  ...Object.entries(ARGS).map(([name, { args, encodedArgs }]): [string, Case] => [
    `args, ${name}, unique`,
    {
      args,
      ours: { uniqueOpts: { byArgs: true } },
      go: { encodedArgs, opts: { uniqueOpts: { byArgs: true } } },
    },
  ]),
];

describeWithGo('a row that we store', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened), { now: NOW, clears: true });

  describe.each([
    { ours: SCHEMAS[0], theirs: SCHEMAS[1] },
    { ours: SCHEMAS[1], theirs: SCHEMAS[0] },
  ])('in $ours is the row that Go stores in $theirs', ({ ours, theirs }) => {
    async function expectEqualRows(count: number): Promise<void> {
      const rows = await sides.rows.all(ours);
      expect(rows).toHaveLength(count);
      expect(rows).toEqual(await sides.rows.all(theirs));
    }

    test.each(CASES)('insert: %s', async (_name, each) => {
      const { args, opts } = ourSide(each);
      await sides.river(ours).insert(args, opts);
      await sides.go.insert(goSide(each), { schema: theirs, now: NOW });
      await expectEqualRows(1);
    });

    test.each(CASES)('insertTx: %s', async (_name, each) => {
      const { args, opts } = ourSide(each);
      const { dataSource, river } = sides.app(ours);
      await dataSource.transaction((manager) => river.insertTx(manager, args, opts));
      await sides.go.insert(goSide(each), { schema: theirs, now: NOW });
      await expectEqualRows(1);
    });

    test.each(CASES)('insertMany of one: %s', async (_name, each) => {
      await insertMany(sides.river(ours), [each]);
      await sides.go.insertMany([goSide(each)], { schema: theirs, now: NOW });
      await expectEqualRows(1);
    });

    test('insertMany of all, each of a kind of its own', async () => {
      const all = CASES.map(([, each], index) => ofKind(`kind-${index}`, each));
      await insertMany(sides.river(ours), all);
      await sides.go.insertMany(all.map(goSide), { schema: theirs, now: NOW });
      await expectEqualRows(all.length);
    });
  });
});

async function insertMany(river: RiverClient, cases: readonly Case[]): Promise<void> {
  const items = cases.map((each) => {
    const { args, opts } = ourSide(each);
    return InsertManyParams.of(args, opts);
  });
  await river.insertMany(items);
}

function ourSide({ args = { a: 1 }, ours }: Case): {
  args: object;
  opts: InsertOptions<object> | undefined;
} {
  const hasKind = args instanceof DecoratedArgs || 'kind' in args;
  return { args: hasKind ? args : jobArgs('sort', args), opts: ours };
}

function goSide({ go }: Case): GoJob {
  return { kind: 'sort', encodedArgs: '{"a":1}', ...go };
}

/** The same job under another kind; what a class says of it is left to the class. */
function ofKind(kind: string, each: Case): Case {
  const { args = { a: 1 } } = each;
  if (args instanceof DecoratedArgs || 'kind' in args) return each;
  return { ...each, args: jobArgs(kind, args), go: { ...each.go, kind } };
}
