import {
  JobArgs,
  jobArgs,
  type InsertOptions,
  type JobArgsProtocol,
  type RiverClient,
} from 'nestjs-river';

interface Address {
  readonly city: string;
  readonly geo?: { readonly lat: number };
}

class OrderArgs {
  readonly id!: string;
  readonly customer!: { readonly id: number; readonly address: Address | null };
  readonly lines!: readonly { readonly sku: string }[];
  readonly at!: Date;
  total(): number {
    return 0;
  }
}

export async function optionsOfACall(river: RiverClient, args: OrderArgs): Promise<void> {
  await river.insert(args);
  await river.insert(args, {});
  await river.insert(args, { priority: 1, queue: 'a', maxAttempts: 3, tags: ['abc'] as const });
  await river.insert(args, { priority: null, queue: undefined, metadata: { any: [1n] } });
  await river.insert(args, { scheduledAt: new Date(), delay: undefined });
  await river.insert(args, {
    delay: 0,
    signal: AbortSignal.timeout(5),
    outsideTransaction: 'warn',
  });
  // @ts-expect-error there is no such option
  await river.insert(args, { priorty: 1 });
  // @ts-expect-error a priority is a number
  await river.insert(args, { priority: '1' });
  // @ts-expect-error a time to come is a Date, not a text
  await river.insert(args, { scheduledAt: '2026-11-21' });
  // @ts-expect-error delay and scheduledAt are one dimension
  await river.insert(args, { delay: 5, scheduledAt: new Date() });
  // @ts-expect-error metadata is an object
  await river.insert(args, { metadata: '{}' });
  // @ts-expect-error a policy is one of three words
  await river.insert(args, { outsideTransaction: 'never' });
}

export async function uniqueOptionsOfACall(river: RiverClient, args: OrderArgs): Promise<void> {
  await river.insert(args, { uniqueOpts: { byArgs: true, byPeriod: 1.5, byQueue: true } });
  await river.insert(args, { uniqueOpts: { byState: ['available'], excludeKind: false } });
  await river.insert(args, { uniqueOpts: null });
  await river.insert(args, {
    uniqueOpts: {
      byArgs: [
        'id',
        'customer.id',
        'customer.address.city',
        'customer.address.geo.lat',
        'at',
        'lines',
      ],
    },
  });
  await river.insert(args, { uniqueOpts: { byArgs: [['any', 'literal.keys'], 'id'] } });
  // @ts-expect-error the args have no such property
  await river.insert(args, { uniqueOpts: { byArgs: ['customr'] } });
  // @ts-expect-error the args have no such nested property
  await river.insert(args, { uniqueOpts: { byArgs: ['customer.name'] } });
  // @ts-expect-error a method is no data
  await river.insert(args, { uniqueOpts: { byArgs: ['total'] } });
  // @ts-expect-error there is no such state
  await river.insert(args, { uniqueOpts: { byState: ['waiting'] } });
  // @ts-expect-error there is no such unique option
  await river.insert(args, { uniqueOpts: { byArg: true } });
  // @ts-expect-error a period is a number of seconds
  await river.insert(args, { uniqueOpts: { byPeriod: '15 minutes' } });
}

export async function optionsOfOtherArgs(river: RiverClient): Promise<void> {
  await river.insert(jobArgs('k', { a: { b: 1 } }), { uniqueOpts: { byArgs: ['a.b'] } });
  await river.insert({ kind: 'k', a: 1 }, { uniqueOpts: { byArgs: ['a'] } });
  // @ts-expect-error the payload has no such property
  await river.insert(jobArgs('k', { a: 1 }), { uniqueOpts: { byArgs: ['b'] } });
  // @ts-expect-error args are an object
  await river.insert('sort');
  // @ts-expect-error args are an object
  await river.insert(null);
}

@JobArgs('sort', { queue: 'slow', uniqueOpts: { byArgs: ['strings', 'owner.id'] } })
export class SortArgs {
  readonly strings!: string[];
  readonly owner?: { readonly id: string };
}

@JobArgs('plain')
@JobArgs('with_all', { uniqueOpts: { byArgs: true }, delay: 5 })
export abstract class PlainArgs {
  constructor(readonly n: number) {}
}

// @ts-expect-error the class has no property of this name
@JobArgs('wrong', { uniqueOpts: { byArgs: ['string'] } })
export class WrongPath {
  readonly strings!: string[];
}

// @ts-expect-error the nested object has no property of this name
@JobArgs('wrong', { uniqueOpts: { byArgs: ['owner.name'] } })
export class WrongNestedPath {
  readonly owner!: { readonly id: string };
}

// @ts-expect-error one of several paths is wrong
@JobArgs('wrong', { uniqueOpts: { byArgs: ['strings', 'other'] } })
export class OneWrongPath {
  readonly strings!: string[];
}

// @ts-expect-error there is no such option
@JobArgs('wrong', { prioritty: 1 })
export class WrongOption {}

// @ts-expect-error delay and scheduledAt are one dimension
@JobArgs('wrong', { delay: 1, scheduledAt: new Date() })
export class TwoSchedules {}

// @ts-expect-error a kind is a string
@JobArgs(5)
export class NumberKind {}

/** The name of the decorator is that of the protocol, too. */
export class ProtocolArgs implements JobArgs {
  readonly kind = 'protocol';
  toJSON(): object {
    return {};
  }
  insertOpts(): InsertOptions {
    return { priority: 2, uniqueOpts: { byArgs: ['any.path'] } };
  }
}

// @ts-expect-error the kind is missing
export class WithoutKind implements JobArgs {}

export const protocol: JobArgsProtocol = { kind: 'k', insertOpts: () => ({ delay: 5 }) };

// @ts-expect-error the options have no such name
export const wrongProtocol: JobArgsProtocol = { kind: 'k', insertOpts: () => ({ delayMs: 5 }) };
