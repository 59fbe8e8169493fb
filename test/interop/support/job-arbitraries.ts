import { rawJson } from 'nestjs-river';
import fc from 'fast-check';
import type { JobCase, TagTree, UniqueCase } from './job-case.js';

/** Letters that an encoder, a sort or a path may get wrong. */
const TRICKY = [
  ...['a', 'b', 'id', 'customer', 'a.b', 'customer.id', '.', 'a.', ':first', '::', '0', '1', '10'],
  ...['-1', '01', 'é', 'e\u0301', '\uE000', '\u{1F600}', '\uFFFD', '<k>', '<é>', '&', '\u2028'],
  ...[
    '\u2029',
    '"',
    '\\',
    '\\u0041',
    '/',
    '\u007f',
    '\u0001',
    '\t',
    '\b\f\r\n',
    '',
    ' ',
    '__proto__',
  ],
  ...[
    '@this',
    'a*b?',
    '#',
    '|',
    '!x',
    '$x',
    '~',
    '[0]',
    '{x}',
    'constructor',
    'kind',
    'insertOpts',
  ],
];

const text: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom(...TRICKY) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom(...TRICKY), { maxLength: 4 }).map((all) => all.join('')),
    },
  )
  // Postgres cannot hold it; a difference that was decided.
  .map((value) => value.replaceAll('\0', ''));

const number: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.1,
    1e20,
    1e21,
    1e-6,
    1e-7,
    5e-324,
    1.7976931348623157e308,
    2 ** 53,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
);

const scalar: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  number,
  text,
  fc.date({ noInvalidDate: true }),
  fc.constantFrom('1.0', '-0.0', '1E+2', '"\\u0041\\/"', '[ 1 , {"a" : 2 } ]').map(rawJson),
);

const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie('object') },
  ),
  object: objectOf(tie('value')),
}));

/** Own properties, `__proto__` too; a key that is repeated goes once. */
function objectOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc
    .array(fc.tuple(text, values), { maxLength: 5 })
    .map((members) => Object.fromEntries(members));
}

/** JSON text as other programs write it: spaces, repeated keys, escapes where none are needed. */
const jsonText: fc.Arbitrary<string> = fc
  .array(fc.tuple(text, fc.oneof(number, text, fc.constantFrom(null, '\0', '\ud800'))), {
    maxLength: 5,
  })
  .chain((members) =>
    fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }).map((spelt) => {
      const written = members.map(([key, each], index) => {
        const json = typeof each === 'bigint' ? String(each) : JSON.stringify(each);
        const name = JSON.stringify(key);
        return spelt[index] ? ` ${escapeAll(name)} :\n${escapeAll(json)} ` : `${name}:${json}`;
      });
      return `{${written.join(',')}}`;
    }),
  );

