// The rooms of the library and which of them may see which. A rule reads: files in `from` must
// not import files in `to`. Order of the rooms: errors, job, insert, admin, postgres, transaction,
// client, river.module, index.
const later = (room, ...rooms) => ({
  name: `${room}-sees-only-what-is-left-of-it`,
  severity: 'error',
  from: { path: `^lib/${room}/` },
  to: { path: `^lib/(${rooms.join('|')})` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
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
      name: 'decorators-reach-up-to-transaction',
      severity: 'error',
      from: { path: '^decorators/' },
      to: { path: '^lib/(client|river\\.module)' },
    },
    later(
      'errors',
      'job',
      'insert',
      'admin',
      'postgres',
      'transaction',
      'client',
      'river\\.module',
      'tokens',
    ),
    later(
      'job',
      'insert',
      'admin',
      'postgres',
      'transaction',
      'client',
      'river\\.module',
      'tokens',
    ),
    later('insert', 'admin', 'postgres', 'transaction', 'client', 'river\\.module', 'tokens'),
    later('admin', 'postgres', 'transaction', 'client', 'river\\.module', 'tokens'),
    later('postgres', 'transaction', 'client', 'river\\.module', 'tokens'),
    later('transaction', 'client', 'river\\.module'),
    later('client', 'river\\.module'),
    {
      name: 'adapters-are-loaded-by-their-own-paths-only',
      comment: 'Each needs peers that most applications do not have.',
      severity: 'error',
      from: { path: '^(lib|decorators)/' },
      to: { path: '^lib/adapters/' },
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
