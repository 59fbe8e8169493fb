import { GuardedEnvironment } from './environment.mjs';
import { IsolationGuard } from './isolation-guard.mjs';

/** The environment of unit tests: they reach nothing outside their process. */
export default class UnitEnvironment extends GuardedEnvironment {
  /** @param {ConstructorParameters<typeof GuardedEnvironment>[0]} config @param {ConstructorParameters<typeof GuardedEnvironment>[1]} context */
  constructor(config, context) {
    super(config, context, () => new IsolationGuard());
  }
}
