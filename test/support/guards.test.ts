import { beforeAll, describe, expect, test } from '@jest/globals';
import { runFixtures, type JestOutcome } from './jest-run.js';

/** Jest runs a few files in its own process and many in workers; the guards must hold in both. */
const MODES = { 'in one process': '--runInBand', 'in workers': '--maxWorkers=2' };

/** One fixture that passes, in a run whose reporter keeps the process alive. */
const KEEP_ALIVE = [
  '--reporters=default',
  '--reporters=<rootDir>/test/support/fixtures/keep-alive.reporter.mjs',
  '--runInBand',
  'clean',
];

/** All runs of fixtures, at the same time, because the guards mostly wait. */
const runs = new Map<string, JestOutcome>();
beforeAll(async () => {
  const commands: { name: string; args: string[]; project?: 'unit' | 'database' }[] = [
    ...Object.entries(MODES).map(([mode, option]) => ({ name: mode, args: [option] })),
    { name: 'clean', args: ['--runInBand', 'clean'] },
    { name: 'kept alive', args: KEEP_ALIVE },
    { name: 'unit', args: ['--runInBand', 'isolated'], project: 'unit' },
  ];
  await Promise.all(
    commands.map(async ({ name, args, project = 'database' }) =>
      runs.set(name, await runFixtures(project, ...args)),
    ),
  );
}, 300_000);

describe.each(Object.keys(MODES))('%s', (mode) => {
  const files = (): JestOutcome['files'] => runs.get(mode)?.files ?? {};

  test('a file that closes everything passes', () => {
    expect(files()['clean']).toMatchObject({ status: 'passed', message: '' });
  });

  test('a test that leaves a connection in a transaction fails, and the error names the statement', () => {
    expect(files()['in-transaction']?.tests).toEqual({
      'leaves its transaction open': 'failed',
      'ends the transaction of the test before it': 'passed',
    });
    expect(files()['in-transaction']?.message).toMatch(
      /left idle in transaction.*'the statement to be named'/,
    );
  });

  test('a file that leaves its pool connected fails, and the error names the last statement', () => {
    expect(files()['connected']).toMatchObject({ status: 'failed' });
    expect(files()['connected']?.message).toMatch(/left open, idle.*'the last of the pool'/);
  });

  test('a file that leaves a server and a timer behind fails, and the error names both', () => {
    expect(files()['handles']).toMatchObject({ status: 'failed' });
    expect(files()['handles']?.message).toMatch(/left open: .*1 TCPServerWrap/);
    expect(files()['handles']?.message).toMatch(/left open: .*1 Timeout/);
  });

  test('a test whose promise is rejected unhandled fails', () => {
    expect(files()['rejection']?.tests).toEqual({
      'rejects at once': 'failed',
      'is the one after it': 'passed',
    });
    expect(files()['rejection']?.message).toContain('rejected at once');
  });

  test('a file whose promise is rejected after its last test fails', () => {
    expect(files()['late-rejection']).toMatchObject({ status: 'failed' });
    expect(files()['late-rejection']?.message).toContain('rejected late');
  });

  test('a test during which the process emits a warning fails', () => {
    expect(files()['warning']?.tests).toEqual({
      'adds eleven listeners': 'failed',
      'is the one after it': 'passed',
    });
    expect(files()['warning']?.message).toMatch(
      /MaxListenersExceededWarning: .*11 leaked listeners[^]*at .*warning\.fixture\.ts/,
    );
  });

  test('a file after whose last test the process emits a warning fails', () => {
    expect(files()['warning']?.message).toContain('DeprecationWarning: warned after the last test');
  });

  test('the run fails, and its last lines give the server and the counts', () => {
    const run = runs.get(mode);
    expect(run?.exitCode).toBe(1);
    expect(run?.output).toMatch(
      /\nTests ran on PostgreSQL \d\S*, given by TEST_DATABASE_URL\n\d+ passed, [1-9]\d* failed\n/,
    );
  });
});

describe('a run in which every test passes', () => {
  test('ends with exit code 0 and no failure in its counts', () => {
    const run = runs.get('clean');
    expect(run?.output).toMatch(/\n4 passed, 0 failed\n/);
    expect(run?.exitCode).toBe(0);
  });

  test('fails nevertheless when its process does not end by itself', () => {
    const run = runs.get('kept alive');
    expect(run?.files['clean']).toMatchObject({ status: 'passed' });
    expect(run?.output).toContain('the process does not end. Still open:');
    expect(run?.exitCode).toBe(1);
  });
});

describe('a unit test', () => {
  test('that opens a connection or starts a process fails, though it handles the error', () => {
    const file = runs.get('unit')?.files['isolated'];
    expect(file?.tests).toEqual({
      'opens a connection and handles the error': 'failed',
      'starts a process and handles the error': 'failed',
      'is the one after them': 'passed',
    });
    expect(file?.message).toContain('A unit test opened a connection. Rename its file');
    expect(file?.message).toContain('A unit test started a process.');
  });

  test('runs without a server, and the last lines of the run say so', () => {
    expect(runs.get('unit')?.output).toContain(
      '\nTests ran without a server\n1 passed, 2 failed\n',
    );
  });
});
