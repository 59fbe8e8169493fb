import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  Optional,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { ExternalContextCreator, ModuleRef, ModulesContainer } from '@nestjs/core';
import { got, nonEmptyString } from '../errors/checks.js';
import { nameText } from '../errors/name-text.js';
import { reading } from '../errors/reading.js';
import type { RiverRuntime } from '../river.providers.js';
import { DEFAULT_RIVER_NAME, getRiverRuntimeToken, getRiverWorkerToken } from '../tokens.js';
import { CurrentJob } from './attempt/current-job.js';
import type { WorkerMiddleware } from './attempt/handler.js';
import { invalidWorkerOption, resolveWorkerOptions } from './check-worker-options.js';
import { FIRST_TO_STOP } from './first-to-stop.module.js';
import { exploreWorkers } from './handlers/explore-workers.js';
import { RiverWorker } from './river-worker.js';
import type { ResolvedWorkerOptions, RiverWorkerModuleOptions } from './worker-options.js';

const WORKER_OPTIONS = Symbol('nestjs-river.RiverWorkerModuleOptions');
const RESOLVED_OPTIONS = Symbol('nestjs-river.ResolvedWorkerOptions');
const WORKER = Symbol('nestjs-river.RiverWorker');
const NEST = Symbol('nestjs-river.Nest');
const WORKER_NAME = Symbol('nestjs-river.workerName');

/** What must be known before a factory runs, because injection tokens are made of it. */
export interface RiverWorkerModuleExtras {
  /** Name of the client whose jobs are worked. Needed when there are several. */
  readonly name?: string | undefined;
}

/** The argument of `RiverWorkerModule.forRoot()`. */
export interface RiverWorkerModuleForRootOptions
  extends RiverWorkerModuleOptions, RiverWorkerModuleExtras {}

/** What a `useClass` or `useExisting` class of `RiverWorkerModule.forRootAsync()` implements. */
export interface RiverWorkerOptionsFactory {
  createRiverWorkerOptions(): RiverWorkerModuleOptions | Promise<RiverWorkerModuleOptions>;
}

