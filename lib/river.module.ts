import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  Optional,
  type DynamicModule,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { invalidModuleOption, RiverConfigurationError } from './errors/setup-errors.js';
import { boolean, got, nonEmptyString } from './errors/checks.js';
import { nameText } from './errors/name-text.js';
import { reading } from './errors/reading.js';
import type {
  RiverModuleExtras,
  RiverModuleForRootAsyncOptions,
  RiverModuleForRootOptions,
  RiverModuleOptions,
} from './river.module-options.js';
import { RIVER_MODULE_OPTIONS, RIVER_NAME, riverProviders } from './river.providers.js';
import { getRiverClientToken } from './tokens.js';
import { checkHandlers } from './nest/check-handlers.js';

// Transient: two equal forRoot() are two modules on every major of Nest, so that a name that is
// taken twice is seen and not merged silently.
const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RiverModuleOptions>({
  optionsInjectionToken: RIVER_MODULE_OPTIONS,
  alwaysTransient: true,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createRiverOptions')
  .setExtras<RiverModuleExtras & Pick<RiverModuleForRootAsyncOptions, 'extraProviders'>>(
    { name: undefined, isGlobal: true, dataSource: undefined, extraProviders: [] },
    (module, extras) => {
      checkExtras(extras);
      const { providers, exports } = riverProviders(extras);
      return {
        ...module,
        global: extras.isGlobal ?? true,
        providers: [...(module.providers ?? []), ...providers, ...(extras.extraProviders ?? [])],
        exports,
      };
    },
  )
  .build();

/**
 * Provides {@link RiverClient} and {@link RiverTransaction} over a data source of TypeORM.
 *
 * The application does not start when the data source is missing, not connected or not Postgres,
 * when River's tables are missing or older than version 6, when an option makes no sense, or when a
 * name is given twice: each a RiverConfigurationError that says what to do.
 *
 * @example
 * @Module({ imports: [TypeOrmModule.forRoot({ type: 'postgres', ... }), RiverModule.forRoot()] })
 */
@Module({})
export class RiverModule extends ConfigurableModuleClass implements OnModuleInit {
  readonly #name: string;
  readonly #modules: ModulesContainer;

  constructor(
    @Optional() @Inject(RIVER_NAME) name: string | undefined,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    super();
    if (name === undefined) throw notConfigured();
    this.#name = name;
    this.#modules = modules;
  }

  static override forRoot(options: RiverModuleForRootOptions = {}): DynamicModule {
    if (typeof options !== 'object' || options === null) throw noOptions('forRoot', options);
    return super.forRoot(copyOf(options));
  }

  /** As {@link RiverModule.forRoot}, with the options from a factory. */
  static override forRootAsync(options: RiverModuleForRootAsyncOptions): DynamicModule {
    if (typeof options !== 'object' || options === null) throw noOptions('forRootAsync', options);
    const copy = copyOf(options);
    checkAsyncOptions(copy);
    return super.forRootAsync(copy);
  }

  /** Refuses a name that is taken, once all modules are known. */
  onModuleInit(): void {
    const token = getRiverClientToken(this.#name);
    const sameName = [...this.#modules.values()].filter(
      ({ metatype, providers }) => metatype === RiverModule && providers.has(token),
    );
    if (sameName.length > 1) throw nameTaken(this.#name);
    checkHandlers(this.#modules);
  }
}

/** Read once, so that what is checked is what holds. */
function copyOf<Options extends object>(options: Options): Options {
  return reading(invalidModuleOption.bind(undefined, 'options'), () => ({ ...options }));
}

function checkExtras({ name, isGlobal }: RiverModuleExtras): void {
  if (name !== undefined) nonEmptyString(name, 'name', invalidModuleOption);
  if (isGlobal !== undefined) boolean(isGlobal, 'isGlobal', invalidModuleOption);
}

const ASYNC_OPTIONS = [
  'name',
  'isGlobal',
  'dataSource',
  'imports',
  'inject',
  'useFactory',
  'useClass',
  'useExisting',
  'extraProviders',
];

function checkAsyncOptions(options: RiverModuleForRootAsyncOptions): void {
  if (!options.useFactory && !options.useClass && !options.useExisting) {
    const instead = 'without options of its own, use RiverModule.forRoot()';
    throw invalidModuleOption(
      'useFactory',
      `give one of useFactory, useClass and useExisting; ${instead}`,
    );
  }
  const stray = Object.keys(options).find((key) => !ASYNC_OPTIONS.includes(key));
  if (stray !== undefined) {
    throw invalidModuleOption(
      nameText(stray),
      `is not an option of forRootAsync (${ASYNC_OPTIONS.join(', ')}); let the factory return it`,
    );
  }
}

function noOptions(method: string, given: unknown): RiverConfigurationError {
  return invalidModuleOption('options', got(`${method} must be given an object`, given));
}

function notConfigured(): RiverConfigurationError {
  return invalidModuleOption(
    'imports',
    'import RiverModule.forRoot(...) or RiverModule.forRootAsync(...), not the class alone',
  );
}

function nameTaken(name: string): RiverConfigurationError {
  return new RiverConfigurationError(
    `RiverModule: two modules have the name '${nameText(name)}'. Import RiverModule.forRoot(...) once, or give ` +
      "each its own `name` and inject the clients by @InjectRiverClient('name').",
    { code: 'RIVER_CLIENT_NAME_TAKEN', field: 'name' },
  );
}
