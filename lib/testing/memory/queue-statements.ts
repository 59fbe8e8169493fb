import { currentTime } from './clock.js';
import { answer, type Answer } from './answer.js';
import { jsonbText } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import { queueRow, timeText } from './records.js';
import { FINAL } from './job-statements.js';

type Statement = (transaction: MemoryTransaction, values: readonly unknown[]) => Answer;

export const getQueue: Statement = (transaction, [name]) => {
  const queue = transaction.queue(String(name));
  return answer('SELECT', queue === undefined ? [] : [queueRow(queue)]);
};

export const listQueues: Statement = (transaction, [first]) =>
  answer('SELECT', transaction.queues().slice(0, Number(first)).map(queueRow));

export const pauseQueues = turning((pausedAt, now) => pausedAt ?? now);
export const resumeQueues = turning(() => null);

function turning(pausedAtOf: (pausedAt: number | null, now: number) => number | null): Statement {
  return (transaction, [name]) => {
    const found = transaction.queues().filter((queue) => name === '*' || queue.name === name);
    const now = transaction.startedAt;
    for (const queue of found) {
      const pausedAt = pausedAtOf(queue.pausedAt, now);
      const isTurned = (pausedAt === null) !== (queue.pausedAt === null);
      transaction.setQueue({ ...queue, pausedAt, updatedAt: isTurned ? now : queue.updatedAt });
    }
    return answer('SELECT', [{ found: String(found.length) }]);
  };
}

export const pauseUnannounced: Statement = (transaction, [name]) => {
  const now = transaction.startedAt;
  const known = transaction.queue(String(name));
  const queue = known ?? {
    name: String(name),
    createdAt: now,
    metadata: '{}',
    pausedAt: null,
    updatedAt: now,
  };
  const updatedAt = queue.pausedAt === null ? now : queue.updatedAt;
  transaction.setQueue({ ...queue, pausedAt: queue.pausedAt ?? now, updatedAt });
  return answer('SELECT', [{ notified: null }]);
};

export const updateQueue: Statement = (transaction, [name, metadata]) => {
  const queue = transaction.queue(String(name));
  if (queue === undefined) return answer('SELECT');
  const text = typeof metadata === 'string' ? jsonbText(metadata) : queue.metadata;
  const changed = { ...queue, metadata: text, updatedAt: transaction.startedAt };
  transaction.setQueue(changed);
  return answer('SELECT', [queueRow(changed)]);
};

/** @param finalized whether jobs that have ended are counted */
export function countingQueues({ finalized }: { readonly finalized: boolean }): Statement {
  return (transaction) => {
    const jobs = transaction.jobs().filter(({ state }) => finalized || !FINAL.includes(state));
    const queues = transaction.queues();
    const names = new Set([...jobs.map(({ queue }) => queue), ...queues.map(({ name }) => name)]);
    const rows = [...names].sort().map((name) => {
      const own = jobs.filter(({ queue }) => queue === name);
      const available = own.filter(({ state }) => state === 'available');
      const counts: Record<string, number> = {};
      for (const { state } of own) counts[state] = (counts[state] ?? 0) + 1;
      const oldest = Math.min(...available.map(({ scheduledAt }) => scheduledAt));
      return {
        name,
        paused_at: timeText(queues.find((queue) => queue.name === name)?.pausedAt ?? null),
        counts: own.length === 0 ? null : JSON.stringify(counts),
        oldest_age: available.length === 0 ? null : String(currentTime() - oldest),
      };
    });
    return answer('SELECT', rows);
  };
}
