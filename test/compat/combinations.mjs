/**
 * The versions that the package is tried on: the lowest that its peer ranges allow, and the majors
 * that are in use. A number of one part is the newest of that major.
 *
 * @typedef {object} Combination
 * @property {string} name
 * @property {Readonly<Record<string, string>>} packages What is installed beside the package itself.
 * @property {readonly string[]} [nodes] Versions of Node to run on too, beside the one that runs this.
 * @property {'only' | 'left out'} [matrix] Of TypeORM's own calls: without the application, or left
 *   out where another combination makes them in the same version.
 */

/** @param {Record<string, string>} versions */
function packages({ nest, nestTypeorm, typeorm, ...others }) {
  return {
    '@nestjs/common': nest,
    '@nestjs/core': nest,
    '@nestjs/platform-express': nest,
    '@nestjs/typeorm': nestTypeorm,
    typeorm,
    pg: '8',
    'pg-query-stream': '4',
    'reflect-metadata': '0.2',
    rxjs: '7',
    '@types/node': '20',
    typescript: '6.0',
    ...others,
  };
}

/** @type {readonly Combination[]} */
export const COMBINATIONS = [
  {
    name: 'Nest 10.0.0, TypeORM 0.3.20, pg 8.11.0 (the lowest)',
    packages: packages({
      nest: '10.0.0',
      nestTypeorm: '10.0.0',
      typeorm: '0.3.20',
      pg: '8.11.0',
      'reflect-metadata': '0.1.13',
      rxjs: '7.2.0',
      typescript: '5.8',
    }),
    nodes: ['20.19.0'],
  },
  {
    name: 'Nest 11, TypeORM 0.3, pg 8.20',
    packages: packages({
      nest: '11',
      nestTypeorm: '11',
      typeorm: '0.3',
      pg: '8.20.0',
      typescript: '5.9',
    }),
  },
  {
    name: 'Nest 11, TypeORM 1.0.0 (the lowest of its major)',
    packages: packages({ nest: '11', nestTypeorm: '11', typeorm: '1.0.0' }),
    matrix: 'only',
  },
  {
    name: 'Nest 11, TypeORM 1',
    packages: packages({ nest: '11', nestTypeorm: '11', typeorm: '1' }),
  },
  {
    name: 'Nest 12, TypeORM 1',
    packages: packages({ nest: '12', nestTypeorm: '12', typeorm: '1' }),
    nodes: ['22', '24'],
    matrix: 'left out',
  },
];
