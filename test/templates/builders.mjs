/**
 * How an application is built and its database made.
 *
 * @typedef {object} Builder
 * @property {(nest: string) => Readonly<Record<string, string>>} [packages] installed in addition
 * @property {Readonly<Record<string, string>>} [scripts] of package.json, in place of its own
 * @property {boolean} [migrates] It begins with an empty database, runs the script `migrate` before
 *   it starts, and `migrate:revert` at the end.
 */

const SWC_CLI = /** @type {Record<string, string>} */ ({ 10: '0.5', 11: '0.8', 12: '0.8' });

// What Nest looks for and does without.
const NOT_INSTALLED = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  'class-transformer',
  'class-validator',
];

const MIGRATION = 'typeorm-ts-node-commonjs --dataSource src/migrations/data-source.ts';

export const BUILDERS = {
  /** @type {Builder} The template's own. */
  tsc: {},
  /** @type {Builder} */
  swc: {
    packages: (nest) => ({ '@swc/cli': SWC_CLI[nest] ?? '', '@swc/core': '1' }),
    scripts: { build: 'nest build -b swc' },
  },
  /** @type {Builder} Nest bundles the application's own sources with it. */
  webpack: {
    scripts: { build: 'nest build -b webpack' },
  },
  /** @type {Builder} All packages are in the bundle, which is where no node_modules are found. */
  esbuild: {
    packages: () => ({ esbuild: '0.28' }),
    scripts: {
      // Not of the sources, because esbuild does not emit the metadata of decorators.
      build: `nest build && esbuild dist/main.js --bundle --platform=node --keep-names --outfile=../bundle/main.js ${NOT_INSTALLED.map((name) => `--external:${name}`).join(' ')}`,
      'start:prod': 'node ../bundle/main.js',
    },
  },
  /** @type {Builder} */
  'TypeORM CLI with ts-node': {
    scripts: {
      migrate: MIGRATION.replace(' ', ' migration:run '),
      'migrate:revert': MIGRATION.replace(' ', ' migration:revert '),
    },
    migrates: true,
  },
};
