import { parseArgs } from 'node:util';

/**
 * One template with what is installed in it. A number of one part is the newest of that major.
 *
 * @typedef {object} Cell
 * @property {string} nest The major of `@nestjs/cli`, and of Nest.
 * @property {string} typeorm
 * @property {keyof typeof import('./managers.mjs').MANAGERS} manager
 * @property {string} node The major; it comes from npm unless it is the one that runs this.
 * @property {string} typescript Empty for what the template asks for.
 * @property {string} pg
 * @property {keyof typeof import('./builders.mjs').BUILDERS} builder
 */

export const THIS_NODE = process.versions.node.split('.')[0] ?? '';
const TYPEORM = { 10: '0.3.20', 11: '0.3', 12: '1' };

/** The short set: each template once, on another TypeORM. */
const SHORT = Object.entries(TYPEORM).map(([nest, typeorm]) => cell({ nest, typeorm }));

/**
 * Each pair of Nest, TypeORM and Node, and of Nest and a package manager; each builder once or
 * twice.
 */
const ALL = [
  cell({ nest: '10', typeorm: '0.3.20', node: '20', typescript: '5.1', pg: '8.11.0' }),
  cell({ nest: '11', typeorm: '0.3', node: '20' }),
  cell({ nest: '12', typeorm: '1', node: '20' }),
  cell({ nest: '10', typeorm: '0.3', node: '22', manager: 'pnpm', typescript: '5.4' }),
  cell({ nest: '11', typeorm: '1', node: '22', manager: 'yarn', typescript: '5.8' }),
  cell({ nest: '12', typeorm: '0.3.20', node: '22', manager: 'pnp' }),
  cell({ nest: '10', typeorm: '1', node: '24', manager: 'yarn', builder: 'swc' }),
  cell({ nest: '11', typeorm: '0.3.20', node: '24', manager: 'pnpm', typescript: '5.7' }),
  cell({ nest: '12', typeorm: '0.3', node: '24', builder: 'swc' }),
  cell({ nest: '10', typeorm: '0.3.20', node: '26' }),
  cell({ nest: '11', typeorm: '0.3', node: '26', typescript: '5.9', builder: 'webpack' }),
  cell({ nest: '12', typeorm: '1', node: '26', manager: 'pnpm' }),
  cell({ nest: '11', typeorm: '1', node: '22', builder: 'esbuild' }),
  cell({ nest: '10', typeorm: '0.3', node: '20', builder: 'TypeORM CLI with ts-node' }),
  cell({ nest: '11', typeorm: '1', node: '24', builder: 'TypeORM CLI with ts-node' }),
  cell({ nest: '10', typeorm: '0.3.20', node: '20', manager: 'pnp' }),
  cell({ nest: '11', typeorm: '0.3', node: '20', manager: 'pnp' }),
  cell({ nest: '12', typeorm: '1', node: '20', manager: 'yarn' }),
];

const OPTIONS = /** @type {const} */ ({
  all: { type: 'boolean' },
  only: { type: 'string' },
  write: { type: 'boolean' },
  nest: { type: 'string' },
  typeorm: { type: 'string' },
  manager: { type: 'string' },
  node: { type: 'string' },
  typescript: { type: 'string' },
  pg: { type: 'string' },
  builder: { type: 'string' },
});

/**
 * @param {string[]} args of the command line
 * @returns {{ cells: Cell[], write: boolean }}
 */
export function cellsOf(args) {
  const { all, only, write = false, ...lists } = parseArgs({ args, options: OPTIONS }).values;
  if (only !== undefined) return { cells: only.split(',').map(numbered), write };
  if (all) return { cells: ALL, write };
  if (Object.keys(lists).length === 0) return { cells: SHORT, write };
  const axes = Object.entries(lists).map(([axis, list]) => [axis, list.split(',')]);
  const cells = product({ nest: Object.keys(TYPEORM), ...Object.fromEntries(axes) });
  return { cells, write };
}

/** @param {string} number of a cell of the whole set, from 1 */
function numbered(number) {
  const found = ALL[Number(number) - 1];
  if (found === undefined) throw new Error(`--only takes numbers from 1 to ${ALL.length}.`);
  return found;
}

/** @param {Partial<Cell>} given @returns {Cell} */
function cell({ nest = '12', ...others }) {
  const typeorm = TYPEORM[/** @type {keyof typeof TYPEORM} */ (/** @type {unknown} */ (nest))];
  const usual = { manager: 'npm', node: THIS_NODE, typescript: '', pg: '8', builder: 'tsc' };
  return /** @type {Cell} */ ({ nest, typeorm, ...usual, ...others });
}

/** @param {Partial<Record<keyof Cell, string[]>>} axes @returns {Cell[]} */
function product(axes) {
  /** @type {Partial<Cell>[]} */
  let cells = [{}];
  for (const [axis, values] of Object.entries(axes)) {
    cells = cells.flatMap((each) => values.map((value) => ({ ...each, [axis]: value })));
  }
  return cells.map(cell);
}
