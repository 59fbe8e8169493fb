/**
 * Shared by both projects. A file is transformed from its source; nothing is built for it.
 *
 * @type {import('jest').Config}
 */
const common = {
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-river$': '<rootDir>/lib/index.ts',
    '^nestjs-river/(entities|migrations|testing|worker)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
};

/**
 * Two projects: `*.unit.test.ts` need no server and no build, and a guard fails those that open a
 * connection or start a process. All other tests belong to `database`.
 *
 * @type {import('jest').Config}
 */
export default {
  maxWorkers: '100%',
  // Jest keeps the modules of every file it has run, so a worker grows by about 25 MB a file.
  workerIdleMemoryLimit: '1GB',
  // Far above what any test needs, so that no test fails because the machine is busy.
  testTimeout: 60_000,
  // A rejection that is handled in a later turn is handled: wait for it before judging a test.
  waitForUnhandledRejections: true,
  reporters: ['default', '<rootDir>/test/support/server/counts-reporter.mjs'],
  globalTeardown: '<rootDir>/test/support/server/last-words.mjs',
  projects: [
    {
      ...common,
      displayName: 'unit',
      testEnvironment: '<rootDir>/test/support/guards/unit-environment.mjs',
      testMatch: ['<rootDir>/test/**/*.unit.test.ts'],
    },
    {
      ...common,
      displayName: 'database',
      testEnvironment: '<rootDir>/test/support/guards/database-environment.mjs',
      globalSetup: '<rootDir>/test/support/server/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/server/global-teardown.mjs',
      testMatch: ['<rootDir>/test/**/!(*.unit).test.ts'],
    },
  ],
};
