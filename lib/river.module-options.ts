import type { ConfigurableModuleAsyncOptions, Provider } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { RiverModuleOptions } from './client/options/client-options.js';

export type { RiverModuleOptions } from './client/options/client-options.js';

/** What must be known before a factory runs, because injection tokens are made of it. */
export interface RiverModuleExtras {
  /** Name of the client, for `@InjectRiverClient(name)`. Needed when there are several. */
  readonly name?: string | undefined;
  /** Whether other modules see the client without importing this module. Default true. */
  readonly isGlobal?: boolean | undefined;
  /**
   * The data source that jobs go through: its name in `TypeOrmModule.forRoot({ name })`, or the
   * object itself. Default: what is provided as `DataSource`, as `TypeOrmModule.forRoot()` does.
   */
  readonly dataSource?: string | DataSource | undefined;
}

/** The argument of `RiverModule.forRoot()`. */
export interface RiverModuleForRootOptions extends RiverModuleOptions, RiverModuleExtras {}

/** What a `useClass` or `useExisting` class of `RiverModule.forRootAsync()` implements. */
export interface RiverOptionsFactory {
  createRiverOptions(): RiverModuleOptions | Promise<RiverModuleOptions>;
}

/** The argument of `RiverModule.forRootAsync()`. */
export interface RiverModuleForRootAsyncOptions
  extends
    RiverModuleExtras,
    Pick<
      ConfigurableModuleAsyncOptions<RiverModuleOptions, 'createRiverOptions'>,
      'imports' | 'inject' | 'useFactory' | 'useClass' | 'useExisting'
    > {
  /** Providers that the factory needs and that no imported module exports. */
  readonly extraProviders?: Provider[] | undefined;
}
