import { describe, expect, test } from '@jest/globals';
import {
  DatabaseError,
  InsertAbortedError,
  InvalidJobError,
  NotInTransactionError,
  RiverConfigurationError,
  RiverError,
  RiverTransactionError,
  TransactionEndedError,
  TransactionRolledBackError,
} from 'nestjs-river';

describe('a RiverError', () => {
  test('has its class as its name, a code, and what it was given', () => {
    const cause = new Error('x');
    const error = new InvalidJobError('priority: no', {
      code: 'RIVER_INVALID_OPTION',
      field: 'priority',
      index: 3,
      cause,
    });
    expect(error).toBeInstanceOf(RiverError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'InvalidJobError',
      message: 'priority: no',
      code: 'RIVER_INVALID_OPTION',
      field: 'priority',
      index: 3,
      retryable: false,
      cause,
    });
    expect(String(error)).toBe('InvalidJobError: priority: no');
    expect(error.stack).toContain('river-error.unit.test');
  });

  test('without a cause has no such property', () => {
    expect(new RiverError('x', { code: 'RIVER_ABORTED' })).not.toHaveProperty('cause');
  });

  test.each([
    [
      new RiverConfigurationError('x', { code: 'RIVER_SCHEMA_MISSING' }),
      'RIVER_SCHEMA_MISSING',
      false,
    ],
    [new NotInTransactionError('x'), 'RIVER_NOT_IN_TRANSACTION', false],
    [new TransactionEndedError('An insert'), 'RIVER_TRANSACTION_ENDED', false],
    [new TransactionRolledBackError(new Error('y')), 'RIVER_TRANSACTION_ROLLED_BACK', true],
    [new InsertAbortedError('reason'), 'RIVER_ABORTED', false],
    [new DatabaseError('insert', new Error('y')), 'RIVER_DATABASE', false],
  ])('of each kind has its code: %s', (error, code, retryable) => {
    expect(error).toMatchObject({ code, retryable, name: error.constructor.name });
  });

  test('of a transaction is a RiverTransactionError', () => {
    for (const error of [new NotInTransactionError('x'), new TransactionEndedError('x')]) {
      expect(error).toBeInstanceOf(RiverTransactionError);
    }
  });
});

test('InvalidJobError.at tells the same refusal as that of one job of a list', () => {
  const cause = new Error('x');
  const options = { code: 'RIVER_INVALID_OPTION', field: 'queue', cause } as const;
  const error = new InvalidJobError('queue: no', options);
  expect(error.at(2)).toMatchObject({ ...options, message: 'jobs[2]: queue: no', index: 2 });
  expect(error.at(0).index).toBe(0);
  expect(error.index).toBeUndefined();
});

describe('RiverError.is', () => {
  test('knows all of them', () => {
    expect(RiverError.is(new TransactionEndedError('x'))).toBe(true);
  });

  test('knows those of another copy of the package, which instanceof does not', () => {
    const foreign = Object.assign(new Error('x'), {
      [Symbol.for('nestjs-river.RiverError')]: true,
    });
    expect(foreign).not.toBeInstanceOf(RiverError);
    expect(RiverError.is(foreign)).toBe(true);
  });

  test('knows no others', () => {
    for (const value of [
      new Error('RIVER_DATABASE'),
      { code: 'RIVER_DATABASE' },
      null,
      undefined,
      'x',
      5,
    ]) {
      expect(RiverError.is(value)).toBe(false);
    }
  });
});

describe('DatabaseError', () => {
  const fromServer = (code: string): DatabaseError =>
    new DatabaseError('insert', Object.assign(new Error('duplicate key (a)=(hunter2)'), { code }));

  test('keeps the SQLSTATE and the cause, and no text of either', () => {
    const error = fromServer('23505');
    expect(error).toMatchObject({ sqlState: '23505', retryable: false });
    expect(error.cause).toMatchObject({ code: '23505' });
    expect(error.message).not.toContain('hunter2');
    expect(error.message).toContain('23505');
  });

  test.each(['40001', '40P01', '55P03', '08006', '53300', '57P01'])(
    '%s may be tried again',
    (code) => {
      expect(fromServer(code).retryable).toBe(true);
    },
  );

  test.each(['23505', '42501', '42P01', '25P02', '22001', '57014'])('%s may not', (code) => {
    expect(fromServer(code).retryable).toBe(false);
  });

  test.each(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH'])(
    '%s is a lost connection',
    (code) => {
      expect(fromServer(code)).toMatchObject({ sqlState: undefined, retryable: true });
      expect(fromServer(code).message).toContain(code);
    },
  );

  test("an answer that did not come within pg's query_timeout may be tried again", () => {
    const error = new DatabaseError('insert', new Error('Query read timeout'));
    expect(error).toMatchObject({ sqlState: undefined, retryable: true, endsConnection: true });
  });

  test.each([['text'], [null], [undefined], [5], [{ code: 5 }]])('takes %p as a cause', (cause) => {
    expect(new DatabaseError('insert', cause)).toMatchObject({
      sqlState: undefined,
      retryable: false,
    });
  });

  test('says what to do where it can', () => {
    expect(fromServer('42501').message).toMatch(
      /needs USAGE on River's schema, INSERT and SELECT on river_job/,
    );
    expect(fromServer('42P01').message).toMatch(/migrations/);
    expect(fromServer('25P02').message).toMatch(/Roll it back/);
  });
});
