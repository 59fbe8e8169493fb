import { RiverConfigurationError } from '../errors/setup-errors.js';
import type { RiverTransactionOptions } from '../transaction/context/transaction-options.js';
import { RiverTransaction } from '../transaction/river-transaction.js';

/**
 * Runs a decorated method in a transaction of `transaction`, which in a test may be a mock.
 *
 * @param name of the method, for the error
 * @throws RiverConfigurationError when a mock did not call the method: a test would pass although
 *   nothing ran
 */
export function runDecorated<T>(
  transaction: RiverTransaction,
  name: string | symbol,
  options: RiverTransactionOptions,
  work: () => Promise<T>,
): Promise<T> {
  if (transaction.run === RiverTransaction.prototype.run) return transaction.run(options, work);
  return runByOther(transaction, name, options, work);
}

async function runByOther<T>(
  transaction: Partial<RiverTransaction>,
  name: string | symbol,
  options: RiverTransactionOptions,
  work: () => Promise<T>,
): Promise<T> {
  let isCalled = false;
  const result = await transaction.run?.(options, () => {
    isCalled = true;
    return work();
  });
  if (isCalled) return result as T;
  throw new RiverConfigurationError(
    `@RiverTransactional(): ${String(name)} did not run, because the RiverTransaction that opens its transaction is ` +
      'a mock that does not call it. In a test with useMocker, use .useMocker(mocker(...)) with the mocker ' +
      'of createFakeRiver() in nestjs-river/testing, or import RiverTestingModule.forRoot(). A mock of your own ' +
      'must call the method: { run: (options, work) => work() }.',
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'RiverTransactional' },
  );
}
