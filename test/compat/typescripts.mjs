import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustSucceed } from './command.mjs';
import { APP, COMPILER_OPTIONS, install } from './place.mjs';

const SUBPATHS = `
import type { RiverClient } from 'nestjs-river';
import { RiverJobEntity } from 'nestjs-river/entities';
import { RiverMigrator } from 'nestjs-river/migrations';
import { nestjsClsTransactions } from 'nestjs-river/nestjs-cls';
import { createFakeRiver, type FakeRiverClient } from 'nestjs-river/testing';
import { typeormTransactionalTransactions } from 'nestjs-river/typeorm-transactional';

export const values: readonly object[] = [RiverJobEntity, RiverMigrator, nestjsClsTransactions, typeormTransactionalTransactions];
export const client: Promise<RiverClient> = createFakeRiver().then(({ river }) => river);
export const isClient: FakeRiverClient extends RiverClient ? true : never = true;
// @ts-expect-error a number is not a client, which any would take
export const wrong: RiverClient = 1;
`;

/** Those that CI tries: the lowest that works, and the newest. */
const SHORT = ['5.1', '7.0'];
const ALL = ['5.1', '5.4', '5.7', '5.8', '5.9', '6.0', '7.0'];

/** What imports can be looked up by, as applications set it, with the module system of the folder. */
const RESOLUTIONS = [
  { module: 'CommonJS', moduleResolution: 'node10', type: 'commonjs' },
  { module: 'Node16', moduleResolution: 'node16', type: 'commonjs' },
  { module: 'Node16', moduleResolution: 'node16', type: 'module' },
  { module: 'NodeNext', moduleResolution: 'nodenext', type: 'commonjs' },
  { module: 'NodeNext', moduleResolution: 'nodenext', type: 'module' },
  { module: 'ESNext', moduleResolution: 'bundler', type: 'module' },
];

const PACKAGES = {
  '@nestjs/common': '11',
  '@nestjs/core': '11',
  '@nestjs/platform-express': '11',
  '@nestjs/typeorm': '11',
  typeorm: '1',
  pg: '8',
  'pg-query-stream': '4',
  'reflect-metadata': '0.2',
  rxjs: '7',
  '@types/node': '20',
};

/**
 * Compiles the application, and imports of every subpath, by each TypeScript with each module
 * resolution that it has.
 *
 * @param {boolean} all or those of CI
 * @param {import('./combination.mjs').Bench} bench
 */
export async function tryTypeScripts(all, { place, tarball, report }) {
  report.say(`\nTypeScript`);
  const versions = all ? ALL : SHORT;
  const resolutions = all ? RESOLUTIONS : RESOLUTIONS.filter(({ module }) => module !== 'Node16');
  const compilers = versions.map((version) => [nameOf(version), `npm:typescript@~${version}.0`]);
  const folder = join(place, 'typescripts');
  const installed = await report.check('installs', () =>
    install(folder, {
      ...PACKAGES,
      ...Object.fromEntries(compilers),
      'nestjs-river': `file:${tarball}`,
    }),
  );
  if (!installed) return;
  for (const version of versions) {
    for (const resolution of resolutions) {
      // TypeScript 7 has no node10.
      if (resolution.moduleResolution === 'node10' && version === '7.0') continue;
      const { moduleResolution, type } = resolution;
      await report.check(`TypeScript ${version}, ${moduleResolution}, ${type}`, () =>
        compile(folder, version, resolution),
      );
    }
  }
}

/** @param {string} version */
function nameOf(version) {
  return `typescript-${version}`;
}

/**
 * @param {string} folder
 * @param {string} version
 * @param {{ module: string, moduleResolution: string, type: string }} resolution
 */
async function compile(folder, version, { module, moduleResolution, type }) {
  const project = join(folder, `${version}-${moduleResolution}-${type}`);
  await cp(APP, join(project, 'src'), { recursive: true });
  await writeFile(join(project, 'src/subpaths.ts'), SUBPATHS);
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type }));
  const isDeprecated = moduleResolution === 'node10' && version === '6.0';
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    esModuleInterop: true,
    noEmit: true,
    module,
    moduleResolution,
    ...(isDeprecated ? { ignoreDeprecations: '6.0' } : {}),
  };
  const tsconfig = { compilerOptions, include: ['src'] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  const compiler = join(folder, 'node_modules', nameOf(version), 'bin/tsc');
  await mustSucceed(process.execPath, [compiler, '-p', project], { cwd: folder, limitMs: 180_000 });
}
