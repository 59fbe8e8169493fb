import { expect, test } from '@jest/globals';
import { JobArgs, jobArgs, UniqueArg, type InsertOptions } from 'nestjs-river';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

const NOW = new Date('2026-11-21T10:07:33.217Z');
const [OURS, GOS] = SCHEMAS;

interface Case {
  /** All of them, which Go's own encoder writes from its struct. */
  readonly args: object;
  /** What the tags of the type select; see `go/typed.go`. */
  readonly byArgs: true | readonly (string | readonly string[])[];
}

const address = { street: 's', city: '<Metz>' };

const TYPES: Record<string, Case> = {
  flat: {
    args: { customer_id: 'c', batch: 3, trace_id: 't' },
    byArgs: ['customer_id', 'batch'],
  },
  nested: { args: { customer: { id: 'c', name: 'n' }, note: 'n' }, byArgs: ['customer.id'] },
  wholeObject: { args: { size: { width: 1, height: 2 }, note: 'n' }, byArgs: ['size'] },
  twoLevels: {
    args: { batch: 3, customer: { id: 'c', address } },
    byArgs: ['customer.id', 'customer.address.city', 'batch'],
  },
  dotted: {
    args: { 'customer.id': 'd', ':first': 'f', customer: { id: 'c' } },
    byArgs: [['customer.id'], ':first', 'customer.id'],
  },
  escaped: {
    args: { '<key>': '<&>\u2028', '<clé>': 'é', other: 'o' },
    byArgs: [['<key>'], ['<clé>']],
  },
  absent: { args: { null: null }, byArgs: ['pointer.city', 'text', 'empty', 'null'] },
  digits: { args: { 0: 'v', other: 'o' }, byArgs: ['0'] },
  sameType: { args: { billing: address, shipping: address }, byArgs: ['billing.city'] },
  embedded: { args: { tenant_id: 't', region: 'r', name: 'n' }, byArgs: ['tenant_id'] },
  // The keys of the inner object as Go sorts those of a map: below the top level the order counts.
  untagged: {
    args: { zebra: 'z', apple: { a: '<', b: 1.5 }, ratio: 1e21 },
    byArgs: true,
  },
};

class Address {
  readonly street: string = 's';
  @UniqueArg() readonly city: string = '<Metz>';
}

class Customer {
  @UniqueArg() readonly id: string = 'c';
  @UniqueArg() readonly address: Address = new Address();
}

/** Go's `twoLevelArgs`, with our decorators for its tags. */
@JobArgs('twoLevels', { uniqueOpts: { byArgs: true } })
class TwoLevelArgs {
  @UniqueArg() readonly batch: number = 3;
  @UniqueArg() readonly customer: Customer = new Customer();
}

describeWithGo('args of a Go type', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened), { now: NOW, clears: true });

  async function insertGos(type: string, args: object): Promise<void> {
    const opts = { uniqueOpts: { byArgs: true } };
    const job = { type, kind: type, encodedArgs: JSON.stringify(args), opts };
    await sides.go.insertTyped(job, { schema: GOS, now: NOW });
  }

  async function expectEqualRows(): Promise<void> {
    const rows = await sides.rows.all(OURS);
    expect(rows).toHaveLength(1);
    expect(rows).toEqual(await sides.rows.all(GOS));
  }

  test.each(Object.entries(TYPES))(
    '%s: the same row, unique by the same paths',
    async (type, each) => {
      const opts: InsertOptions = { uniqueOpts: { byArgs: each.byArgs } };
      await sides.river(OURS).insert(jobArgs(type, each.args), opts);
      await insertGos(type, each.args);
      await expectEqualRows();
    },
  );

  test('of a class with @UniqueArg where the Go type has tags', async () => {
    await sides.river(OURS).insert(new TwoLevelArgs());
    await insertGos('twoLevels', TYPES['twoLevels']?.args ?? {});
    await expectEqualRows();
  });
});
