import type { RiverTable } from './river-record.js';

/** A row of `river_queue`: a queue that a worker has announced. */
export interface RiverQueue {
  readonly name: string;
  readonly createdAt: Date;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Since when it is paused; null while it is worked. */
  readonly pausedAt: Date | null;
  /** When a worker last said that it works the queue. */
  readonly updatedAt: Date;
}

export const RIVER_QUEUE: RiverTable<RiverQueue> = {
  table: 'river_queue',
  columns: {
    name: { type: 'text', primary: true },
    createdAt: { type: 'timestamptz', name: 'created_at' },
    metadata: { type: 'jsonb' },
    pausedAt: { type: 'timestamptz', name: 'paused_at', nullable: true },
    updatedAt: { type: 'timestamptz', name: 'updated_at' },
  },
};
