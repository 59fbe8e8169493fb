import { describe, expect, test } from '@jest/globals';
import * as mappedTypes from '@nestjs/mapped-types';
import * as swagger from '@nestjs/swagger';
import { JobArgs, jobArgs, UniqueArg } from 'nestjs-river';
import { keyOf } from '../insert/key-text.js';
import { refusalOf } from '../insert/refusal.js';

const BY_ARGS = { uniqueOpts: { byArgs: true } };
const textOf = (args: object, opts: object = BY_ARGS): string => keyOf(args, opts).text;

/** As a compiler that emits no metadata calls the decorator, with `undefined` for the descriptor. */
const mark: (target: object, key: string, descriptor?: undefined) => void = UniqueArg();

class Customer {
  @UniqueArg() id: number = 7;
  name: string = 'Ada';
}
class Wrapper {
  customer: Customer = new Customer();
}

describe('a mark in a nested class', () => {
  test('whose own property is not marked is rejected, with its path', () => {
    @JobArgs('unmarked')
    class Unmarked {
      customer: Customer = new Customer();
    }
    expect(refusalOf(() => textOf(new Unmarked()))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'args.customer',
    });
    expect(textOf(new Unmarked(), { uniqueOpts: { byArgs: ['customer.id'] } })).toBe(
      '&kind=unmarked&args={"customer":{"id":7}}',
    );
  });

  test('is rejected further down, below marked, unmarked and literal objects', () => {
    @JobArgs('deep')
    class Deep {
      @UniqueArg() wrapper: Wrapper = new Wrapper();
    }
    expect(refusalOf(() => textOf(new Deep())).field).toBe('args.wrapper.customer');
    for (const payload of [{ at: new Wrapper() }, { at: { customer: new Customer() } }]) {
      expect(refusalOf(() => textOf(jobArgs('deep', payload))).field).toBe('args.at.customer');
    }
  });

  test('is rejected where another decorator shows the class of a literal', () => {
    @JobArgs('shown')
    class Shown {
      @swagger.ApiProperty() customer: Customer = { id: 7, name: 'Ada' };
    }
    expect(refusalOf(() => textOf(new Shown())).field).toBe('args.customer');
  });

  test("is not looked for in lists and in a class's own children, as in Go", () => {
    @JobArgs('tree')
    class Tree {
      @UniqueArg() id: number = 1;
      parent?: Tree;
      customers: Customer[] = [new Customer()];
    }
    const tree = Object.assign(new Tree(), { parent: new Tree() });
    expect(textOf(tree)).toBe('&kind=tree&args={"id":1}');
  });

  test('is not looked for in what toJSON() leaves out', () => {
    @JobArgs('written')
    class Written {
      customer: Customer = new Customer();
      toJSON() {
        return { customerId: this.customer.id };
      }
    }
    expect(textOf(new Written())).toBe('&kind=written&args={"customerId":7}');
  });
});

describe('a compiler that emits no metadata', () => {
  @JobArgs('bare')
  class Bare {
    constructor(readonly customer: unknown) {}
  }
  mark(Bare.prototype, 'customer');

  test('leads to a rejection where the class decides, and to the same key elsewhere', () => {
    for (const customer of [{ id: 7, name: 'Ada' }, new Customer()]) {
      expect(refusalOf(() => textOf(new Bare(customer))).message).toContain('() => Customer');
    }
    expect(textOf(new Bare('c1'))).toBe('&kind=bare&args={"customer":"c1"}');
    expect(textOf(new Bare(['c1']))).toBe('&kind=bare&args={"customer":["c1"]}');
    expect(textOf(new Bare(undefined))).toBe('&kind=bare&args=');
  });

  test('is given the class, or Object for the whole object', () => {
    @JobArgs('named')
    class Named {
      @UniqueArg(() => Customer) customer: unknown = { id: 7, name: 'Ada' };
      @UniqueArg(() => Object) whole: unknown = new Customer();
    }
    expect(textOf(new Named())).toBe(
      '&kind=named&args={"customer":{"id":7},"whole":{"id":7,"name":"Ada"}}',
    );
  });

  test('and calls standard decorators gets an error that names the setting', () => {
    const standard = UniqueArg() as unknown as (value: undefined, context: object) => void;
    expect(refusalOf(() => standard(undefined, { kind: 'field', name: 'id' })).message).toContain(
      'experimentalDecorators',
    );
  });
});

describe.each([
  ['@nestjs/mapped-types', mappedTypes],
  ['@nestjs/swagger', swagger],
])('a class of %s', (_name, { IntersectionType, OmitType, PartialType, PickType }) => {
  class Extra {
    extra: number = 1;
  }
  const MAPPED = {
    PickType: PickType(Customer, ['id']),
    OmitType: OmitType(Customer, ['name']),
    PartialType: PartialType(Customer),
    IntersectionType: IntersectionType(Customer, Extra),
  };

  test.each(Object.entries(MAPPED))('by %s is rejected while marks are lost', (_type, Mapped) => {
    class Lost extends Mapped {
      @UniqueArg() round: number = 1;
    }
    expect(refusalOf(() => textOf(jobArgs('lost', new Lost())))).toMatchObject({
      code: 'RIVER_INVALID_UNIQUE_OPTS',
      field: 'args.id',
    });
    expect(refusalOf(() => textOf(jobArgs('lost', { at: new Mapped() as object }))).field).toBe(
      'args.at.id',
    );
    expect(textOf(jobArgs('lost', new Lost()), { uniqueOpts: { byArgs: ['id', 'round'] } })).toBe(
      '&kind=lost&args={"id":7,"round":1}',
    );
  });

  test('whose marks are set again is taken, and so is one that lost none', () => {
    class Again extends PickType(Customer, ['id', 'name']) {}
    mark(Again.prototype, 'id');
    expect(textOf(jobArgs('again', new Again()))).toBe('&kind=again&args={"id":7}');
    class Unmarked extends PickType(Customer, ['name']) {}
    expect(textOf(jobArgs('plain', new Unmarked()))).toBe('&kind=plain&args={"name":"Ada"}');
  });
});
