import { describe, expect, test } from '@jest/globals';
import { compileSnippets, readSnippets, snippetsOf } from './compile-snippets.js';

/** A compiler's run takes seconds, and more beside others. */
const LIMIT_MS = 120_000;

describe('the TypeScript in README.md', () => {
  test(
    'compiles strictly',
    () => {
      const snippets = ['README.md', 'sample-app/README.md'].flatMap(readSnippets);
      expect(snippets.length).toBeGreaterThan(15);
      expect(compileSnippets(snippets)).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'is refused, with its line, where it is wrong',
    () => {
      const markdown = [
        'text',
        '```ts',
        "await river.insert(new SendReceipt(1, 'ada@example.com'));",
        "await river.insert(jobArgs('sort', {}), { priorty: 3 });",
        '```',
        '```sh',
        'not TypeScript',
        '```',
        '```ts',
        '@JobArgs("sort", { uniqueOpts: { byArgs: ["nothing"] } })',
        'class Sort { constructor(readonly strings: string[]) {} }',
        'await river.nothing();',
        '```',
      ].join('\n');
      const wrong = compileSnippets(snippetsOf('some.md', markdown));
      expect(wrong).toEqual([
        expect.stringMatching(/^some\.md:4 .*'priorty' does not exist/s),
        expect.stringMatching(/^some\.md:10 .*names no property of this class/s),
        expect.stringMatching(/^some\.md:12 .*'nothing' does not exist/s),
      ]);
    },
    LIMIT_MS,
  );
});
