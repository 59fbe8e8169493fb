import { nameText } from '../../errors/name-text.js';
import type { InsertParams } from '../../insert/insert-params.js';
import { canonicalJson } from '../../insert/json/canonical-json.js';
import { statesOfBits, type UniqueKey } from '../../insert/unique/unique-key.js';
import { comparableArgs } from '../../insert/unique/unique-lock.js';
import { periodOf } from '../../insert/unique/unique-period.js';
import type { JobRow } from '../../job/row/job-row.js';
import type { JobState } from '../../job/row/job-state.js';
import type { Connection } from '../../postgres/connection/connection.js';
import type { UniqueLookUp } from '../../postgres/insert/unique-look-up.js';

/** Why a unique job is, or would be, skipped; the answer of `explainUnique`. */
export interface UniqueExplanation<Args = unknown> {
  /**
   * How the job is kept unique: `index` by River's unique index, `lock` by an advisory lock and a
   * look-up (its states are such that the index cannot express them), `none` not at all.
   */
  readonly path: 'index' | 'lock' | 'none';
  /** What makes jobs equal, as text: two jobs with the same text are. '' when not unique. */
  readonly keyText: string;
  /** SHA-256 of the text in hexadecimal: on the index path the column `unique_key`. */
  readonly keyHash: string;
  /** The states in which an existing job stands in the way of this one. */
  readonly states: readonly JobState[];
  /** The stored job that stands in the way now; undefined when this one would be inserted. */
  readonly blockedBy: JobRow<Args> | undefined;
  /**
   * A stored job on the index path whose args are equal as values, but whose key differs: in the order
   * of nested keys, or in how a time or a number is spelled. It does not block this one. Looked
   * for when nothing does, among 100 jobs.
   */
  readonly sameValues?: JobRow<Args> | undefined;
  /** The same in a sentence, for a person. */
  readonly reason: string;
}

/** Explains one job that has been prepared for an insert, and inserts nothing. */
export async function explain<Args>(
  job: InsertParams,
  lookUp: UniqueLookUp,
  connection: Connection,
): Promise<UniqueExplanation<Args>> {
  const { unique } = job;
  if (unique === undefined) {
    const reason = 'The job is not unique: no unique option is on. It would be inserted.';
    return { path: 'none', keyText: '', keyHash: '', states: [], blockedBy: undefined, reason };
  }
  const blockedBy = (await lookUp.find(connection, unique, job)) as JobRow<Args> | undefined;
  const states = unique.path === 'index' ? statesOfBits(unique.stateBits) : unique.states;
  const sameValues =
    blockedBy === undefined && unique.path === 'index'
      ? ((await findSameValues({ job, unique, lookUp }, connection)) as JobRow<Args> | undefined)
      : undefined;
  const isStored = wouldBeInserted(states) + (sameValues ? hasOtherKey(sameValues) : '');
  return {
    path: unique.path,
    keyText: unique.text,
    keyHash: unique.hash.toString('hex'),
    states,
    blockedBy,
    sameValues,
    reason: blockedBy === undefined ? isStored : isBlocked(unique.path, blockedBy),
  };
}

interface Candidate {
  readonly job: InsertParams;
  readonly unique: UniqueKey;
  readonly lookUp: UniqueLookUp;
}

async function findSameValues(
  { job, unique, lookUp }: Candidate,
  connection: Connection,
): Promise<JobRow | undefined> {
  const { byArgs, byPeriod } = unique.opts;
  if (byArgs === undefined) return undefined;
  const values = ({ encodedArgs }: { encodedArgs: string }): string =>
    comparableArgs({ encodedArgs }, byArgs, (json) => canonicalJson(json, true));
  const start = (time: Date): bigint | undefined =>
    byPeriod === undefined ? undefined : periodOf(time, byPeriod).startNs;
  const wanted = values(job);
  const rows = await lookUp.findOtherKeys(connection, unique, job);
  return rows.find(
    (row) => values(row) === wanted && start(row.scheduledAt) === unique.period?.startNs,
  );
}

function hasOtherKey({ id, state }: JobRow): string {
  return (
    ` Job ${id} (state ${state}) has the same values in its args, but another unique key: River compares ` +
    'text, in which the order of nested keys and the spelling of times and numbers count, and the ' +
    'unique options that the job was inserted with.'
  );
}

function wouldBeInserted(states: readonly JobState[]): string {
  return (
    'No equal job stands in the way, so the job would be inserted. Afterwards it would be in the way ' +
    `of equal ones while its state is one of ${states.join(', ')}.`
  );
}

type Blocker = Pick<JobRow, 'id' | 'kind' | 'state' | 'uniqueStates'>;

function isBlocked(path: 'index' | 'lock', { id, kind, state, uniqueStates }: Blocker): string {
  const job = `Job ${id} (kind ${nameText(kind)}, state ${state})`;
  return path === 'index'
    ? `${job} has the same unique key, and its own unique states (${uniqueStates?.join(', ')}) contain ${state}.`
    : `${job} is equal in what was asked for, and its state is among those asked for.`;
}
