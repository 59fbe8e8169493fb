import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** A function and its type, the decorator and what it uses, and different words of one length. */
const MEANT = [
  'JobArgs jobArgs',
  'RiverTransactional RiverTransaction',
  'rawJson RawJson',
  'TransactionWork TransactionHook',
];

const names = [...readFileSync('lib/index.ts', 'utf8').matchAll(/\{([^}]*)\}/g)]
  .flatMap(([, list = '']) => list.split(','))
  .map((name) => name.replace('type ', '').trim())
  .filter((name) => name !== '');

/** How many letters have to be added, removed or replaced to make one word of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, otherLetter] of [...other].entries()) {
      const replaced = (row[j] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

describe('the public names', () => {
  test('differ by more than two letters', () => {
    expect(names.length).toBeGreaterThan(100);
    const alike = names.flatMap((one, index) =>
      names
        .slice(index + 1)
        .filter((other) => distance(one, other) <= 2)
        .map((other) => `${one} ${other}`),
    );
    expect(alike).toEqual(MEANT);
  });

  test('of options end in Options', () => {
    expect(names.filter((name) => /Opts$|Opts[A-Z]/.test(name))).toEqual([]);
  });
});
