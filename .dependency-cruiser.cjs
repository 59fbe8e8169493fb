// The rooms of the library, and which of them may import which. Each room may import the rooms before
// it in this list, and no room after it.
const ROOMS = [
  'job/row',
  'errors',
  'job',
  'insert/json',
  'insert/options',
  'insert/unique',
  'insert',
  'admin',
  'postgres/driver',
  'postgres/rows',
  'postgres/connection',
  'postgres/insert',
  'postgres/copy',
  'postgres/administration',
  'transaction/context',
  'transaction/statements',
  'transaction/engine',
  'transaction',
  'data-source',
  'nest',
  'client/options',
  'client/inserts',
  'client/bulk',
  'client/wait',
  'client/administration',
  'client',
  'river\\.(module|providers)',
];

// A room's own files; those of the rooms inside it are listed apart.
const files = (room) => (room.startsWith('river') ? room : `${room}/[^/]+$`);

const oneWay = ROOMS.slice(0, -1).map((room, index) => ({
  name: `${room}-imports-only-rooms-before-it`,
  severity: 'error',
  from: { path: `^lib/${files(room)}` },
  to: {
    path: `^lib/(${ROOMS.slice(index + 1)
      .map(files)
      .join('|')})`,
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...oneWay,
    {
      name: 'tokens-are-of-nest',
      comment: 'The names of providers mean nothing in the rooms that do not know Nest.',
      severity: 'error',
      from: { path: '^lib/(errors|job|insert|admin|postgres|transaction/.+/)' },
      to: { path: '^lib/tokens' },
    },
    {
      name: 'tokens-import-errors-only',
      severity: 'error',
      from: { path: '^lib/tokens' },
      to: { path: '^(lib|decorators)/', pathNot: '^lib/errors/' },
    },
    {
      name: 'client-knows-no-nest-and-no-patched-data-source',
      severity: 'error',
      from: { path: '^lib/client/' },
      to: { path: '^lib/(data-source|nest)/' },
    },
    {
      name: 'nest-does-not-know-what-is-done-to-the-data-source',
      severity: 'error',
      from: { path: '^lib/nest/' },
      to: { path: '^lib/data-source/' },
    },
    {
      name: 'nobody-inside-imports-the-index',
      severity: 'error',
      from: { path: '^(lib|decorators)/' },
      to: { path: '^lib/index\\.ts$' },
    },
    {
      name: 'lib-does-not-import-decorators',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/index\\.ts$' },
      to: { path: '^decorators/' },
    },
    {
      name: 'decorators-do-not-import-the-client',
      severity: 'error',
      from: { path: '^decorators/' },
      to: { path: '^lib/(client|river\\.module)' },
    },
    {
      name: 'adapters-are-loaded-by-their-own-paths-only',
      comment: 'Each needs peers that most applications do not have.',
      severity: 'error',
      from: { path: '^(lib|decorators)/' },
      to: { path: '^lib/adapters/' },
    },
    {
      name: 'testing-is-loaded-by-its-own-path-only',
      comment: 'No application loads it.',
      severity: 'error',
      from: { path: '^(lib|decorators)/', pathNot: '^lib/testing/' },
      to: { path: '^lib/testing/' },
    },
    {
      name: 'testing-does-not-know-other-optional-rooms',
      severity: 'error',
      from: { path: '^lib/testing/' },
      to: { path: '^lib/(entities|migrations|cli|adapters)/' },
    },
    {
      name: 'migrations-are-loaded-when-they-are-asked-for',
      comment: 'An application that brings up its tables otherwise never loads them.',
      severity: 'error',
      from: { path: '^(lib|decorators)/', pathNot: '^lib/(migrations|cli)/' },
      to: { path: '^lib/migrations/', dynamic: false },
    },
    {
      name: 'cli-and-entities-are-loaded-by-their-own-paths-only',
      severity: 'error',
      from: { path: '^(lib|decorators)/', pathNot: '^lib/(cli|entities)/' },
      to: { path: '^lib/(cli|entities)/' },
    },
    {
      name: 'optional-rooms-see-the-core-only',
      comment: 'The command line is made of migrations; no other of them knows another.',
      severity: 'error',
      from: { path: '^lib/(migrations|entities|cli)/' },
      to: { path: '^lib/(client|adapters|entities|cli|river\\.)', pathNot: '^lib/$1/' },
    },
    {
      name: 'insert-is-pure',
      comment: 'No connection and no framework in the room that only computes.',
      severity: 'error',
      from: { path: '^lib/(job|insert|admin)/' },
      to: { path: 'node_modules/(typeorm|pg|@nestjs)' },
    },
    {
      name: 'only-peers-at-run-time',
      severity: 'error',
      from: { path: '^(lib|decorators)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer', 'type-only'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
