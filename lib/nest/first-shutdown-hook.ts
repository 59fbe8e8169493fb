import type { ModulesContainer } from '@nestjs/core';

/**
 * Calls `begin` when the application begins to shut down. Nest calls the hooks of one module after the
 * other, in an order that depends on its version and on the imports, and waits for each: a consumer
 * that finishes its transaction in `onModuleDestroy` would come before a hook of our own module. So
 * every module has one, which may be called again. Nest awaits it, so that nothing of the other modules ends
 * before what it begins is done.
 */
export function onFirstShutdownHook(modules: ModulesContainer, begin: () => Promise<void>): void {
  for (const module of modules.values()) {
    const token = Symbol('nestjs-river.ShutdownHook');
    module.addProvider({ provide: token, useValue: { onModuleDestroy: begin } });
    // Nest 12 calls the providers of a module level by level, those that depend on others first.
    const provider = module.providers.get(token);
    if (provider !== undefined)
      Object.assign(provider, { hierarchyLevel: Number.MAX_SAFE_INTEGER });
  }
}
