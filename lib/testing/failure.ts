import { inspect } from 'node:util';
import type { JobRow } from '../job/row/job-row.js';
import type { Difference } from './expected-job.js';

/** How many jobs a message lists. */
const LISTED = 20;

/** A requirement of a test on the jobs inserted does not hold. Its message shows jobs with their args. */
export class JobRequirementError extends Error {
  override readonly name: string = 'JobRequirementError';
}

export function failure(what: string, ...paragraphs: string[]): JobRequirementError {
  return new JobRequirementError([what, ...paragraphs.filter(Boolean)].join('\n\n'));
}

/** The jobs that are there, one a line. */
export function jobLines(title: string, jobs: readonly JobRow[]): string {
  if (jobs.length === 0) return `${title} none.`;
  const lines = jobs.slice(0, LISTED).map((job) => `  ${jobLine(job)}`);
  if (jobs.length > LISTED) lines.push(`  and ${jobs.length - LISTED} more`);
  return [title, ...lines].join('\n');
}

function jobLine({ id, kind, encodedArgs, queue, priority, state, tags }: JobRow): string {
  const tagged = tags.length === 0 ? '' : `, tags ${tags.join(' ')}`;
  return `${kind} ${encodedArgs} (id ${id}, queue ${queue}, priority ${priority}, ${state}${tagged})`;
}

export function differenceLines(differences: readonly Difference[]): string {
  return differences
    .map(
      ({ path, expected, actual }) => `  ${path}: expected ${text(expected)}, got ${text(actual)}`,
    )
    .join('\n');
}

function text(value: unknown): string {
  const { asymmetricMatch, toAsymmetricMatcher, sample } = Object(value) as Partial<
    Record<'asymmetricMatch' | 'toAsymmetricMatcher' | 'sample', unknown>
  >;
  if (typeof asymmetricMatch !== 'function') return shown(value);
  if (typeof toAsymmetricMatcher === 'function') return String(toAsymmetricMatcher.call(value));
  return sample === undefined ? String(value) : `${String(value)}<${shown(sample)}>`;
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY });
}
