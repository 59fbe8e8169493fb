import { describe, expect, test } from '@jest/globals';
import { mayBeCommitted, outcomeOf } from '../../lib/postgres/connection/statement-outcome.js';
import { statement } from '../../lib/postgres/connection/statement.js';

const INSERT = statement('insert', 'INSERT INTO river_job VALUES ($1)');
const READ = statement('jobGet', 'SELECT updated_at FROM river_job');
const COMMIT = statement('commit', 'COMMIT');

/** A statement that was sent outside a transaction; `command` is that of CommandComplete. */
const sent = (command: string | null) => ({
  isSent: true,
  status: 'I',
  query: { _result: { command } },
});
const lost = new Error('Connection terminated unexpectedly');
const answered = (code: string, more: object = {}): Error =>
  Object.assign(new Error('x'), { code, severity: 'ERROR', ...more });
const FATAL = { severity: 'FATAL', routine: 'ProcessInterrupts' };

describe('a statement outside a transaction that failed', () => {
  test.each([
    ['lost, when it was sent', INSERT, lost, sent(null), 'unknown'],
    ['lost, when it only reads', READ, lost, sent(null), 'not-stored'],
    [
      'not sent, as the connection was closed',
      INSERT,
      lost,
      { ...sent(null), isSent: false },
      'not-stored',
    ],
    ['lost in a transaction', INSERT, lost, { ...sent(null), status: 'T' }, 'not-stored'],
    [
      'refused',
      INSERT,
      answered('23514', { routine: 'ExecConstraints' }),
      sent(null),
      'not-stored',
    ],
    // Sent by the server before CommandComplete, so before it commits.
    ['ended by an administrator', INSERT, answered('57P01', FATAL), sent(null), 'not-stored'],
    ['ended while it was idle', INSERT, answered('57P05', FATAL), sent(null), 'not-stored'],
    ['beyond transaction_timeout', INSERT, answered('25P04', FATAL), sent(null), 'not-stored'],
    [
      'raised by a trigger as 08006',
      INSERT,
      answered('08006', { routine: 'exec_stmt_raise' }),
      sent(null),
      'not-stored',
    ],
    // A deferred constraint is checked before the commit.
    [
      'refused at its commit',
      INSERT,
      answered('23503', { routine: 'ri_ReportViolation' }),
      sent('INSERT'),
      'not-stored',
    ],
    ['ended around its commit', INSERT, answered('57P01', FATAL), sent('INSERT'), 'unknown'],
    [
      'without disk space at its commit',
      INSERT,
      answered('53100', { severity: 'PANIC', routine: 'XLogWrite' }),
      sent('INSERT'),
      'unknown',
    ],
    [
      'in panic in another language',
      INSERT,
      answered('58030', { severity: 'PANIK', routine: 'x' }),
      sent('INSERT'),
      'unknown',
    ],
    // These are of a pooler, which knows nothing of the commit.
    ['lost by a pooler', INSERT, answered('08P01', { severity: 'FATAL' }), sent(null), 'unknown'],
    ['ended by a pooler', INSERT, answered('57P01', { severity: 'FATAL' }), sent(null), 'unknown'],
  ] as const)('%s', (...[, of, cause, before, outcome]) => {
    expect(outcomeOf(cause, of, before)).toBe(outcome);
  });
});

test.each([
  [lost, true],
  [answered('57P01', FATAL), true],
  [answered('57P02', { severity: 'FATAL' }), true],
  [answered('08P01'), true],
  [answered('58030', { severity: 'PANIC' }), true],
  [answered('25P04', FATAL), true],
  // The session ended before it read the COMMIT.
  [answered('25P03', FATAL), false],
  [answered('40001'), false],
  [answered('23503'), false],
])('a COMMIT that failed with %o may be committed: %p', (cause, may) => {
  expect(mayBeCommitted(cause)).toBe(may);
  const outcome = outcomeOf(cause, COMMIT, { isSent: true, status: 'T', query: null });
  expect(outcome).toBe(may ? 'unknown' : 'not-stored');
});
