import { Inject, Module, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

// Nest calls the shutdown hooks of one module after those of another, in the order of their distances from the
// root module: 11 and later the nearest first, 10 the farthest. Within a module it calls them at once, or by
// levels. The hook that RiverModule puts into every module, and which waits until the workers have stopped,
// would come too late for a client of Redis in the first of the modules. So one of these is the first.

function setDistance(modules: ModulesContainer, type: Type, distance: number): void {
  for (const module of modules.values()) if (module.metatype === type) module.distance = distance;
}

/** The first whose hooks Nest 11 and later call. */
@Module({})
class NearestModule {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    setDistance(modules, NearestModule, -Infinity);
  }
}

/** The first whose hooks Nest 10 calls. */
@Module({})
class FarthestModule {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    setDistance(modules, FarthestModule, Infinity);
  }
}

/** Imported by a module that has to stop before the hooks of all others are called. */
export const FIRST_TO_STOP: Type[] = [NearestModule, FarthestModule];
