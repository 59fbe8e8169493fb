/**
 * How each package manager installs a project and runs its scripts.
 *
 * @typedef {object} Manager
 * @property {readonly string[]} install
 * @property {readonly string[]} run followed by the name of a script
 * @property {Readonly<Record<string, string>>} [files] beside package.json
 * @property {Readonly<Record<string, unknown>>} [manifest] added to package.json
 */

const NPX = ['npx', '--yes', '--prefer-offline'];
const YARN = [...NPX, '--package', '@yarnpkg/cli-dist@4', 'yarn'];

/**
 * Optional in Vite 8, and used on Windows alone. Yarn looks every optional package up, and fails
 * where the registry does not have it, whereas npm and pnpm leave it out. So it is an empty package.
 */
const WINDOWS_ONLY = 'napi-windows-process-start-time';

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
    [`${WINDOWS_ONLY}/package.json`]: JSON.stringify({ name: WINDOWS_ONLY, version: '0.1.0' }),
  },
  manifest: { resolutions: { [WINDOWS_ONLY]: `link:./${WINDOWS_ONLY}` } },
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
