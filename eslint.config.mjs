import tseslint from 'typescript-eslint';

const REAL_TIME = 'Tests may have replaced it. Use lib/real-time.ts.';

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      'coverage/**',
      'sample-app/public/**',
      '**/*.mjs',
      '**/*.cjs',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingUnknown: true, allowThrowingAny: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { varsIgnorePattern: '^_', argsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'max-lines': ['error', { max: 300 }],
    },
  },
  {
    files: ['lib/**/*.ts', 'decorators/**/*.ts'],
    ignores: ['lib/real-time.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...(
          'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate ' +
          'queueMicrotask performance'
        )
          .split(' ')
          .map((name) => ({ name, message: REAL_TIME })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: REAL_TIME },
        { object: 'process', property: 'nextTick', message: REAL_TIME },
        { object: 'process', property: 'hrtime', message: REAL_TIME },
        { object: 'AbortSignal', property: 'timeout', message: REAL_TIME },
        { object: 'globalThis', property: 'setTimeout', message: REAL_TIME },
        { object: 'globalThis', property: 'setInterval', message: REAL_TIME },
      ],
      'no-restricted-imports': [
        'error',
        ...['node:timers', 'node:timers/promises', 'node:perf_hooks'].map((name) => ({
          name,
          message: REAL_TIME,
        })),
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': ['error', { max: 500 }] },
  },
);
