import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** How one file of a Jest run ended, and all that Jest said about its failure. */
interface FileOutcome {
  readonly status: 'passed' | 'failed';
  readonly message: string;
  readonly tests: Readonly<Record<string, string>>;
}

export interface JestOutcome {
  readonly exitCode: number;
  readonly output: string;
  /** By the file's name, without `.fixture.ts`. */
  readonly files: Readonly<Record<string, FileOutcome>>;
}

/** The part of Jest's JSON report that we read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const FIXTURES = '<rootDir>/test/support/fixtures/*.fixture.ts';

/** Runs fixtures in a Jest of their own, with a project's configuration, on the server of this run. */
export async function runFixtures(
  project: 'unit' | 'database',
  ...args: readonly string[]
): Promise<JestOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-river-fixtures-'));
  const reportFile = join(folder, 'report.json');
  try {
    const jest = [
      'node_modules/jest/bin/jest.js',
      '--selectProjects',
      project,
      '--testMatch',
      FIXTURES,
      '--json',
      '--outputFile',
      reportFile,
    ];
    const { exitCode, output } = await node(['--experimental-vm-modules', ...jest, ...args]);
    const report = JSON.parse(await readFile(reportFile, 'utf8')) as Report;
    return { exitCode, output, files: outcomes(report) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function outcomes({ testResults }: Report): Record<string, FileOutcome> {
  return Object.fromEntries(
    testResults.map(({ name, status, message, assertionResults }) => [
      basename(name, '.fixture.ts'),
      {
        status,
        message,
        tests: Object.fromEntries(assertionResults.map((test) => [test.title, test.status])),
      },
    ]),
  );
}

function node(args: readonly string[]): Promise<{ exitCode: number; output: string }> {
  const { url } = JSON.parse(process.env['RIVER_TEST_SERVER'] ?? '') as { url: string };
  const env = {
    ...process.env,
    TEST_DATABASE_URL: url,
    FORCE_COLOR: '0',
    TEST_GUARD_PATIENCE_MS: '1000',
  };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 240_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ exitCode: typeof code === 'number' ? code : -1, output: stdout + stderr });
    });
  });
}
