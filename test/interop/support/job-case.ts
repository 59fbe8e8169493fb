import { jobArgs, rawJson, type InsertOptions, type JobState } from 'nestjs-river';
import { encodeJson } from '../../../lib/insert/json/encode-json.js';
import type { GoField, GoJob, GoUniqueOpts } from './go-protocol.js';

/** A tag on a key of the args, and those inside it: a Go struct's, and so our paths. */
export interface TagTree {
  readonly [key: string]: { readonly tagged: boolean; readonly inside?: TagTree | undefined };
}

export interface UniqueCase {
  /** All args, or those that carry a tag. */
  readonly byArgs?: true | TagTree | undefined;
  readonly byPeriodMs?: number | undefined;
  readonly byQueue?: boolean | undefined;
  readonly byState?: readonly string[] | undefined;
  readonly excludeKind?: boolean | undefined;
}

/** One job in a form that is neither ours nor Go's. What is undefined is not given. */
export interface JobCase {
  readonly kind: string;
  /** The args as a value, or as JSON text that is sent as it stands. */
  readonly args: { readonly value: object } | { readonly text: string };
  readonly maxAttempts?: number | undefined;
  readonly metadata?: object | undefined;
  readonly pending?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly scheduledAt?: Date | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly unique?: UniqueCase | undefined;
}

/** The case as it is given to our client. */
export function ourJob(job: JobCase): { args: object; opts: InsertOptions } {
  const { maxAttempts, metadata, pending, priority, queue, scheduledAt, tags } = job;
  return {
    args: jobArgs(job.kind, 'text' in job.args ? rawJson(job.args.text) : job.args.value),
    opts: {
      maxAttempts,
      metadata,
      pending,
      priority,
      queue,
      scheduledAt,
      tags,
      uniqueOpts: job.unique && ourUniqueOpts(job.unique),
    },
  };
}

function ourUniqueOpts({
  byArgs,
  byPeriodMs,
  byState,
  ...rest
}: UniqueCase): InsertOptions['uniqueOpts'] {
  return {
    ...rest,
    byArgs: byArgs === undefined || byArgs === true ? byArgs : pathsOf(byArgs),
    byPeriod: byPeriodMs === undefined ? undefined : byPeriodMs / 1000,
    byState: byState as readonly JobState[] | undefined,
  };
}

/** As River reads tags: that of an object yields to those inside it. */
function pathsOf(tags: TagTree): string[][] {
  return Object.entries(tags).flatMap(([key, { tagged, inside }]) => {
    const deeper = inside === undefined ? [] : pathsOf(inside);
    if (deeper.length > 0) return deeper.map((path) => [key, ...path]);
    return tagged ? [[key]] : [];
  });
}

/**
 * The case as it is given to Go.
 *
 * @param encodedArgs the text that Go's own encoder would start from
 */
export function goJob(job: JobCase, encodedArgs: string): GoJob {
  const { maxAttempts, metadata, pending, priority, queue, scheduledAt, tags, unique } = job;
  const byArgs = unique?.byArgs;
  return {
    kind: job.kind,
    encodedArgs,
    ...(typeof byArgs === 'object' && { uniqueArgs: { fields: fieldsOf(byArgs) } }),
    opts: {
      ...given({ maxAttempts, pending, priority, queue, tags }),
      ...(metadata && { metadata: encodeJson(metadata, 'metadata') }),
      ...(scheduledAt && { scheduledAtUnixMs: scheduledAt.getTime() }),
      ...(unique && { uniqueOpts: goUniqueOpts(unique) }),
    },
  };
}

function goUniqueOpts({ byArgs, byPeriodMs, ...rest }: UniqueCase): GoUniqueOpts {
  return {
    ...given(rest),
    ...(byArgs !== undefined && { byArgs: true }),
    ...(byPeriodMs !== undefined && { byPeriodNs: byPeriodMs * 1_000_000 }),
  };
}

function fieldsOf(tags: TagTree): GoField[] {
  return Object.entries(tags).map(([name, { tagged, inside }]) => ({
    name,
    unique: tagged,
    ...(inside && { fields: fieldsOf(inside) }),
  }));
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}
