import { parseArgs } from 'node:util';

/**
 * One template with what is installed in it. A number of one part is the newest of that major.
 *
 * @typedef {object} Cell
 * @property {string} nest The major of `@nestjs/cli`, and of Nest.
 * @property {string} typeorm
 * @property {keyof typeof import('./managers.mjs').MANAGERS} manager
 * @property {string} node A version from npm; empty for the one that runs this.
 * @property {string} typescript Empty for what the template asks for.
 * @property {string} pg
 */

const TYPEORM = { 10: '0.3.20', 11: '0.3', 12: '1' };

/** The short set: each template once, on another TypeORM. */
const SHORT = Object.entries(TYPEORM).map(([nest, typeorm]) => cell({ nest, typeorm }));

/** Everything that an application may meet, each with each where that can differ. */
const ALL = [
  ...product({
    nest: ['10', '11', '12'],
    typeorm: ['0.3.20', '0.3', '1'],
    node: ['', '22', '24'],
  }),
  ...product({ nest: ['10', '11', '12'], manager: ['pnpm', 'yarn', 'pnp'] }),
  ...product({ nest: ['10'], typescript: ['5.1', '5.4'] }),
  ...product({ nest: ['11'], typescript: ['5.7', '5.8', '5.9'] }),
  ...product({ nest: ['10', '11'], pg: ['8.11.0'] }),
];

const OPTIONS = /** @type {const} */ ({
  all: { type: 'boolean' },
  nest: { type: 'string' },
  typeorm: { type: 'string' },
  manager: { type: 'string' },
  node: { type: 'string' },
  typescript: { type: 'string' },
  pg: { type: 'string' },
});

/** @param {string[]} args of the command line @returns {Cell[]} */
export function cellsOf(args) {
  const { all, ...lists } = parseArgs({ args, options: OPTIONS }).values;
  if (all) return ALL;
  if (Object.keys(lists).length === 0) return SHORT;
  const axes = Object.entries(lists).map(([axis, list]) => [axis, list.split(',')]);
  return product({ nest: Object.keys(TYPEORM), ...Object.fromEntries(axes) });
}

/** @param {Partial<Cell>} given @returns {Cell} */
function cell({ nest = '12', ...others }) {
  const typeorm = TYPEORM[/** @type {keyof typeof TYPEORM} */ (/** @type {unknown} */ (nest))];
  return { nest, typeorm, manager: 'npm', node: '', typescript: '', pg: '8', ...others };
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
