import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ROOT } from '../compat/pack.mjs';

const README = join(ROOT, 'README.md');
const [BEGIN, END] = ['<!-- written by: npm run templates -->', '<!-- end -->'];
const HEAD = ['Nest', 'TypeORM', '`pg`', 'Node', 'TypeScript', 'installed by', 'built by'];

/**
 * Puts the cells that passed into the table of README.md, and takes those that failed out of it.
 * Other rows stay, so that the table can be written in several runs.
 *
 * @param {readonly { cell: import('./cells.mjs').Cell, passed: boolean }[]} results
 */
export async function writeTable(results) {
  const text = await readFile(README, 'utf8');
  const [before, , after] = partsOf(text);
  const rows = new Set(rowsOf(text));
  for (const { cell, passed } of results) {
    if (passed) rows.add(rowOf(cell));
    else rows.delete(rowOf(cell));
  }
  const inOrder = [...rows].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const table = [rowFrom(HEAD), rowFrom(HEAD.map(() => '---')), ...inOrder].join('\n');
  const written = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
  const config = await resolveConfig(README);
  await writeFile(README, await format(written, { ...config, filepath: README }));
}

/** @param {string} text @returns {[before: string, table: string, after: string]} */
function partsOf(text) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`README.md needs ${BEGIN} and ${END}.`);
  return [
    text.slice(0, begin),
    text.slice(begin + BEGIN.length, end),
    text.slice(end + END.length),
  ];
}

/** @param {string} text @returns {string[]} without the padding, so that equal rows are equal */
export function rowsOf(text) {
  const lines = partsOf(text)[1]
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => rowFrom(line.split('|').slice(1, -1)));
}

/** @param {import('./cells.mjs').Cell} cell */
export function rowOf({ nest, typeorm, pg, node, typescript, manager, builder }) {
  const installedBy = manager === 'pnp' ? 'yarn (PnP)' : manager;
  return rowFrom([nest, typeorm, pg, node, typescript || 'its own', installedBy, builder]);
}

/** @param {readonly string[]} columns */
function rowFrom(columns) {
  return `| ${columns.map((column) => column.trim()).join(' | ')} |`;
}
