import type { JobState } from '../../job/row/job-state.js';
import { contains, parseJsonb } from './jsonb.js';
import { timeOf, type JobRecord } from './records.js';

export type TimeColumn = 'attempted_at' | 'created_at' | 'finalized_at' | 'scheduled_at';

type Test = (job: JobRecord) => boolean;
type Parts = readonly (string | undefined)[];
type Value = (place: string | undefined) => unknown;

/**
 * Reads the conditions that `jobConditions` and `jobListStatement` put together. In this order, since
 * some hold others.
 */
const CONDITIONS: readonly (readonly [
  pattern: RegExp,
  test: (parts: Parts, value: Value) => Test,
])[] = [
  [
    /\(job\.(\w+), job\.id\) ([<>]) \(\$(\d+)::timestamptz, \$(\d+)::bigint\)( OR job\.\w+ IS NULL)?/g,
    ([column, operator, time, id, orNull], value) =>
      isBehind({ column, operator, orNull }, timeOf(String(value(time))), bigint(value(id))),
  ],
  [
    /\(job\.(\w+) IS NOT NULL OR job\.id < \$(\d+)/g,
    ([column, id], value) => {
      const limit = bigint(value(id));
      return (job) => jobTime(job, column) !== null || job.id < limit;
    },
  ],
  [
    /job\.(\w+) IS NULL AND job\.id > \$(\d+)/g,
    ([column, id], value) => {
      const limit = bigint(value(id));
      return (job) => jobTime(job, column) === null && job.id > limit;
    },
  ],
  [
    /job\.id ([<>]) \$(\d+)/g,
    ([operator, id], value) => {
      const limit = bigint(value(id));
      return (job) => (operator === '<' ? job.id < limit : job.id > limit);
    },
  ],
  [
    /job\.(id|kind|queue|priority|state) = ANY \(\$(\d+)/g,
    ([column, place], value) => {
      const list = new Set((value(place) as readonly unknown[]).map(String));
      return (job) => list.has(String(job[column as 'kind']));
    },
  ],
  [
    /job\.state = \$(\d+)/g,
    ([place], value) => {
      const state = value(place) as JobState;
      return (job) => job.state === state;
    },
  ],
  [
    /job\.tags (@>|&&) \$(\d+)/g,
    ([operator, place], value) => {
      const tags = value(place) as readonly string[];
      return operator === '&&'
        ? (job) => tags.some((tag) => job.tags.includes(tag))
        : (job) => tags.every((tag) => job.tags.includes(tag));
    },
  ],
  [
    /job\.(args|metadata) @> \$(\d+)/g,
    ([column, place], value) => {
      const part = parseJsonb(String(value(place)));
      return (job) => contains(parseJsonb(job[column as 'args']), part);
    },
  ],
  [
    /job\.(\w+_at) (>=|<) \$(\d+)/g,
    ([column, operator, place], value) => {
      const limit = timeOf(String(value(place)));
      return (job) => {
        const time = jobTime(job, column);
        return time !== null && (operator === '<' ? time < limit : time >= limit);
      };
    },
  ],
  [/job\.finalized_at IS NOT NULL/g, () => (job) => job.finalizedAt !== null],
];

/**
 * What the patterns leave of a text whose conditions they all know: a condition beside them is not
 * taken for one that holds.
 */
const LEFT = /^(?:true|AND|::[\w".]+(?:\[\])?|[\s()])*$/;

/** The jobs for which all conditions of the text hold; undefined when it has others. */
export function conditionsOf(text: string, values: readonly unknown[]): Test | undefined {
  const tests: Test[] = [];
  let rest = text;
  const value: Value = (place) => values[Number(place) - 1];
  for (const [pattern, test] of CONDITIONS) {
    rest = rest.replace(pattern, (...match: unknown[]) => {
      const parts = match.slice(
        1,
        match.findIndex((part) => typeof part === 'number'),
      );
      tests.push(test(parts as Parts, value));
      return '';
    });
  }
  return LEFT.test(rest) ? (job) => tests.every((test) => test(job)) : undefined;
}

export function jobTime(job: JobRecord, column: string | undefined): number | null {
  switch (column as TimeColumn) {
    case 'attempted_at':
      return job.attemptedAt;
    case 'created_at':
      return job.createdAt;
    case 'finalized_at':
      return job.finalizedAt;
    case 'scheduled_at':
      return job.scheduledAt;
  }
}

function isBehind(
  { column, operator, orNull }: Readonly<Record<string, string | undefined>>,
  limit: number,
  id: bigint,
): Test {
  return (job) => {
    const time = jobTime(job, column);
    if (time === null) return orNull !== undefined;
    if (time === limit) return operator === '<' ? job.id < id : job.id > id;
    return operator === '<' ? time < limit : time > limit;
  };
}

function bigint(value: unknown): bigint {
  return BigInt(String(value));
}
