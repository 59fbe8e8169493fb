// Writes the public API of every entry point of package.json as text, or compares it.
//
//   npm run api:check     fails, and shows the difference, when docs/api is not up to date
//   npm run api:update    writes docs/api
//
// The reports are made by API Extractor, which handles one entry point at a time. They hold
// declarations only: no paths, no line numbers and no comments, so they are the same on every
// machine and change with the API alone. A type that the public API uses but does not export
// appears without `export`.
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from '@microsoft/api-extractor';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join(ROOT, 'docs', 'api');
const DECLARATIONS = join(ROOT, 'dist', 'api');
const FRESH = join(DECLARATIONS, 'reports');
const update = process.argv.includes('--update');

/** @returns {{ name: string, entries: [subpath: string, types: string][] }} */
function published() {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const entries = Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, target]) => [subpath, typesOf(target)]);
  return { name: manifest.name, entries: /** @type {[string, string][]} */ (entries) };
}

/**
 * The file of types that `import` sees, under whatever conditions.
 *
 * @param {Record<string, unknown>} target
 * @returns {string}
 */
function typesOf(target) {
  const { types } = target;
  if (typeof types === 'string') return types;
  const nested = target['import'] ?? target['default'] ?? Object.values(target)[0];
  return typesOf(/** @type {Record<string, unknown>} */ (nested));
}

/** @param {string} command @param {string[]} args */
const run = (command, args) => spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });

/** The declarations of the sources as they are now, whatever dist holds. */
function emitDeclarations() {
  const { status } = run(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    ...['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', DECLARATIONS],
    ...['--incremental', '--tsBuildInfoFile', join(DECLARATIONS, 'tsbuildinfo')],
  ]);
  if (status !== 0) process.exit(1);
}

/** @param {string} name @param {string} types @returns {ExtractorConfig} */
function configure(name, types) {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.base.json'), 'utf8'));
  const entry = join(DECLARATIONS, types.replace('./dist/', ''));
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        includeForgottenExports: true,
        reportFileName: `${name}.api.md`,
        reportFolder: FRESH,
        reportTempFolder: join(DECLARATIONS, 'temporary'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
}

function writeReports() {
  const { name, entries } = published();
  const configs = entries.map(([subpath, types]) =>
    configure(subpath.replace('.', name).replaceAll('/', '.'), types),
  );
  const [first, ...others] = configs;
  if (first === undefined) throw new Error('package.json exports nothing.');
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: others.map((each) => each.mainEntryPointFilePath),
  });
  for (const config of configs) {
    const { succeeded } = Extractor.invoke(config, {
      compilerState,
      localBuild: true,
      messageCallback: (message) => {
        message.handled = message.logLevel !== ExtractorLogLevel.Error;
      },
    });
    if (!succeeded) process.exit(1);
  }
}

emitDeclarations();
rmSync(FRESH, { recursive: true, force: true });
mkdirSync(FRESH, { recursive: true });
writeReports();

if (update) {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  for (const file of readdirSync(FRESH)) copyFileSync(join(FRESH, file), join(REPORTS, file));
} else if (
  run('git', ['--no-pager', 'diff', '--no-index', '--exit-code', REPORTS, FRESH]).status !== 0
) {
  console.error('\nThe public API differs from docs/api. If that is intended: npm run api:update');
  process.exitCode = 1;
}
