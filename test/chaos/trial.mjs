// Runs the program of a trial and notes what every promise told.
import { setTimeout as sleep } from 'node:timers/promises';
import { CommitOutcomeUnknownError } from 'nestjs-river';
import { storeBase } from './changes.mjs';
import { orderWithItems, UNTRACKED } from './verbs.mjs';

const nativeThen = Promise.prototype.then;
const nothing = () => undefined;

/** Of which step or scope a promise is, for those that nobody waits for. */
export const owners = new WeakMap();

export class Trial {
  constructor(world, program) {
    this.world = world;
    this.program = program;
    /** Every step that was begun, and every scope, in the order of their beginnings. */
    this.steps = [];
    this.scopes = [];
    this.unhandled = [];
    this.attempts = 0;
    this.hooks = [];
    this.clock = 0;
    this.detached = new Set();
  }

  async run() {
    const { world, program } = this;
    await storeBase(world, program);
    let root;
    const attemptWork = async (manager) => {
      // An attempt before this one was rolled back, and is to be tried again.
      if (root)
        Object.assign(root, { told: 'failed', outcome: 'rolled back', settledAt: ++this.clock });
      this.attempts++;
      root = this.#openScope('root', undefined);
      const attempt = root;
      world.scopes.hooks?.(
        () => this.hooks.push({ scope: attempt, kind: 'commit' }),
        () => this.hooks.push({ scope: attempt, kind: 'rollback' }),
      );
      try {
        await this.#runSteps(program.steps, { manager, scope: attempt });
      } finally {
        attempt.returned = true;
      }
    };
    // It may go on when the caller has been told already, as after a time-out.
    const work = (manager) => {
      const attempt = attemptWork(manager);
      this.#detach(attempt);
      return attempt;
    };
    const answer = program.viaHttp
      ? this.#callHandler(work)
      : world.scopes.root(program.by, program.options, work);
    this.error = await answer.then(nothing, (error) => error ?? new Error('rejected'));
    this.root = root ?? this.#openScope('root', undefined);
    this.root.returned = true;
    this.#settle(this.root, this.error);
    await this.root.resolving;
    while (this.detached.size > 0) await Promise.all(this.detached);
    await Promise.all(this.scopes.map(({ resolving }) => resolving));
    // Rejections that nobody handles are told of after the turn.
    await sleep(1);
  }

