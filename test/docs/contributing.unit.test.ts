import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const DOCUMENTS = ['CONTRIBUTING.md', 'docs/architecture.md', 'README.md'];

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
};

/** What `pattern` captures in a document. */
function captured(document: string, pattern: RegExp): string[] {
  return [...readFileSync(document, 'utf8').matchAll(pattern)].map(([, found = '']) => found);
}

test.each(DOCUMENTS)('%s names only scripts that package.json has', (document) => {
  const named = captured(document, /npm run ([a-z][\w:-]*)/g);
  expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
});

test.each(DOCUMENTS)('%s names only programs that exist', (document) => {
  const named = captured(document, /node (test\/[\w/.-]+\.mjs)/g);
  expect(named.filter((program) => !existsSync(program))).toEqual([]);
});

test.each(['CONTRIBUTING.md', 'docs/architecture.md'])('%s links only to files', (document) => {
  const linked = captured(document, /\]\(([^)#:]+)\)/g);
  expect(linked.length).toBeGreaterThan(0);
  expect(linked.filter((file) => !existsSync(join(dirname(document), file)))).toEqual([]);
});
