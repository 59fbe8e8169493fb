import { Inject, Module, type OnModuleDestroy, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/**
 * A module whose shutdown hook Nest calls, and awaits, before that of any other module: so a client of Redis
 * that closes in a hook of its own is there for as long as jobs are under way.
 *
 * Nest calls the hooks of modules one after another, in the order of their distances from the root module: 11
 * and later those with the least distance first, 10 those with the greatest. Within a module it calls them all at
 * once, so that a hook in the module of such a client would not do.
 */
class FirstToStop implements OnModuleDestroy {
  readonly #stops = new Set<() => Promise<void>>();

  constructor(modules: ModulesContainer, distance: number) {
    for (const module of modules.values()) {
      if (module.metatype === this.constructor) module.distance = distance;
    }
  }

  /** Adds what is called then. */
  add(stop: () => Promise<void>): void {
    this.#stops.add(stop);
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(Array.from(this.#stops, (stop) => stop()));
  }
}

/** The first of all in Nest 11 and later. */
@Module({})
class NearestModule extends FirstToStop {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    super(modules, -Infinity);
  }
}

/** The first of all in Nest 10. */
@Module({})
class FarthestModule extends FirstToStop {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    super(modules, Infinity);
  }
}

/** To be imported by modules that have something to stop before all others. */
export const FIRST_TO_STOP: Type[] = [NearestModule, FarthestModule];

/** Calls `stop` when the application shuts down, before the hooks of all modules. */
export function stopFirst(modules: ModulesContainer, stop: () => Promise<void>): void {
  for (const type of [NearestModule, FarthestModule]) {
    for (const { metatype, providers } of modules.values()) {
      if (metatype === type) (providers.get(type)?.instance as FirstToStop).add(stop);
    }
  }
}
