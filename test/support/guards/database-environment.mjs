import { ConnectionGuard } from './connection-guard.mjs';
import { GuardedEnvironment } from './environment.mjs';

/** The environment of tests on a server: the file's connections and databases are looked after. */
export default class DatabaseEnvironment extends GuardedEnvironment {
  /** @param {ConstructorParameters<typeof GuardedEnvironment>[0]} config @param {ConstructorParameters<typeof GuardedEnvironment>[1]} context */
  constructor(config, context) {
    super(config, context, (global) => new ConnectionGuard(global));
  }
}
