import type { Jsonify, RawJson } from 'nestjs-river';
import { same, typeOf } from './same.js';

class Customer {
  readonly id!: bigint;
  readonly since!: Date;
  readonly nickname?: string;
  greet(): string {
    return 'hello';
  }
}

class Money {
  constructor(readonly cents: number) {}
  toJSON(): { eur: number; at: Date } {
    return { eur: this.cents / 100, at: new Date() };
  }
}

interface Invoice {
  readonly customer: Customer;
  readonly total: Money;
  readonly due: Date | null;
  readonly lines: readonly { price: Money; tags?: string[] }[];
  readonly state: 'open' | 'paid' | 5;
  readonly callback: () => void;
  readonly secret: symbol;
  readonly maybe: string | undefined;
  readonly [Symbol.iterator]?: never;
}

export function leaves(): void {
  same<Jsonify<string>, string>(true);
  same<Jsonify<5 | 'a' | true | null>, 5 | 'a' | true | null>(true);
  same<Jsonify<Date>, string>(true);
  same<Jsonify<bigint>, number | string>(true);
  same<Jsonify<() => void>, never>(true);
  same<Jsonify<symbol>, never>(true);
  same<Jsonify<undefined>, never>(true);
  same<Jsonify<unknown>, unknown>(true);
  same<Jsonify<RawJson>, unknown>(true);
}

export function toJSONDecides(): void {
  same<Jsonify<Money>, { eur: number; at: string }>(true);
  same<Jsonify<{ toJSON(key: string): Date[] }>, string[]>(true);
}

export function objects(): void {
  same<
    Jsonify<Customer>,
    { readonly id: number | string; readonly since: string; readonly nickname?: string }
  >(true);
  const invoice = {} as Jsonify<Invoice>;
  same<typeof invoice.due, string | null>(true);
  same<typeof invoice.state, 'open' | 'paid' | 5>(true);
  same<typeof invoice.maybe, string | undefined>(true);
  same<typeof invoice.customer.since, string>(true);
  same<typeof invoice.total.at, string>(true);
  same<(typeof invoice.lines)[number]['tags'], string[] | undefined>(true);
  // @ts-expect-error functions are no data
  void invoice.callback;
  // @ts-expect-error symbols are no data
  void invoice.secret;
  // @ts-expect-error methods are no data
  void invoice.customer.greet;
  // @ts-expect-error a date comes back as text
  void invoice.customer.since.getTime;
}

export function lists(): void {
  same<Jsonify<Date[]>, string[]>(true);
  same<Jsonify<[Date, bigint?]>, [string, (number | string)?]>(true);
  same<Jsonify<readonly (Date | null)[]>, readonly (string | null)[]>(true);
}

export function records(): void {
  same<Jsonify<Record<string, Date | undefined>>, Record<string, string | undefined>>(true);
  same<Jsonify<{ a?: Date; b?(): void; 1: bigint }>, { a?: string; 1: number | string }>(true);
}

/** What a value may be one of is made into JSON one by one. */
export function unions(): void {
  same<Jsonify<Date | number>, string | number>(true);
  same<Jsonify<{ a: Date } | { b: bigint }>, { a: string } | { b: number | string }>(true);
}

/** Types that contain themselves do not make the compiler give up. */
export function recursion(tree: Jsonify<Tree>): void {
  typeOf(tree.children.map(({ at }) => at)).is<string[]>(true);
}

interface Tree {
  readonly at: Date;
  readonly children: readonly Tree[];
}
