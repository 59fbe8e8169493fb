// Whether the pool is as it was before: everything given back, nothing left open.
import { setTimeout as sleep } from 'node:timers/promises';

/** @returns what is not as it was; empty when all is well */
export async function watchPool(world) {
  for (let tries = 0; ; tries++) {
    const wrong = await look(world);
    if (wrong.length === 0 || tries === 20) return wrong;
    await sleep(100);
  }
}

async function look({ dataSource, admin }) {
  const { master, connectedQueryRunners } = dataSource.driver;
  const { rows } = await admin.query(
    `select state, count(*)::int as n from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and backend_type = 'client backend' and state <> 'idle'
     group by 1`,
  );
  const wrong = rows.map(({ state, n }) => `${n} ${state} on the server`);
  const { totalCount, idleCount, waitingCount } = master;
  if (totalCount !== idleCount) wrong.push(`${totalCount - idleCount} connections not given back`);
  if (waitingCount > 0) wrong.push(`${waitingCount} waiting for a connection`);
  if (connectedQueryRunners.length > 0)
    wrong.push(`${connectedQueryRunners.length} query runners not released`);
  return wrong;
}