/** Every letter of JSON strings as `\uXXXX`. */
function escapeAll(json: string): string {
  if (!json.startsWith('"')) return json;
  const units = (JSON.parse(json) as string).split('');
  return `"${units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
}

const name: fc.Arbitrary<string> = fc.constantFrom(
  'sort',
  'a',
  'x.y:z',
  'é',
  '&args={}',
  '\u{1F600}<k>',
);

/** Mostly what River takes; one in ten is out of its bounds. */
function mostly<T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 19, arbitrary: good }, { weight: 1, arbitrary: bad });
}

function maybe<T>(given: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(given, { nil: undefined, freq: 3 });
}

const LONG = { tag: 'x'.repeat(255), queue: 'q'.repeat(64) };
const tag = mostly(
  fc.constantFrom('tag', 'a-b', '___', '0_0', 'a--b', 'Tag', LONG.tag),
  fc.constantFrom('', 'ab', '-ab', 'ab-', 'a b', 'a,b', 'äöü', 'tag\n', `${LONG.tag}x`),
);
const queue = mostly(
  fc.constantFrom('default', 'q', 'a_b-c|d', '0', LONG.queue),
  fc.constantFrom('', 'Q', 'a__b', '-a', 'a-', 'a.b', 'a\n', 'é', `${LONG.queue}q`),
);

const scheduledAt: fc.Arbitrary<Date> = fc.oneof(
  fc
    .constantFrom(
      ...['0001-01-01T00:00:00.001Z', '0000-12-31T23:59:59.999Z', '-001000-06-01T00:00:00Z'],
      ...['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
      ...['+010000-01-01T00:00:00Z', '+275760-09-13T00:00:00Z', '2026-11-21T10:07:33.217Z'],
    )
    .map((iso) => new Date(iso)),
  fc.date({ noInvalidDate: true, min: new Date('-004712-01-01T00:00:00Z') }),
);

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const byPeriodMs = mostly(
  fc.oneof(
    fc.constantFrom(SECOND, 1_500, 1_001, 15 * 60 * SECOND, DAY, 7 * DAY, 30 * DAY, 365 * DAY),
    fc.integer({ min: SECOND, max: 100 * DAY }),
  ),
  fc.constantFrom(0, 1, 999, -1, -DAY),
);

const REQUIRED = ['available', 'pending', 'running', 'scheduled'];
const byState = mostly(
  fc.oneof(
    fc.constant<string[]>([]),
    fc
      .tuple(
        fc.subarray(['cancelled', 'completed', 'discarded', 'retryable']),
        fc.subarray(REQUIRED),
      )
      .chain(([more, again]) => {
        const states = [...REQUIRED, ...more, ...again];
        return fc.shuffledSubarray(states, { minLength: states.length });
      }),
  ),
  fc.oneof(fc.subarray(REQUIRED, { minLength: 1 }), fc.constant([...REQUIRED, 'done'])),
);

/** Tags for some keys of the args, absent ones too. What a struct's tag cannot name is left out. */
function tagsOf(args: unknown, depth = 0): fc.Arbitrary<TagTree> {
  const members = isObject(args) ? Object.entries(args) : [];
  const keys = members.map(([key]) => key).filter(isTagName);
  return fc
    .tuple(fc.subarray(keys), fc.subarray(['absent', 'customer', '0']))
    .chain(([present, more]) => {
      const chosen = [...new Set([...present, ...more])];
      const inner = new Map(members);
      return fc.tuple(
        ...chosen.map((key) => {
          const canNest = depth < 3 && (isObject(inner.get(key)) || !inner.has(key));
          const inside = canNest
            ? fc.option(tagsOf(inner.get(key), depth + 1), { nil: undefined })
            : fc.constant(undefined);
          return fc.record({ tagged: fc.boolean(), inside }).map((node) => [key, node] as const);
        }),
      );
    })
    .map((nodes) => Object.fromEntries(nodes));
}

function isObject(candidate: unknown): candidate is object {
  return Object.prototype.toString.call(candidate) === '[object Object]' && !isRawJson(candidate);
}

function isRawJson(candidate: unknown): boolean {
  return (candidate as object).constructor?.name === 'RawJson';
}

/** Go: a comma ends the name, `-` leaves the field out, and without a name the field's own counts. */
function isTagName(key: string): boolean {
  return key !== '' && key !== '-' && !key.includes(',');
}

function uniqueOf(args: JobCase['args']): fc.Arbitrary<UniqueCase> {
  const all = fc.constant<true | TagTree>(true);
  const byArgs =
    'text' in args
      ? all
      : fc.oneof(
          all,
          tagsOf(args.value).filter((tags) => hasTag(tags)),
        );
  return fc.record({
    byArgs: maybe(byArgs),
    byPeriodMs: maybe(byPeriodMs),
    byQueue: maybe(fc.boolean()),
    byState: maybe(byState),
    excludeKind: maybe(fc.boolean()),
  });
}

/** Without any tag Go counts all args; ours asks for `byArgs: true` then. */
function hasTag(tags: TagTree): boolean {
  return Object.values(tags).some(
    ({ tagged, inside }) => tagged || (inside !== undefined && hasTag(inside)),
  );
}

/** Any job, most of them such that River takes it. */
export const jobCases: fc.Arbitrary<JobCase> = fc
  .oneof(
    { weight: 5, arbitrary: objectOf(value).map((each) => ({ value: each })) },
    { weight: 1, arbitrary: jsonText.map((each) => ({ text: each })) },
  )
  .chain((args) =>
    fc.record<JobCase>({
      kind: mostly(name, fc.constantFrom('', 'k'.repeat(128))),
      args: fc.constant<JobCase['args']>(args),
      maxAttempts: maybe(
        mostly(fc.integer({ min: 1, max: 32_767 }), fc.constantFrom(0, -1, 32_768)),
      ),
      metadata: maybe(
        mostly(
          fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<object>,
          fc.constant<object>([]),
        ),
      ),
      pending: maybe(fc.boolean()),
      priority: maybe(mostly(fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 5, -1))),
      queue: maybe(queue),
      scheduledAt: maybe(scheduledAt),
      tags: maybe(fc.array(tag, { maxLength: 3 })),
      unique: maybe(uniqueOf(args)),
    }),
  );
