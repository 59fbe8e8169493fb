// Steps that change a row which is there already. Each has a row of its own for each attempt, so that
// it can be told afterwards whether it was done.
const LIFETIMES = `
  with given as (select * from unnest($1::text[], $2::text[]) as given (tag, change)),
  base as (insert into chaos_base (tag, change) select * from given)
  insert into chaos_stock (tag, "deletedAt")
  select tag, case when change = 'restore' then now() end from given`;

export const CHANGE_TABLES = `
  create table chaos_base (tag text primary key, change text not null);
  create table chaos_stock (
    tag text primary key, note text, n int not null default 0, "deletedAt" timestamptz)`;

/** The rows whose change is stored, as `c:` and their tag. A change that was done twice is none. */
export const CHANGED = `
  select 'c:' || base.tag as row from chaos_base base left join chaos_stock stock using (tag)
  where case base.change
    when 'update' then stock.note = 'changed'
    when 'delete' then stock.tag is null
    when 'softDelete' then stock."deletedAt" is not null
    when 'restore' then stock."deletedAt" is null
    when 'increment' then stock.n = 1
    when 'decrement' then stock.n = -1 end`;

/** How each is done; `call` is a method of a manager or a repository. */
const CHANGES = {
  update: (call, tag) => call('update', { tag }, { note: 'changed' }),
  delete: (call, tag) => call('delete', { tag }),
  softDelete: (call, tag) => call('softDelete', { tag }),
  restore: (call, tag) => call('restore', { tag }),
  increment: (call, tag) => call('increment', { tag }, 'n', 1),
  decrement: (call, tag) => call('decrement', { tag }, 'n', 1),
};
export const CHANGE = Object.keys(CHANGES);

export function changeBy(target, entity, { change, tag }) {
  const call = (method, ...args) =>
    entity === undefined ? target[method](...args) : target[method](entity, ...args);
  return CHANGES[change](call, tag);
}

/** Stores what the program's steps will change. */
export async function storeBase({ admin }, { trial, options, viaHttp, steps }) {
  const attempts = 1 + (viaHttp ? 1 : (options.retries ?? 0));
  const rows = changesIn(steps).flatMap(({ number, change }) =>
    Array.from({ length: attempts }, (_, index) => [`${trial}-${index + 1}-${number}`, change]),
  );
  if (rows.length === 0) return;
  await admin.query(LIFETIMES, [rows.map(([tag]) => tag), rows.map(([, change]) => change)]);
}

function changesIn(steps) {
  return steps.flatMap((step) =>
    step.op === 'change' ? [step] : step.steps ? changesIn(step.steps) : [],
  );
}
