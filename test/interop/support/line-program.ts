import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The program refused a request, or the database did. */
export class ProgramError extends Error {
  constructor(
    message: string,
    /** SQLSTATE, when the database refused. */
    readonly sqlState: string | undefined,
  ) {
    super(message);
    this.name = 'ProgramError';
  }
}

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly sqlState?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A program that answers JSON requests, one a line, in any order; see `test/interop/go/main.go`. */
export class LineProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #stderr = '';

  private constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: 'pipe' });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    const lines = createInterface({ input: this.#child.stdout, crlfDelay: Infinity });
    lines.on('line', (line) => this.#answered(JSON.parse(line) as Answer));
    // A write after its end fails here; the exit tells the reason.
    this.#child.stdin.on('error', () => undefined);
    this.#exited = once(this.#child, 'close').then(
      () => this.#ended(new Error(`${command} ended: ${this.#stderr || 'without a word'}`)),
      (error: unknown) => this.#ended(error as Error),
    );
  }

  /** Starts a program and has it connect, if it is to have a database. */
  static async start(
    command: string,
    { args = [], connect }: { args?: readonly string[]; connect?: object | undefined } = {},
  ): Promise<LineProgram> {
    const program = new LineProgram(command, args);
    try {
      if (connect !== undefined) await program.request('connect', connect);
      return program;
    } catch (error) {
      await program.close();
      throw error;
    }
  }

  /** @throws ProgramError when the program answers with an error */
  async request<Result>(op: string, request: object = {}): Promise<Result> {
    const id = ++this.#lastId;
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#child.stdin.write(`${JSON.stringify({ ...request, id, op })}\n`);
    return (await result) as Result;
  }

  /** Ends the program by the end of its input, and waits for it. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
  }

  #answered({ id, ok, result, error, sqlState }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (ok) waiting?.resolve(result);
    else waiting?.reject(new ProgramError(error ?? 'no reason given', sqlState));
  }

  #ended(reason: Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
