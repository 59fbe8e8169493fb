import type { DataSource } from 'typeorm';
import { RiverConfigurationError } from '../errors/setup-errors.js';

interface Claim {
  readonly copy: object;
  users: number;
}

const CLAIMS = Symbol.for('nestjs-river.dataSourceClaims');
const shared = globalThis as { [CLAIMS]?: WeakMap<DataSource, Claim> };
const claims = (shared[CLAIMS] ??= new WeakMap<DataSource, Claim>());
const thisCopy = {};

/**
 * Two installed copies of this package do not see each other's transactions: of the repositories of one
 * data source, only those of the copy that came last would join.
 *
 * @returns undoes it
 * @throws RiverConfigurationError when a module of another copy is on the data source
 */
export function claimDataSource(dataSource: DataSource): () => void {
  const found = claims.get(dataSource);
  if (found !== undefined && found.copy !== thisCopy) {
    throw new RiverConfigurationError(
      'RiverModule: another installed copy of nestjs-river has a module on this data source, and the ' +
        'two would not join the same transactions. Install one copy: see `npm ls nestjs-river`.',
      { code: 'RIVER_OTHER_COPY', field: 'dataSource' },
    );
  }
  const claim = found ?? { copy: thisCopy, users: 0 };
  claim.users++;
  claims.set(dataSource, claim);
  return () => {
    if (--claim.users === 0) claims.delete(dataSource);
  };
}
