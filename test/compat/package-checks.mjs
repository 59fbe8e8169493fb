import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { basename, join, relative, sep } from 'node:path';
import ts from 'typescript';

/** For bulk inserts; everything else is a peer, which applications have. */
const DEPENDENCIES = ['croner', 'pg-copy-streams'];
/**
 * Node takes the first for `import` and `require` alike, so that a process has one copy. Where it is
 * not known, as in Jest, `require` takes CommonJS.
 */
const CONDITIONS = ['module-sync', 'import', 'require'];
const ALWAYS_THERE = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'];

/**
 * What the packed package holds, checked on its unpacked files against the repository they were
 * made of.
 *
 * @param {{ root: string, unpacked: string, report: import('./report.mjs').Report }} options
 */
export async function packageChecks({ root, unpacked, report }) {
  const manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));

  await report.check(
    'the tarball holds the compiled sources, the papers, and nothing else',
    async () => {
      const sources = [
        ...(await filesBelow(root, 'lib')),
        ...(await filesBelow(root, 'decorators')),
      ];
      const compiled = ['dist', 'dist/cjs'].flatMap((folder) =>
        sources
          .filter((source) => folder === 'dist' || !source.startsWith('lib/cli/'))
          .flatMap((source) =>
            ['.js', '.d.ts'].map((end) => `${folder}/${source.replace(/\.ts$/, end)}`),
          ),
      );
      const packed = await filesBelow(unpacked, '.');
      const expected = [...ALWAYS_THERE, 'dist/cjs/package.json', ...compiled];
      assert.deepEqual(packed.sort(), expected.sort());
    },
  );

  await report.check('every entry of exports has types, and its files are there', async () => {
    const packed = await filesBelow(unpacked, '.');
    for (const [subpath, entry] of Object.entries(manifest.exports)) {
      if (subpath === './package.json') continue;
      const conditions = Object.keys(entry);
      assert.deepEqual(conditions, CONDITIONS, `${subpath}: conditions, in this order`);
      for (const [condition, target] of Object.entries(entry)) {
        const keys = Object.keys(target);
        assert.deepEqual(keys, ['types', 'default'], `${subpath}, ${condition}: in this order`);
        for (const file of Object.values(target)) assert.ok(packed.includes(file.slice(2)), file);
      }
    }
    assert.equal(manifest.types, manifest.exports['.'].require.types);
    assert.equal(manifest.main, manifest.exports['.'].require.default);
    assert.equal(manifest.type, 'module');
  });

  await report.check(
    'it depends on what it says, and imports that and its peers only',
    async () => {
      const dependencies = Object.keys(manifest.dependencies ?? {});
      assert.deepEqual(dependencies, DEPENDENCIES);
      const allowed = [
        ...dependencies,
        ...Object.keys(manifest.peerDependencies),
        ...builtinModules,
      ];
      for (const file of await filesBelow(unpacked, 'dist')) {
        // Adds the matchers to the types of the test runner that is installed, and loads none.
        const augmented = file.endsWith('lib/testing/matchers.d.ts') ? ['expect', 'vitest'] : [];
        for (const specifier of importsOf(await readFile(join(unpacked, file), 'utf8'))) {
          const name = specifier.replace(/^node:/, '');
          assert.ok(
            /^\.\.?\//.test(name) || [...allowed, ...augmented].includes(name),
            `${file} imports ${specifier}`,
          );
        }
      }
    },
  );

  await report.check('its types hold no `any`, and every public name has a comment', async () => {
    const entry = join(unpacked, manifest.exports['.'].import.types);
    const options = { module: ts.ModuleKind.NodeNext, skipLibCheck: true, strict: true, types: [] };
    const program = ts.createProgram([entry], options);
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(unpacked));
    assert.notEqual(own.length, 0);
    assert.deepEqual(own.flatMap(placesOfAny), []);
    assert.deepEqual(withoutComment(program, entry), []);
  });
}

/** @param {string} root @param {string} folder @returns {Promise<string[]>} relative to the root */
async function filesBelow(root, folder) {
  const found = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile())
    .map((each) => relative(root, join(each.parentPath, each.name)).split(sep).join('/'))
    .filter((file) => !file.startsWith('node_modules/'));
}

/** @param {string} text of a program or of types */
function importsOf(text) {
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
}

/** @param {ts.SourceFile} file @returns {string[]} */
function placesOfAny(file) {
  /** @type {string[]} */
  const places = [];
  /** @param {ts.Node} node */
  const look = (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      places.push(`${basename(file.fileName)}:${line + 1}`);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return places;
}

/** @param {ts.Program} program @param {string} entry @returns {string[]} */
function withoutComment(program, entry) {
  const checker = program.getTypeChecker();
  const index = program.getSourceFile(entry);
  const module = index && checker.getSymbolAtLocation(index);
  assert.ok(module, 'the entry is a module');
  return checker
    .getExportsOfModule(module)
    .map((name) => (name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name))
    .filter((symbol) => symbol.getDocumentationComment(checker).length === 0)
    .map((symbol) => symbol.name);
}
