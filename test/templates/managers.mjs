/**
 * How each package manager installs a project and runs its scripts.
 *
 * @typedef {object} Manager
 * @property {readonly string[]} install
 * @property {readonly string[]} run followed by the name of a script
 * @property {Readonly<Record<string, string>>} [files] beside package.json
 */

const NPX = ['npx', '--yes', '--prefer-offline'];
const YARN = [...NPX, '--package', '@yarnpkg/cli-dist@4', 'yarn'];

/** @param {string} linker @returns {Manager} */
const yarn = (linker) => ({
  install: [...YARN, 'install', '--no-immutable'],
  run: [...YARN, 'run'],
  files: {
    '.yarnrc.yml': [
      `nodeLinker: ${linker}`,
      'enableTelemetry: false',
      'enableGlobalCache: true',
      'packageExtensions:',
      // It does not declare what it imports, which Yarn PnP rejects in every application.
      "  'ts-jest@*':",
      '    dependencies:',
      "      jest-util: '*'",
      '',
    ].join('\n'),
    // Makes the folder a project of its own.
    'yarn.lock': '',
  },
});

export const MANAGERS = {
  /** @type {Manager} */
  npm: {
    install: ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'],
    run: ['npm', 'run', '--silent'],
  },
  /** @type {Manager} */
  pnpm: {
    install: [...NPX, 'pnpm@10', 'install', '--prefer-offline', '--no-frozen-lockfile'],
    run: [...NPX, 'pnpm@10', 'run'],
  },
  yarn: yarn('node-modules'),
  pnp: yarn('pnp'),
};
