import type { ValueTransformer } from 'typeorm';
import { statesOfBits } from '../insert/unique/unique-key.js';
import type { JobRowFields } from '../job/row/job-row.js';
import { JOB_STATES } from '../job/row/job-state.js';
import { decodeAttemptError } from '../postgres/rows/job-columns.js';
import type { RiverTable } from './river-record.js';

/**
 * A row of `river_job` as TypeORM reads it: the fields of a `JobRow` but for `encodedArgs`. Integers
 * in `args` and `metadata` beyond 2^53 lose digits, because the driver decodes them; `jobGet` of
 * RiverClient keeps them.
 */
export type RiverJob<Args = unknown> = Omit<JobRowFields<Args>, 'encodedArgs'>;

const hexadecimal: ValueTransformer = {
  from: (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex'),
  to: (text: unknown) => (typeof text === 'string' ? Buffer.from(text, 'hex') : text),
};

/** For what is never sent: only what comes is changed. */
const reading = <Stored>(from: (stored: Stored) => unknown): ValueTransformer => ({
  from,
  to: (value: unknown) => value,
});

export const RIVER_JOB: RiverTable<RiverJob> = {
  table: 'river_job',
  columns: {
    id: { type: 'bigint', primary: true },
    args: { type: 'jsonb' },
    attempt: { type: 'smallint' },
    attemptedAt: { type: 'timestamptz', name: 'attempted_at', nullable: true },
    attemptedBy: {
      type: 'text',
      name: 'attempted_by',
      array: true,
      transformer: reading((stored: string[] | null) => stored ?? []),
    },
    createdAt: { type: 'timestamptz', name: 'created_at' },
    errors: {
      type: 'jsonb',
      array: true,
      transformer: reading((stored: unknown[] | null) => (stored ?? []).map(decodeAttemptError)),
    },
    finalizedAt: { type: 'timestamptz', name: 'finalized_at', nullable: true },
    kind: { type: 'text' },
    maxAttempts: { type: 'smallint', name: 'max_attempts' },
    metadata: { type: 'jsonb' },
    priority: { type: 'smallint' },
    queue: { type: 'text' },
    scheduledAt: { type: 'timestamptz', name: 'scheduled_at' },
    state: { type: 'enum', enum: JOB_STATES, enumName: 'river_job_state' },
    tags: { type: 'varchar', length: 255, array: true },
    uniqueKey: { type: 'bytea', name: 'unique_key', nullable: true, transformer: hexadecimal },
    uniqueStates: {
      type: 'bit',
      name: 'unique_states',
      length: 8,
      nullable: true,
      transformer: reading((bits: string | null) => (bits === null ? null : statesOfBits(bits))),
    },
  },
};
