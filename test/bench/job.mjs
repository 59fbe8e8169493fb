// The job that every subject inserts, and where many of them come from.

export const KIND = 'bench';

/** River's unique keys are made of keys in this order, the alphabet's. */
export function argsOf(number) {
  return {
    email: `customer-${number}@example.com`,
    items: ['whale', 'tiger', 'bear'],
    orderId: number,
    total: 12.5,
  };
}

/** The row of business data that a transaction stores beside its job. */
export const INSERT_ORDER = 'insert into bench_order (customer, total) values ($1, $2)';

export function orderOf(number) {
  return [`customer-${number}@example.com`, number % 1000];
}

/** `count` things made of the numbers from `first`, one at a time. */
export function* each(first, count, make) {
  for (let number = first; number < first + count; number++) yield make(number);
}

/** The same as they come from a file or a cursor. */
export async function* eachAsync(first, count, make) {
  for (let number = first; number < first + count; number++) yield make(number);
}
