import type { JobCase } from './job-case.js';

/** What a side does with a job, before any statement. */
type Answer = 'takes it' | 'refuses it';

/** A difference from Go that was decided. There are no others: whatever is not here must agree. */
export interface DecidedDifference {
  readonly name: string;
  readonly go: Answer;
  readonly ours: Answer;
  concerns(job: JobCase): boolean;
  /** One job that shows it. */
  readonly example: Partial<JobCase>;
}

/** Go's zero time. */
const GO_ZERO_TIME = new Date('0001-01-01T00:00:00Z');

/** States without which Go refuses a list. */
const REQUIRED = ['available', 'pending', 'running', 'scheduled'];
const STATES = [...REQUIRED, 'cancelled', 'completed', 'discarded', 'retryable'];

/** State lists that River's index cannot express, and so Go does not take. */
function isLockPathList(states: readonly string[] = []): boolean {
  return (
    states.length > 0 &&
    states.every((state) => STATES.includes(state)) &&
    REQUIRED.some((state) => !states.includes(state))
  );
}

/**
 * Of each single job. The order matters where several concern one: the first says what each side
 * does. Differences of batches, class defaults and notifications are tests of their own, in
 * `decided-differences.test.ts`.
 */
export const DECIDED_DIFFERENCES: readonly DecidedDifference[] = [
  {
    name: 'args that are no object are refused',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ args }) =>
      'text' in args ? !args.text.trimStart().startsWith('{') : Array.isArray(args.value),
    example: { args: { text: '[1]' } },
  },
  {
    name: 'NUL and lone surrogates are refused before sending',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ args }) => 'text' in args && /"\\u(0000|d800)"/.test(args.text),
    example: { args: { text: '{"a":"\\u0000"}' } },
  },
  {
    name: 'a kind that the table refuses is refused before sending',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ kind }) => kind === '' || [...kind].length > 127,
    example: { kind: '' },
  },
  {
    name: '0 as priority is a value, and out of range',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ priority }) => priority === 0,
    example: { priority: 0 },
  },
  {
    name: "'' as queue is a value, and no name",
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ queue }) => queue === '',
    example: { queue: '' },
  },
  {
    name: 'max_attempts outside 1..32767 is refused, 0 included',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ maxAttempts = 1 }) => maxAttempts < 1 || maxAttempts > 32_767,
    example: { maxAttempts: 32_768 },
  },
  {
    name: 'metadata that is no object is refused',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ metadata }) => Array.isArray(metadata),
    example: { metadata: [1] },
  },
  {
    name: '0 as period is a value, and too short',
    go: 'takes it',
    ours: 'refuses it',
    concerns: ({ unique }) => unique?.byPeriodMs === 0,
    example: { unique: { byPeriodMs: 0 } },
  },
  {
    name: 'state lists that Go refuses take the lock path',
    go: 'refuses it',
    ours: 'takes it',
    concerns: ({ unique }) => isLockPathList(unique?.byState),
    example: { unique: { byArgs: true, byState: ['available'] } },
  },
  {
    name: "Go's zero time is a time",
    go: 'takes it',
    ours: 'takes it',
    concerns: ({ scheduledAt }) => scheduledAt?.getTime() === GO_ZERO_TIME.getTime(),
    example: { scheduledAt: GO_ZERO_TIME },
  },
];
