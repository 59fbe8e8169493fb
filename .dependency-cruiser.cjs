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
  'postgres/worker',
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

// The rooms of `nestjs-river/worker`, in the same way. They may import all rooms above but the module.
const WORKER_ROOMS = [
  'outcome',
  'attempt',
  'handlers',
  'queue',
  'outcomes',
  'leader',
  'maintenance',
  'periodic',
  'listen',
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

const workerOneWay = WORKER_ROOMS.slice(0, -1).map((room, index) => ({
  name: `worker/${room}-imports-only-rooms-before-it`,
  severity: 'error',
  from: { path: `^lib/worker/${room}/` },
  to: { path: `^lib/worker/(${WORKER_ROOMS.slice(index + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...oneWay,
    ...workerOneWay,
    {
      name: 'worker-is-loaded-by-its-own-path-only',
      comment: 'An application that only inserts never loads it.',
      severity: 'error',
      from: { path: '^(lib|decorators)/', pathNot: '^(lib|decorators)/worker/' },
      to: { path: '^(lib|decorators)/worker/' },
    },
    {
      name: 'statements-of-the-worker-are-its-own',
      severity: 'error',
      from: { path: '^(lib|decorators)/', pathNot: '^lib/(worker|postgres/worker)/' },
      to: { path: '^lib/postgres/worker/' },
    },
    {
      name: 'worker-does-not-know-other-optional-rooms',
      severity: 'error',
      from: { path: '^lib/worker/' },
      to: { path: '^lib/(entities|migrations|cli|adapters|testing)/' },
    },
    {
      name: 'rooms-of-the-worker-know-only-what-all-share',
      severity: 'error',
      from: { path: '^(lib|decorators)/worker/(?!index)', pathNot: '^lib/worker/[^/]+$' },
      to: {
        path: '^lib/worker/[^/]+$',
        pathNot:
          '^lib/worker/(worker-core|worker-options|worker-database|outage-log|own-context)\\.ts$',
      },
    },
    {
      name: 'decorators-of-the-worker-are-exported-by-its-index-only',
      severity: 'error',
      from: { path: '^lib/worker/', pathNot: '^lib/worker/index' },
      to: { path: '^decorators/' },
    },
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
      from: { path: '^lib/', pathNot: '^lib/(worker/)?index\\.ts$' },
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
