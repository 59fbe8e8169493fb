import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';

const README = readFileSync('README.md', 'utf8');

/** The names in backticks that the first cells hold, of the table whose heading begins with `title`. */
function firstCells(title: string): string[] {
  const [, table = ''] = README.split(new RegExp(`^\\| ${title} +\\|.*\\n\\|[-| ]+\\n`, 'm'));
  const [rows = ''] = table.split(/\n(?!\|)/);
  return rows.split('\n').map((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? `no name in: ${row}`);
}

/** The names of the members of the exported types, by the compiler. */
const members = ((): ((type: string) => string[]) => {
  const index = join(process.cwd(), 'lib/index.ts');
  const options = { module: ts.ModuleKind.NodeNext, strict: true, noEmit: true };
  const program = ts.createProgram([index], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(index);
  const module = source && checker.getSymbolAtLocation(source);
  const names = module === undefined ? [] : checker.getExportsOfModule(module);
  return (wanted) => {
    const found = names.find(({ name }) => name === wanted);
    if (found === undefined) throw new Error(`${wanted} is not exported`);
    const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const literals = type.isUnion() ? type.types.filter((each) => each.isStringLiteral()) : [];
    return literals.length > 0
      ? literals.map(({ value }) => value)
      : checker.getPropertiesOfType(type).map(({ name }) => name);
  };
})();

describe('the tables of README.md name all there is, and nothing else', () => {
  test.each([
    ['code', 'RiverErrorCode'],
    ['option', 'InsertOptions'],
    ['unique option', 'UniqueOptions'],
    ['transaction option', 'RiverTransactionOptions'],
    ['module option', 'RiverModuleForRootOptions'],
    ['notify option', 'NotifyOptions'],
    ['filter', 'JobFilters'],
    ['bulk option', 'InsertManyFastOptions'],
    ['wait option', 'OutputOptions'],
    ['waitFor option', 'WaitPollOptions'],
  ])('%s: %s', (title, type) => {
    expect(members(type)).not.toEqual([]);
    expect(firstCells(title).sort()).toEqual(members(type).sort());
  });
});

test('the errors of a code are of a class that is exported', () => {
  const index = ['lib/index.ts', 'lib/worker/index.ts']
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const classes = README.matchAll(/^\| `RIVER_\w+` +\| ([^|]+) \|/gm);
  for (const [, cell = ''] of classes) {
    for (const [, name = ''] of cell.matchAll(/`(\w+)`/g)) expect(index).toContain(name);
  }
});

test('the links within README.md lead somewhere', () => {
  const anchors = [...README.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  const targets = [...README.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target);
  expect(targets.length).toBeGreaterThan(15);
  for (const target of targets) expect(anchors).toContain(target);
});
