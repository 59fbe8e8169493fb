/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/guards/environment.mjs',
  globalSetup: '<rootDir>/test/support/server/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/server/global-teardown.mjs',
  reporters: ['default', '<rootDir>/test/support/server/counts-reporter.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-river$': '<rootDir>/lib/index.ts',
    '^nestjs-river/(entities|migrations)$': '<rootDir>/lib/$1/index.ts',
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
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testTimeout: 20_000,
  // A rejection that is handled in a later turn is handled: wait for it before judging a test.
  waitForUnhandledRejections: true,
};
