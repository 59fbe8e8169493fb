import fc from 'fast-check';
import { JobArgs } from '../../../decorators/job-args.decorator.js';
import { jobArgs } from '../../../lib/job/job-args.js';
import { hostileAnything, hostileObject, hostileString, type Make } from './values.js';

/** A job as hostile callers may ask for it. */
export interface HostileJob {
  readonly args: object;
  readonly opts: object;
  /** The object that its args are to be equal to, if it is stored. */
  readonly payload: unknown;
  /** Top-level keys that belong to the protocol, however the args are made. */
  readonly notArgs: readonly string[];
}

@JobArgs('hostile_decorated')
class Decorated {}

@JobArgs('hostile_answering')
class Answering {
  readonly #answer: unknown;
  constructor(answer: unknown) {
    this.#answer = answer;
  }
  toJSON(): unknown {
    return this.#answer;
  }
}

type Carried = Omit<HostileJob, 'opts'>;

/** Every way to make args of a payload. */
const CARRIERS: readonly ((kind: string, payload: object) => Carried)[] = [
  (kind, payload) => ({ args: jobArgs(kind, payload), payload, notArgs: [] }),
  (_kind, payload) => ({ args: new Answering(payload), payload, notArgs: [] }),
  (kind, payload) => ({ args: { kind, toJSON: () => payload }, payload, notArgs: [] }),
  (kind, payload) => {
    const args = withOwn(withOwn({}, payload), { kind });
    return { args, payload: args, notArgs: ['kind', 'insertOpts'] };
  },
  (_kind, payload) => {
    const args = withOwn(new Decorated(), payload);
    return { args, payload: args, notArgs: [] };
  },
  (kind, payload) => {
    const args = new Proxy(withOwn(withOwn({}, payload), { kind }), {});
    return { args, payload: args, notArgs: ['kind', 'insertOpts'] };
  },
];

function withOwn(target: object, payload: object): object {
  return Object.defineProperties(target, Object.getOwnPropertyDescriptors(payload));
}

const made = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<Make<T>> =>
  values.map((value) => () => value);

const kind = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 127 }) },
  { weight: 1, arbitrary: hostileString },
);
const queue = fc.oneof(
  {
    weight: 6,
    arbitrary: made(fc.stringMatching(/^[a-z0-9]{1,6}([_|-][a-z0-9]{1,6}){0,4}$/)),
  },
  { weight: 1, arbitrary: made(hostileString) },
  {
    weight: 1,
    arbitrary: made(
      fc.constantFrom('a'.repeat(64), 'a'.repeat(65), `${'a'.repeat(63)}!`, 'a\n', 'ä', null),
    ),
  },
  { weight: 1, arbitrary: hostileAnything },
);
const tag = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^\w[\w-]{1,20}\w$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('NULL', 'null', '___', 'a'.repeat(255), 'a'.repeat(256), 'a,b'),
  },
  { weight: 1, arbitrary: hostileString },
);
const tags = fc.oneof(
  { weight: 9, arbitrary: made(fc.array(tag, { maxLength: 3 })) },
  { weight: 1, arbitrary: hostileAnything },
);
const metadata = fc.oneof(
  { weight: 9, arbitrary: hostileObject },
  { weight: 1, arbitrary: hostileAnything },
);
const uniqueOpts = made(
  fc.constantFrom<unknown>(
    null,
    { byArgs: true },
    { byArgs: true, byQueue: true, excludeKind: true },
    { byArgs: true, byState: ['available'] },
  ),
);

/** Given in one of so many jobs. */
const oneIn = (freq: number, option: fc.Arbitrary<Make>): fc.Arbitrary<Make> =>
  fc.oneof(
    { weight: freq - 1, arbitrary: fc.constant(() => undefined) },
    { weight: 1, arbitrary: option },
  );

/** Jobs, of which a good part can be stored. */
export const hostileJob: fc.Arbitrary<Make<HostileJob>> = fc
  .record({
    kind,
    payload: hostileObject,
    carrier: fc.constantFrom(...CARRIERS),
    queue: oneIn(3, queue),
    tags: oneIn(3, tags),
    metadata: oneIn(3, metadata),
    uniqueOpts: oneIn(3, uniqueOpts),
  })
  .map(({ kind: name, payload, carrier, ...makers }) => () => ({
    ...carrier(name, payload()),
    opts: Object.fromEntries(Object.entries(makers).map(([option, make]) => [option, make()])),
  }));
