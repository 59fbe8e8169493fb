import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** SQL for the payload that River's workers expect: one space after the colon. */
export function notifyPayload(queue: string): string {
  return `'{"queue": "' OPERATOR(pg_catalog.||) ${queue} OPERATOR(pg_catalog.||) '"}'`;
}

/** Wakes the workers of the queues in $1. */
export function notifyStatement({ insertChannel }: SchemaName): Statement {
  return statement(
    'notify',
    `SELECT pg_catalog.pg_notify(${insertChannel}, ${notifyPayload('queue')})
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS queue`,
  );
}