  async #callHandler(work) {
    const { world, program } = this;
    world.handlers.set(program.trial, () => work(world.transaction.manager));
    const response = await fetch(`${world.address}/orders/${program.trial}`, { method: 'POST' });
    await response.text();
    world.handlers.delete(program.trial);
    const error = world.errors.get(program.trial);
    world.errors.delete(program.trial);
    if (!response.ok) throw error ?? new Error(`HTTP ${response.status}`);
    if (error) throw new Error('the answer said OK and there was an error', { cause: error });
  }

  #openScope(kind, parent) {
    const attempt = parent?.attempt ?? this.attempts;
    const scope = { kind, parent, attempt, returned: false, told: undefined };
    scope.begunAt = ++this.clock;
    this.scopes.push(scope);
    return scope;
  }

  #settle(scope, error) {
    scope.settledAt = ++this.clock;
    scope.told = error === undefined ? 'ok' : 'failed';
    scope.error = error;
    scope.outcome = error === undefined ? 'committed' : 'rolled back';
    if (error instanceof CommitOutcomeUnknownError) {
      scope.outcome = 'unknown';
      scope.resolving = error.resolve().then(
        (outcome) => (scope.outcome = outcome),
        () => undefined,
      );
    }
  }

  async #runSteps(steps, at) {
    for (const step of steps) await this.#runStep(step, at);
  }

  /** Answers when the handler goes on to its next step. */
  async #runStep(step, at) {
    switch (step.op) {
      case 'throw':
        throw new Error('careless');
      case 'pause':
        return await sleep(step.ms);
      case 'release':
        return await at.manager.queryRunner?.release();
      case 'kill':
        return void this.#kill(step, at);
      case 'detached':
        return void this.#detach(sleep(step.afterMs).then(() => this.#runSteps(step.steps, at)));
      case 'parallel':
        return await this.#parallel(step, at);
      case 'scope':
      case 'REQUIRES_NEW':
      case 'outside':
        return await this.#wait(step, at, this.#scope(step, at));
      default:
        return await this.#wait(step, at, this.#statement(step, at));
    }
  }

  #kill({ afterMs }, { manager }) {
    const pid = manager.queryRunner?.databaseConnection?.processID;
    const kill = async () => {
      await sleep(afterMs);
      await this.world.admin.query('select pg_terminate_backend($1)', [pid]);
    };
    if (pid) this.#detach(kill());
  }

  #detach(work) {
    const ended = work.catch(nothing).finally(() => this.detached.delete(ended));
    this.detached.add(ended);
  }

  async #parallel({ by, steps, wait }, at) {
    const all = steps.map((step) => this.#runStep(step, at));
    for (const each of all) this.#detach(each);
    const answer = Promise[by](all);
    if (wait === 'await') return void (await answer);
    this.#detach(answer);
    if (wait === 'swallow') await answer.catch(nothing);
  }

  #scope(step, at) {
    const by = this.#kindOf(step, at);
    // Outside of transactions, those that would join one open one.
    const isNew = chainOf(at.scope).at(-1).kind === 'outside' && by !== 'outside';
    const scope = this.#openScope(isNew ? 'REQUIRES_NEW' : by, at.scope);
    const run = async (manager) => {
      try {
        await this.#runSteps(step.steps, { manager, scope });
      } finally {
        scope.returned = true;
      }
    };
    const work = (manager) => {
      const running = run(manager);
      this.#detach(running);
      return running;
    };
    return {
      record: scope,
      isSeparate: ['REQUIRES_NEW', 'outside'].includes(scope.kind),
      begin: () => this.world.scopes[by](at, work),
      settle: (error) => {
        scope.returned = true;
        this.#settle(scope, error);
      },
    };
  }

  /** Not TypeORM's own transactions, nor what opens none, where there is none around them. */
  #kindOf({ op, by }, at) {
    if (op !== 'scope') return op;
    const isOutside = chainOf(at.scope).at(-1).kind === 'outside';
    return isOutside && by !== 'NESTED' ? 'REQUIRED' : by;
  }

  #statement(step, { manager, scope }) {
    const { verbs } = this.world;
    const tag = `${this.program.trial}-${scope.attempt}-${step.number}`;
    const tags = Array.from({ length: step.size ?? 1 }, (_, index) => `${tag}.${index}`);
    const begin = {
      order: () => verbs.order[step.by]({ manager }, tag),
      cascade: () => verbs.cascade({ manager }, step.by, orderWithItems(tag, step.size)),
      change: () => verbs.change({ manager }, step.by, { change: step.change, tag }),
      job: () => verbs.job({ manager }, step.by, tags),
      duplicate: () => verbs.order[step.by]({ manager }, 'taken'),
      'bad sql': () => verbs.badSql({ manager }, step.by, tag),
      'bad job': () => verbs.badJob({ manager }, tag),
      'slow sql': () => verbs.sql({ manager }, step.by, 'select pg_sleep($1)', [step.ms / 1000]),
      touch: () => this.#touch(step.counters, { manager }),
    }[step.op];
    const rows = {
      order: () => [`o:${tag}`],
      cascade: () => [`o:${tag}`, ...tags.map((each) => `i:${each}`)],
      change: () => [`c:${tag}`],
      job: () => (/Many/.test(step.by) ? tags : tags.slice(0, 1)).map((each) => `j:${each}`),
    }[step.op];
    const record = { step, scope, rows: rows?.() ?? [], begunAt: ++this.clock, told: undefined };
    this.steps.push(record);
    const settle = (error) => {
      record.settledAt = ++this.clock;
      record.told = error === undefined ? 'ok' : 'failed';
      record.error = error;
    };
    return { record, isUntracked: UNTRACKED.has(step.by), begin, settle };
  }

  /** Locks that other trials want in another order. */
  async #touch(counters, at) {
    for (const id of counters) {
      const sql = 'update chaos_counter set n = n + 1 where id = $1';
      await this.world.verbs.sql(at, 'manager.query', sql, [id]);
    }
  }

  async #wait({ wait }, { scope }, { record, isSeparate, isUntracked, begin, settle }) {
    const around = chainOf(scope);
    const isLate = around.at(-1).kind === 'outside' || around.some(({ returned }) => returned);
    let answer;
    try {
      answer = begin();
    } catch (error) {
      answer = Promise.reject(error);
    }
    const ok = () => settle(undefined);
    const failed = (error) => settle(error ?? new Error('rejected'));
    if (wait === 'await' || wait === 'swallow') {
      try {
        await answer;
        ok();
      } catch (error) {
        failed(error);
        if (wait === 'await') throw error;
      }
    } else if (wait === 'ignore') {
      this.#detach(answer.then(ok, failed));
    } else {
      record.isUnobserved = !isLate;
      // Looked at without calling the promise's own then(), by which it would know.
      if (wait === 'peek' || isLate || isSeparate)
        this.#detach(nativeThen.call(answer, ok, failed));
      else owners.set(answer, { trial: this, record, isUntracked });
    }
  }
}

/** A scope and those around it that share its transaction. */
export function chainOf(scope) {
  const chain = [];
  for (let each = scope; each; each = each.parent) {
    chain.push(each);
    if (['root', 'REQUIRES_NEW', 'outside'].includes(each.kind)) break;
  }
  return chain;
}
