import type { TestDatabase } from '../../support/index.js';
import { LineProgram } from './line-program.js';

/** The options that River's Python client knows; times and states as in the Go program. */
export interface PythonJob {
  readonly kind: string;
  readonly encodedArgs: string;
  readonly opts?: {
    readonly maxAttempts?: number;
    readonly priority?: number;
    readonly queue?: string;
    readonly scheduledAtUnixMs?: number;
    readonly tags?: readonly string[];
    readonly uniqueOpts?: {
      readonly byArgs?: true;
      /** Seconds. */
      readonly byPeriod?: number;
      readonly byQueue?: true;
      readonly byState?: readonly string[];
    };
  };
}

/** River's own Python client, in a process of its own. Close it before the file ends. */
export class PythonClient {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  static async start(executable: string, { url, schema }: TestDatabase): Promise<PythonClient> {
    const args = ['test/interop/python/interop.py'];
    const connect = { databaseUrl: url, schema };
    return new PythonClient(await LineProgram.start(executable, { args, connect }));
  }

  async close(): Promise<void> {
    await this.#program.close();
  }

  async insert(job: PythonJob): Promise<{ readonly id: string; readonly skipped: boolean }> {
    return this.#program.request('insert', { job });
  }

  /** @returns how many were inserted; Python's batches tell no more */
  async insertMany(jobs: readonly PythonJob[]): Promise<number> {
    const { count } = await this.#program.request<{ count: number }>('insertMany', { jobs });
    return count;
  }
}
