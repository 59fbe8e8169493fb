import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const README = readFileSync('README.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  files: string[];
  repository: { url: string };
};

const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');
const raw = repository.replace('https://github.com', 'https://raw.githubusercontent.com');
const inRepository = [`${repository}/blob/main/`, `${raw}/main/`];

const targets = [...README.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

test('README.md links by a relative path only to files that are in the package', () => {
  const relative = targets.filter((target) => !/^(#|https?:)/.test(target));
  const shipped = [...manifest.files, 'README.md', 'LICENSE', 'package.json'];
  expect(relative.filter((target) => !shipped.includes(target.replace(/#.*/, '')))).toEqual([]);
});

test('README.md links only to files of the repository that exist', () => {
  const files = targets.flatMap((target) =>
    inRepository.filter((base) => target.startsWith(base)).map((base) => target.slice(base.length)),
  );
  expect(files).toContain('sample-app/README.md');
  expect(files.filter((file) => !existsSync(file.replace(/#.*/, '')))).toEqual([]);
});

test('README.md links only to headings that exist', () => {
  const headings = [...README.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const anchors = targets.filter((target) => target.startsWith('#'));
  expect(anchors.filter((anchor) => !headings.includes(anchor.slice(1)))).toEqual([]);
});
