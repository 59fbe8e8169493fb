import type { JobState } from '../../job/row/job-state.js';
import type { Connection } from '../../postgres/connection/connection.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';
import {
  setStateStatements,
  type SetStateStatements,
} from '../../postgres/worker/set-state-statements.js';
import type { SetState, StoredOutcome } from '../outcome/set-state.js';

/** The state that each job is in now, of those whose outcomes are stored. */
export type StatesById = ReadonlyMap<string, JobState>;

const NOT_STORED: StoredOutcome = { stored: false };

/** Stores the ends of attempts of one client. */
export class StoredOutcomes {
  readonly #clientId: string;
  readonly #statements: SetStateStatements;

  constructor(schema: SchemaName, clientId: string) {
    this.#clientId = clientId;
    this.#statements = setStateStatements(schema);
  }

  /** Stores one outcome, in the transaction of the connection if it is in one. */
  async one(connection: Connection, outcome: SetState): Promise<StoredOutcome> {
    return outcomeIn(await this.many(connection, [outcome]), outcome);
  }

  /** Stores outcomes by one statement, of plain successes by a shorter one. */
  async many(connection: Connection, outcomes: readonly SetState[]): Promise<StatesById> {
    if (!outcomes.every(isPlainSuccess)) {
      return statesOf(await connection.run(this.#statements.any, this.#values(outcomes)));
    }
    const times = outcomes.map(({ finalizedAt }) => timeOf(finalizedAt));
    const values = [this.#clientId, ...keysOf(outcomes), arrayOf(times), claimsOf(outcomes)];
    const rows = await connection.run(this.#statements.completed, values);
    return new Map(rows.map(({ id }) => [id ?? '', 'completed']));
  }

  /** Those of the outcomes that are stored already, by a statement whose response was lost. */
  async alreadyStored(connection: Connection, outcomes: readonly SetState[]): Promise<StatesById> {
    const values = [
      this.#clientId,
      ...keysOf(outcomes),
      outcomes.map(({ newAttempt }) => newAttempt ?? null),
      outcomes.map(({ scheduledAt }) => timeOf(scheduledAt)),
      outcomes.map(({ finalizedAt }) => timeOf(finalizedAt)),
      claimsOf(outcomes),
    ];
    return statesOf(await connection.run(this.#statements.stored, values));
  }

  #values(outcomes: readonly SetState[]): unknown[] {
    return [
      this.#clientId,
      ...keysOf(outcomes),
      outcomes.map(({ state }) => state),
      outcomes.map(({ newAttempt }) => newAttempt ?? null),
      outcomes.map(({ scheduledAt }) => timeOf(scheduledAt)),
      outcomes.map(({ finalizedAt }) => timeOf(finalizedAt)),
      outcomes.map(({ error }) => error ?? null),
      outcomes.map(({ metadata }) => metadata ?? null),
      claimsOf(outcomes),
    ];
  }
}

export function outcomeIn(states: StatesById, { id }: SetState): StoredOutcome {
  const state = states.get(id);
  return state === undefined ? NOT_STORED : { stored: true, state };
}

export function isPlainSuccess({ state, metadata }: SetState): boolean {
  return state === 'completed' && metadata === undefined;
}

function keysOf(outcomes: readonly SetState[]): [ids: string, attempts: string] {
  return [arrayOf(outcomes.map(({ id }) => id)), arrayOf(outcomes.map(({ attempt }) => attempt))];
}

function claimsOf(outcomes: readonly SetState[]): string {
  return arrayOf(outcomes.map(({ claimedAt }) => claimedAt));
}

/** The text of an array whose elements need no quotes: `pg` would look at each letter of each. */
function arrayOf(elements: readonly (string | number | null)[]): string {
  return `{${elements.join(',')}}`;
}

function timeOf(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}

function statesOf(rows: readonly TextRow[]): StatesById {
  return new Map(rows.map(({ id, state }) => [id ?? '', state as JobState]));
}
