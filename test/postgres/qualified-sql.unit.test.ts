import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/** The texts of SQL in the library, with what is spliced in as `$x`. */
function sqlOf(file: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node)) {
      const spans = node.templateSpans.map(({ literal }) => `$x${literal.text}`);
      texts.push(node.head.text + spans.join(''));
    } else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      texts.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true));
  return texts.filter((text) => /\b(SELECT|WHERE|RETURNING|CHECK|CASE WHEN|DEFAULT)\b/.test(text));
}

/** What Postgres would look for in the search_path. */
function unqualified(sql: string): string[] {
  const bare = sql
    .replace(/AS \$\$.*?\$\$/gs, '') // bodies are River's
    .replace(/--.*$/gm, '')
    .replace(/E?'[^']*'/g, "''")
    .replace(/OPERATOR\(pg_catalog\.[^)]+\)/g, '')
    .replace(/pg_catalog\.\w+/g, '')
    .replace(/\bAS \w+\(/g, '') // names of columns
    .replace(/\b(SELECT|RETURNING|AS \w+,|changed,|false,) \*/g, '')
    .replace(/(^|,|\bSET)\s*[a-z_]+ = /g, ' '); // assignments
  return [...bare.matchAll(UNQUALIFIED)].map(([match]) => match.trim());
}

const KEYWORD = 'bigint|int|smallint|boolean|numeric|bit|varchar|\\$x';
const GRAMMAR = 'coalesce|greatest|least|extract|unnest|bit|varchar';
const UNQUALIFIED = new RegExp(
  [
    `::(?!(?:${KEYWORD})\\b|\\$x|\\s|"")\\w+`,
    `(?<![.\\w$"])(?!(?:${GRAMMAR})\\()[a-z_]+\\(`,
    '\\s(?:=|<>|!=|<=?|>=?|\\|\\||->>?|#>>?|@>|<@|&&|[-+*/%^](?=\\s))\\s',
    '\\b(?:NOT )?(?:LIKE|ILIKE|SIMILAR TO|BETWEEN|IN \\(|NULLIF|DISTINCT FROM|USING \\((?!.*gin)|NATURAL)',
    'CASE (?!WHEN)',
  ].join('|'),
  'g',
);

const files = ['lib/postgres', 'lib/migrations', 'lib/transaction'].flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${room}/${file}`),
);

test('operators, functions and types in SQL are qualified', () => {
  const found = files.flatMap((file) =>
    sqlOf(file)
      .flatMap(unqualified)
      .map((what) => `${file}: ${what}`),
  );
  expect(found).toEqual([]);
});

test.each([
  'SELECT id::text, x FROM river_job',
  'SELECT now() AS x',
  "SELECT 1 WHERE a.state = 'available'",
  "UPDATE x SET a = 1, b = c || '' WHERE id OPERATOR(pg_catalog.=) 1",
  "SELECT FROM x WHERE a IN ('b')",
  "SELECT FROM x WHERE a OPERATOR(pg_catalog.=) b AND c LIKE 'd'",
  "CASE a WHEN 'b' THEN c END WHERE",
  'SELECT FROM a JOIN b USING (c)',
])('what is not qualified is found: %s', (sql) => {
  expect(unqualified(sql)).toHaveLength(1);
});
