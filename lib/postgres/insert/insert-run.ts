import type { Connection } from '../connection/connection.js';
import { PLAIN_COLUMNS, UNIQUE_COLUMNS } from './insert-columns.js';
import { InsertStatements, type InsertForm } from './insert-statement.js';
import type { InsertTriggers } from './insert-triggers.js';
import { manyJobsValues, oneJobValues } from './insert-values.js';
import type { Batch } from './job-batches.js';
import type { TextRow } from '../driver/pg-client.js';
import type { SchemaName } from '../connection/schema-name.js';

/** Sends the statements that insert. */
export class InsertRun {
  readonly #statements: InsertStatements;
  readonly #triggers: InsertTriggers;

  constructor(schema: SchemaName, triggers: InsertTriggers) {
    this.#statements = new InsertStatements(schema);
    this.#triggers = triggers;
  }

  async run(form: InsertForm, connection: Connection, { jobs, queues }: Batch): Promise<TextRow[]> {
    const columns = form === 'one' || form === 'many' ? PLAIN_COLUMNS : UNIQUE_COLUMNS;
    const [first] = jobs;
    const isOne = first !== undefined && isForOne(form);
    const values = isOne ? oneJobValues(first, columns) : manyJobsValues(jobs, columns);
    const notifies = isOne
      ? first.state === 'available' && queues.includes(first.queue)
      : queues.length > 0;
    if (notifies && !isOne) values.push(queues);
    const checks = isOne && form !== 'storedOne' && this.#triggers.isCheckDue;
    const { inTransaction: tracked, isShared: shared = false } = connection;
    const statement = this.#statements.get(form, { tracked, notifies, shared, checks });
    const rows = await connection.run(statement, values);
    const [{ triggers, held } = {}] = rows;
    if (triggers != null) this.#triggers.note(triggers === 't');
    // It would have failed.
    else if (held != null) this.#triggers.note(false);
    return rows;
  }
}

function isForOne(form: InsertForm): boolean {
  return form === 'one' || form === 'uniqueOne' || form === 'storedOne';
}