/** The argument of `RiverWorkerModule.forRootAsync()`. */
export interface RiverWorkerModuleForRootAsyncOptions
  extends
    RiverWorkerModuleExtras,
    Pick<
      ConfigurableModuleAsyncOptions<RiverWorkerModuleOptions, 'createRiverWorkerOptions'>,
      'imports' | 'inject' | 'useFactory' | 'useClass' | 'useExisting'
    > {}

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RiverWorkerModuleOptions>({
  optionsInjectionToken: WORKER_OPTIONS,
  alwaysTransient: true,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRiverWorkerOptions')
  .setExtras<RiverWorkerModuleExtras>({ name: undefined }, (module, { name }) => {
    if (name !== undefined) nonEmptyString(name, 'name', invalidWorkerOption);
    const { providers, exports } = workerProviders(name ?? DEFAULT_RIVER_NAME);
    return {
      ...module,
      global: true,
      imports: [...(module.imports ?? []), ...FIRST_TO_STOP],
      providers: [...(module.providers ?? []), ...providers],
      exports,
    };
  })
  .build();

function workerProviders(name: string): Pick<DynamicModule, 'exports'> & { providers: Provider[] } {
  const token = getRiverWorkerToken(name);
  const providers: Provider[] = [
    { provide: WORKER_NAME, useValue: name },
    { provide: RESOLVED_OPTIONS, useFactory: resolveWorkerOptions, inject: [WORKER_OPTIONS] },
    {
      provide: WORKER,
      useFactory: makeWorker,
      inject: [getRiverRuntimeToken(name), RESOLVED_OPTIONS, ModulesContainer, NEST],
    },
    {
      provide: NEST,
      useFactory: (creator: ExternalContextCreator, moduleRef: ModuleRef): Nest => ({
        creator,
        moduleRef,
      }),
      inject: [ExternalContextCreator, ModuleRef],
    },
    { provide: token, useExisting: WORKER },
    CurrentJob,
  ];
  if (name !== DEFAULT_RIVER_NAME) return { providers, exports: [token, CurrentJob] };
  return {
    providers: [...providers, { provide: RiverWorker, useExisting: WORKER }],
    exports: [token, RiverWorker, CurrentJob],
  };
}

/** What a worker uses of Nest. */
interface Nest {
  readonly creator: ExternalContextCreator;
  readonly moduleRef: ModuleRef;
}

function makeWorker(
  runtime: RiverRuntime,
  options: ResolvedWorkerOptions,
  modules: ModulesContainer,
  { creator, moduleRef }: Nest,
): RiverWorker {
  return new RiverWorker({
    runtime,
    options,
    explore: () => exploreWorkers(modules, creator, options.works),
    middleware: () =>
      options.middleware.map((type) => moduleRef.get<WorkerMiddleware>(type, { strict: false })),
  });
}

/**
 * Works the jobs of a client in this application. Import it beside `RiverModule`.
 *
 * The application does not start when an option makes no sense, when a kind has two handlers, when River's
 * tables are older than version 6, or when the database user lacks rights: each a RiverConfigurationError
 * that says what to do.
 *
 * @example
 * @Module({ imports: [RiverModule.forRoot(), RiverWorkerModule.forRoot({ queues: { default: 10 } })] })
 */
@Module({})
export class RiverWorkerModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy
{
  readonly #name: string;
  readonly #modules: ModulesContainer;
  readonly #worker: RiverWorker;
  readonly #options: ResolvedWorkerOptions;

  constructor(
    @Optional() @Inject(WORKER_NAME) name: string | undefined,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Optional() @Inject(WORKER) worker: RiverWorker | undefined,
    @Optional() @Inject(RESOLVED_OPTIONS) options: ResolvedWorkerOptions | undefined,
  ) {
    super();
    if (name === undefined || worker === undefined || options === undefined) throw notConfigured();
    this.#name = name;
    this.#modules = modules;
    this.#worker = worker;
    this.#options = options;
  }

  static override forRoot(options: RiverWorkerModuleForRootOptions): DynamicModule {
    return super.forRoot(copyOf(options, 'forRoot'));
  }

  /** As {@link RiverWorkerModule.forRoot}, with the options from a factory. */
  static override forRootAsync(options: RiverWorkerModuleForRootAsyncOptions): DynamicModule {
    const copy = copyOf(options, 'forRootAsync');
    if (!copy.useFactory && !copy.useClass && !copy.useExisting)
      throw invalidWorkerOption('useFactory', 'give one of useFactory, useClass and useExisting');
    return super.forRootAsync(copy);
  }

  /** Refuses a second worker of one client, once all modules are known. */
  onModuleInit(): void {
    const token = getRiverWorkerToken(this.#name);
    const sameName = [...this.#modules.values()].filter(
      ({ metatype, providers }) => metatype === RiverWorkerModule && providers.has(token),
    );
    if (sameName.length > 1) throw nameTaken(this.#name);
  }

  /** Begins to work when all modules are ready. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.#options.autoStart) await this.#worker.start();
  }

  /** Does what the first shutdown hook of any module has begun; see `ActiveWork.drainFirst`. */
  async onModuleDestroy(): Promise<void> {
    await this.#worker.stop();
  }
}

/** Read once, so that what is checked is what holds. */
function copyOf<Options extends object>(options: Options, method: string): Options {
  if (typeof options !== 'object' || options === null)
    throw invalidWorkerOption('options', got(`${method} must be given an object`, options));
  return reading(invalidWorkerOption.bind(undefined, 'options'), () => ({ ...options }));
}

function notConfigured(): Error {
  return invalidWorkerOption(
    'imports',
    'import RiverWorkerModule.forRoot(...) or RiverWorkerModule.forRootAsync(...), not the class alone',
  );
}

function nameTaken(name: string): Error {
  return invalidWorkerOption(
    'name',
    `two worker modules have the name '${nameText(name)}'. Import one, with all queues`,
  );
}
