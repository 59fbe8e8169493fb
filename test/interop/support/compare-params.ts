import { expect } from '@jest/globals';
import { InvalidJobError } from 'nestjs-river';
import { encodeJson } from '../../../lib/insert/json/encode-json.js';
import { makeInsertParams, type InsertParams } from '../../../lib/insert/insert-params.js';
import { DECIDED_DIFFERENCES } from './decided-differences.js';
import type { GoClient } from './go-client.js';
import type { GoParamsOrError } from './go-protocol.js';
import { goJob, ourJob, type JobCase } from './job-case.js';

const NOW = new Date('2026-11-21T10:07:33.217Z');

/** How a comparison went, where it did not fail. */
export type Outcome = 'agreed' | 'agreed, unique' | 'refused by both' | 'decided difference';

/**
 * Compares what both clients would send of a job: checks, defaults, encoding, unique key.
 *
 * @throws what `expect` throws, and which key or refusal was ours and Go's
 */
export async function compareParams(go: GoClient, job: JobCase): Promise<Outcome> {
  const ours = attempt(job);
  const [theirs] = await go.params(NOW, [goJob(job, encodedArgsOf(job))]);
  const differences = DECIDED_DIFFERENCES.filter((each) => each.concerns(job));

  if (differences.length > 0) {
    if (differences.some((each) => each.ours === 'refuses it')) expect(ours).toBe('refused');
    if (differences.some((each) => each.go === 'refuses it')) expect(theirs?.error).toBeDefined();
    return 'decided difference';
  }
  try {
    expect(ours === 'refused' ? ours : asGo(ours)).toEqual(asOurs(theirs));
  } catch (error) {
    throw told(error as Error, ours, theirs);
  }
  if (ours === 'refused') return 'refused by both';
  return ours.unique === undefined ? 'agreed' : 'agreed, unique';
}

/** The JSON text that Go's own encoder starts from. */
export function encodedArgsOf({ args }: JobCase): string {
  return 'text' in args ? args.text : encodeJson(args.value, 'args');
}

function attempt(job: JobCase): InsertParams | 'refused' {
  try {
    const { args, opts } = ourJob(job);
    return makeInsertParams(args, opts, {
      now: NOW,
      isClockGiven: true,
      moduleOpts: {},
      claimKind: () => undefined,
    });
  } catch (error) {
    if (error instanceof InvalidJobError) return 'refused';
    throw error;
  }
}

/** A hash does not say what differs, nor does a refusal its reason. */
function told(
  error: Error,
  ours: InsertParams | 'refused',
  theirs: GoParamsOrError | undefined,
): Error {
  if (theirs?.error !== undefined) error.message += `\nGo refuses it: ${theirs.error}`;
  if (ours !== 'refused' && ours.unique) {
    error.message += `\nOur unique key is the hash of: ${visible(ours.unique.text)}`;
  }
  return error;
}

/** Raw and escaped letters look alike in a report, or like nothing. */
function visible(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/gu,
    (letter) => `<U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

/** What ours would send, under the names of Go's answer. */
function asGo(ours: InsertParams): object {
  const unique = ours.unique?.path === 'index' ? ours.unique : undefined;
  return {
    kind: ours.kind,
    encodedArgs: asGoEncodes(ours.encodedArgs),
    createdAt: ours.createdAt?.getTime(),
    scheduledAt: ours.schedule && 'at' in ours.schedule ? ours.schedule.at.getTime() : undefined,
    state: ours.state,
    maxAttempts: ours.maxAttempts,
    metadata: ours.metadata,
    priority: ours.priority,
    queue: ours.queue,
    tags: ours.tags,
    uniqueKey: unique?.hash.toString('hex') ?? null,
    uniqueStates: unique?.stateBits ?? null,
  };
}

function asOurs(theirs: GoParamsOrError | undefined): unknown {
  if (theirs?.params === undefined) return 'refused';
  const { createdAt, scheduledAt, ...rest } = theirs.params;
  return { ...rest, createdAt: unixMs(createdAt), scheduledAt: unixMs(scheduledAt) };
}

/** RFC 3339 with years of any length; `Date.parse` wants those beyond four digits with six and a sign. */
function unixMs(rfc3339: string): number {
  const [, sign = '', year = '', rest = ''] = /^(-?)(\d+)(-.*)$/.exec(rfc3339) ?? [];
  const digits = year.padStart(6, '0');
  // Minus zero is no year to JavaScript.
  return Date.parse(`${digits === '000000' || sign === '' ? '+' : '-'}${digits}${rest}`);
}

/** Go's encoder escapes what HTML might take for its own; the columns are jsonb and do not tell. */
function asGoEncodes(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
