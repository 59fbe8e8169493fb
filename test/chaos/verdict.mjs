// Holds what the callers of a trial were told against what the database has.
import { chainOf } from './trial.mjs';

const JOINED = new Set(['REQUIRED', 'MANDATORY', 'SUPPORTS']);

/** Connection errors leave open whether a statement by itself was done. */
const LOST = /terminat|Connection|not queryable|closed|ECONN|57P01|released/i;

/**
 * @param stored the tags of the trial's rows
 * @returns a list of contradictions; none when all is well
 */
export function judge(trial, stored) {
  const found = [];
  const contradiction = (kind, what) => found.push({ kind, what });
  const known = new Set();
  const undecided = new Map();
  for (const record of trial.steps) {
    for (const row of record.rows) known.add(row);
    const fate = fateOf(record.scope);
    const there = record.rows.filter((row) => stored.has(row)).length;
    if (there > 0 && there < record.rows.length) {
      contradiction('half', describe(record, fate));
      continue;
    }
    checkPromise(record, fate, contradiction);
    if (record.rows.length === 0) continue;
    const isThere = there > 0;
    if (fate === 'unknown') {
      if (mustBeThere(record)) addTo(undecided, chainOf(record.scope).at(-1), isThere);
      else if (isThere) contradiction('stray', describe(record, fate));
      continue;
    }
    const expected = expectation(record, fate);
    if (expected === true && !isThere) contradiction('lost', describe(record, fate));
    if (expected === false && isThere) contradiction('stray', describe(record, fate));
  }
  for (const answers of undecided.values()) {
    if (new Set(answers).size > 1) contradiction('half', 'a transaction of unknown outcome');
  }
  for (const scope of trial.scopes) checkPromise(scope, fateOf(scope.parent), contradiction);
  for (const row of stored) if (!known.has(row)) contradiction('stray', row);
  checkHooks(trial, contradiction);
  checkUnhandled(trial, contradiction);
  return found;
}

/** What became of the part of a transaction that a scope is. */
function fateOf(scope) {
  if (scope === undefined) return undefined;
  const { kind, parent, told, outcome } = scope;
  if (kind === 'outside') return 'by itself';
  if (kind === 'root' || kind === 'REQUIRES_NEW') return outcome ?? 'rolled back';
  if (JOINED.has(kind)) return fateOf(parent);
  // A nested one that nobody looked at must not have failed where the whole is committed.
  return told === 'failed' ? 'rolled back' : fateOf(parent);
}

function mustBeThere({ told, isUnobserved }) {
  return told === 'ok' || (told === undefined && isUnobserved === true);
}

/** Whether the rows of a step must be there; undefined when either is right. */
function expectation(record, fate) {
  if (fate === 'rolled back') return false;
  if (fate === 'committed') return mustBeThere(record);
  if (record.told === 'failed' && LOST.test(String(record.error))) return undefined;
  return record.told === 'ok';
}

function checkPromise(record, fate, contradiction) {
  if (fate !== 'committed' || record.scope?.kind === 'outside') return;
  if (record.isUnobserved && record.told === 'failed') {
    if (!['REQUIRES_NEW', 'outside'].includes(record.kind))
      contradiction('untold failure', describe(record, fate));
  }
  const ended = chainOf(record.scope ?? record.parent).find(
    ({ settledAt }) => settledAt < record.begunAt,
  );
  if (ended && !JOINED.has(ended.kind) && record.told === 'ok' && record.rows)
    contradiction('ran after the end', describe(record, fate));
}

function checkHooks({ hooks, scopes, program }, contradiction) {
  for (const scope of scopes) {
    if (scope.kind !== 'root') continue;
    const kinds = hooks.filter((hook) => hook.scope === scope).map(({ kind }) => kind);
    const expected = { committed: 'commit', 'rolled back': 'rollback' }[scope.outcome];
    if (scope.error?.code === 'RIVER_COMMIT_OUTCOME_UNKNOWN') continue;
    if (kinds.length > 1 || (kinds.length === 1 && kinds[0] !== expected)) {
      contradiction('hook', `trial ${program.trial}: ${kinds.join()} told, ${scope.outcome}`);
    }
  }
}

function checkUnhandled({ unhandled, root }, contradiction) {
  for (const { reason, owner } of unhandled) {
    const isOurs = owner === undefined || !owner.isUntracked;
    if (isOurs && root.told === 'failed')
      contradiction('unhandled rejection', `${nameOf(owner?.record)}: ${reason}`);
  }
}

function addTo(map, key, value) {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function nameOf(record) {
  if (record === undefined) return 'an unknown promise';
  if (record.step === undefined) return `a scope ${record.kind}`;
  return `step ${record.step.number} ${record.step.op} ${record.step.by ?? ''}`;
}

function describe(record, fate) {
  const scopes = chainOf(record.scope ?? record.parent).map(
    ({ kind, told }) => `${kind}:${told ?? '?'}`,
  );
  const told = record.error === undefined ? record.told : `${record.told} (${record.error})`;
  return `${nameOf(record)}, told ${told ?? 'nothing'}, in ${scopes.join(' < ')}, ${fate}`;
}
