import type { Connection } from '../../postgres/connection/connection.js';
import {
  leaderStatements,
  type LeaderStatements,
} from '../../postgres/worker/leader-statements.js';
import type { WorkerCore } from '../worker-core.js';

/** One term of leadership: the microsecond of its start tells it from others. */
export type Term = string;

/** The lease of the leader, in `river_leader`. All its times are the database's. */
export class Lease {
  readonly #connection: Connection;
  readonly #clientId: string;
  readonly #statements: LeaderStatements;

  constructor({ connection, clientId, schema }: WorkerCore) {
    this.#connection = connection;
    this.#clientId = clientId;
    this.#statements = leaderStatements(schema);
  }

  /** @returns undefined when somebody else has it */
  async bid(): Promise<Term | undefined> {
    const [row] = await this.#connection.run(this.#statements.bid, [this.#clientId]);
    return row?.['elected_at'] ?? undefined;
  }

  /** @returns whether it is still that of this term */
  async renew(term: Term): Promise<boolean> {
    const rows = await this.#connection.run(this.#statements.renew, [this.#clientId, term]);
    return rows.length > 0;
  }

  /** Gives it back, and notifies those who may take it. */
  async resign(term: Term): Promise<void> {
    await this.#connection.run(this.#statements.resign, [this.#clientId, term]);
  }

  /** Whether somebody has it. */
  async isTaken(): Promise<boolean> {
    return (await this.#connection.run(this.#statements.look, [])).length > 0;
  }
}
