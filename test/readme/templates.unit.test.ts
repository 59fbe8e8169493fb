import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { cellsOf } from '../templates/cells.mjs';
import { rowOf, rowsOf } from '../templates/table.mjs';

test('the table of templates has only rows that "npm run templates -- --all" writes', () => {
  const rows = rowsOf(readFileSync('README.md', 'utf8'));
  const { cells } = cellsOf(['--all']);
  const all = cells.map(rowOf);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((row) => !all.includes(row))).toEqual([]);
});

test('the whole set pairs each Nest with each TypeORM, Node and package manager', () => {
  const { cells } = cellsOf(['--all']);
  const pairs = (axis: 'typeorm' | 'node' | 'manager'): Set<string> =>
    new Set(cells.map((cell) => `${cell.nest} ${cell[axis]}`));
  expect(pairs('typeorm').size).toBe(3 * 3);
  expect(pairs('node').size).toBe(3 * 4);
  expect(pairs('manager').size).toBe(3 * 4);
});
