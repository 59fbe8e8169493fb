import { AsyncLocalStorage } from 'node:async_hooks';

/** The decorated call whose transactions the interceptor has opened, until its method is entered. */
const opened = new AsyncLocalStorage<{ transactions: object | undefined }>();

/**
 * Runs `work`, in which the next call of the method decorated with `transactions` finds them open.
 * The list itself is the key: a decorator that wraps the method copies it along.
 */
export function markOpened<T>(transactions: object, work: () => T): T {
  return opened.run({ transactions }, work);
}

/** Whether the transactions of the call that is about to be made are open already. */
export function isOpened(transactions: object): boolean {
  return opened.getStore()?.transactions === transactions;
}

/**
 * Whether the interceptor has opened the transactions of this very call. One call, one transaction,
 * although both the interceptor and the method's own dispatcher see it.
 */
export function takeOpened(transactions: object): boolean {
  const store = opened.getStore();
  if (store?.transactions !== transactions) return false;
  store.transactions = undefined;
  return true;
}
