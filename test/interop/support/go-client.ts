import type { Connectable } from '../../support/index.js';
import { buildGoProgram } from './go-build.js';
import type {
  GoInserted,
  GoJob,
  GoOpts,
  GoParamsOrError,
  GoRacer,
  GoWorked,
} from './go-protocol.js';
import { LineProgram } from './line-program.js';

interface Where {
  readonly schema?: string;
  /** Stands still for this request. */
  readonly now?: Date;
  /** The transaction that `begin` opened under this name. */
  readonly tx?: string;
}

/** A job whose args are of a Go type written by hand; see `typed.go`. */
export interface GoTypedJob {
  readonly type: string;
  readonly kind: string;
  readonly encodedArgs: string;
  readonly opts?: GoOpts;
}

/** How River's own migrator is asked; see `migrate.go`. */
export interface GoMigrate {
  /** Default: whatever the `search_path` finds first. */
  readonly schema?: string;
  readonly direction?: 'up' | 'down';
  readonly targetVersion?: number;
  readonly maxSteps?: number;
  readonly dryRun?: boolean;
}

/** River's own Go client, in a process of its own. Close it before the file ends. */
export class GoClient {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  /** Builds the program if its sources are new, which may take a minute, and starts it. */
  static async start(database?: Connectable): Promise<GoClient> {
    const connect = database && { databaseUrl: database.url };
    return new GoClient(await LineProgram.start(await buildGoProgram(), { connect }));
  }

  async close(): Promise<void> {
    await this.#program.close();
  }

  /** Migrates River's schema, up to the newest version unless told otherwise, and tells which. */
  async migrate(target: GoMigrate): Promise<readonly number[]> {
    const { versions } = await this.#program.request<{ versions: number[] }>('migrate', target);
    return versions;
  }

  /** What River's client would send, without a database. */
  async params(now: Date, jobs: readonly GoJob[]): Promise<readonly GoParamsOrError[]> {
    const { results } = await this.#program.request<{ results: GoParamsOrError[] }>('params', {
      now,
      jobs,
    });
    return results;
  }

  async insert(job: GoJob, where: Where = {}): Promise<GoInserted> {
    const [result] = await this.#insert({ ...where, jobs: [job] });
    if (result === undefined) throw new Error('Go answered no result');
    return result;
  }

  async insertMany(jobs: readonly GoJob[], where: Where = {}): Promise<readonly GoInserted[]> {
    return this.#insert({ ...where, jobs, many: true });
  }

  async insertTyped(job: GoTypedJob, where: Where = {}): Promise<GoInserted> {
    const { results } = await this.#program.request<{ results: [GoInserted] }>('insertTyped', {
      ...where,
      ...job,
    });
    return results[0];
  }

  /** Inserts the same job `count` times at one moment. */
  async race(
    job: GoJob,
    start: { readonly count: number; readonly startAtUnixMs: number; readonly schema?: string },
  ): Promise<readonly GoRacer[]> {
    const { results } = await this.#program.request<{ results: GoRacer[] }>('race', {
      ...start,
      job,
    });
    return results;
  }

  async begin(tx: string): Promise<void> {
    await this.#program.request('begin', { tx });
  }

  async end(tx: string, { commit }: { readonly commit: boolean }): Promise<void> {
    await this.#program.request('end', { tx, commit });
  }

  /** Asks for an operation that has no method of its own here. */
  async ask<Result>(op: string, request: object): Promise<Result> {
    return this.#program.request<Result>(op, request);
  }

  /** @returns the name of a worker that has just been started */
  async work(options: {
    readonly schema: string;
    readonly kinds: readonly string[];
    readonly pollIntervalMs: number;
    /** How many workers each queue has; not given, 10 on default. */
    readonly queues?: Readonly<Record<string, number>>;
    /** How long each job takes, unless it is cancelled. */
    readonly workMs?: number;
  }): Promise<string> {
    const { worker } = await this.#program.request<{ worker: string }>('work', options);
    return worker;
  }

  /** The jobs that a worker has started so far. */
  async worked(worker: string): Promise<readonly GoWorked[]> {
    const { jobs } = await this.#program.request<{ jobs: GoWorked[] }>('worked', { worker });
    return jobs;
  }

  async stopWork(worker: string): Promise<void> {
    await this.#program.request('stopWork', { worker });
  }

  async #insert(
    request: Where & { jobs: readonly GoJob[]; many?: boolean },
  ): Promise<GoInserted[]> {
    const { results } = await this.#program.request<{ results: GoInserted[] }>('insert', request);
    return results;
  }
}
