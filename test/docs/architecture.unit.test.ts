import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';

/** What is read of a rule: files that match `from` must not import files that match `to`. */
interface Rule {
  readonly from: { path?: string; pathNot?: string };
  readonly to: {
    path?: string;
    pathNot?: string;
    circular?: boolean;
    dependencyTypes?: readonly string[];
  };
}

const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: readonly Rule[];
};

/** The rows of the table: a room, and the rooms that it may import. */
const rows = [
  ...readFileSync('docs/architecture.md', 'utf8').matchAll(
    /^\| `((?:lib|decorators)\/[^`]*)` +\|[^|]*\| ([^|]*?) +\|$/gm,
  ),
].map(([, room = '', mayImport = '']) => ({ room, mayImport }));
const rooms = rows.map(({ room }) => room);

/** A file of the room, as rules see it. */
const fileOf = (room: string) => (room.endsWith('/') ? `${room}file.ts` : room);

function mayImport(from: string, to: string): boolean {
  return !forbidden.some((rule) => {
    if (rule.to.path === undefined || rule.to.circular || rule.to.dependencyTypes) return false;
    const found = new RegExp(rule.from.path ?? '').exec(from);
    if (found === null || (rule.from.pathNot && new RegExp(rule.from.pathNot).test(from)))
      return false;
    const pattern = (path: string) =>
      new RegExp(path.replace(/\$(\d)/g, (_, group: string) => found[Number(group)] ?? ''));
    const { path, pathNot } = rule.to;
    return pattern(path).test(to) && !(pathNot !== undefined && pattern(pathNot).test(to));
  });
}

/** What the table has to say of a room, by the rules. */
function expected(room: string): string {
  const allowed = rooms.filter((each) => each !== room && mayImport(fileOf(room), fileOf(each)));
  const above = rooms.slice(0, rooms.indexOf(room));
  const below = allowed.filter((each) => !above.includes(each));
  const exceptions = above.filter((each) => !allowed.includes(each));
  if (below.length > 0) return `something below it: ${below.join(', ')}`;
  if (allowed.length === 0) return 'nothing';
  // A room stands for the rooms inside it.
  const names = (some: readonly string[]) =>
    some
      .filter((each) => !some.some((outer) => outer !== each && each.startsWith(outer)))
      .map((each) => `\`${each}\``)
      .join(', ');
  if (exceptions.length === 0) return 'everything above';
  if (exceptions.length > allowed.length) return `only ${names(allowed)}`;
  return `everything above but ${names(exceptions)}`;
}

test('docs/architecture.md says of each room what the rules allow it to import', () => {
  expect(rows).toEqual(rooms.map((room) => ({ room, mayImport: expected(room) })));
  expect(rooms.length).toBeGreaterThan(15);
});

test('docs/architecture.md names every folder that has rules of its own', () => {
  const files = ['lib', 'decorators'].flatMap((top) =>
    readdirSync(top, { recursive: true, encoding: 'utf8' }).map((file) => `${top}/${file}`),
  );
  const sources = files.filter((file) => file.endsWith('.ts'));
  const folders = new Set(sources.map((file) => `${dirname(file)}/`));
  folders.delete('lib/');
  const unnamed = [...folders].filter((folder) => !rooms.includes(folder));
  const inSameRoom = unnamed.filter((folder) => {
    const room = rooms.findLast((each) => each.endsWith('/') && folder.startsWith(each)) ?? '';
    const seen = (from: string) =>
      rooms.filter((each) => each !== room && mayImport(fileOf(from), fileOf(each)));
    return room !== '' && String(seen(folder)) === String(seen(room));
  });
  expect(unnamed).toEqual(inSameRoom);
});

test('docs/architecture.md names only files and folders that exist', () => {
  expect(rooms.filter((room) => !existsSync(room))).toEqual([]);
});
