import { describe, expect, test } from '@jest/globals';
import { JobArgs, jobArgs, UniqueArg } from 'nestjs-river';
import { makeInsertParams, type InsertContext } from '../../lib/insert/insert-params.js';

const context: InsertContext = {
  now: new Date('2026-11-21T10:07:33Z'),
  isClockGiven: false,
  moduleOpts: {},
  claimKind: () => undefined,
};
const keyOf = (args: object): string | undefined =>
  makeInsertParams(args, { uniqueOpts: { byArgs: true } }, context).unique?.text;

class Address {
  @UniqueArg() city = 'Metz';
  street = 'Rue Serpenoise';
}

class Customer {
  @UniqueArg() id = 'c1';
  name = 'Ada';
  @UniqueArg() address: Address = new Address();
}

class Note {
  text = 'hello';
}

@JobArgs('invoice')
class InvoiceArgs {
  @UniqueArg() customer: Customer = new Customer();
  @UniqueArg() batch = 3;
  remark = 'not compared';
}

@JobArgs('note')
class NoteArgs {
  @UniqueArg() note: Note = new Note();
  other = 1;
}

@JobArgs('reminder')
class ReminderArgs extends InvoiceArgs {
  @UniqueArg() round = 1;
}

@JobArgs('pair')
class PairArgs {
  @UniqueArg() billing: Address = new Address();
  @UniqueArg() shipping: Address = new Address();
}

interface Item {
  sku: string;
}
class TypedItem {
  @UniqueArg() sku = '';
}
@JobArgs('explicit')
class ExplicitArgs {
  @UniqueArg(() => TypedItem) item: Item & { size: number } = { sku: 'x', size: 4 };
}

describe('@UniqueArg', () => {
  test('selects the marked properties, and of a nested class the marked ones in it', () => {
    expect(keyOf(new InvoiceArgs())).toBe(
      '&kind=invoice&args={"batch":3,"customer":{"address":{"city":"Metz"},"id":"c1"}}',
    );
  });

  test('takes an object whole when nothing in its class is marked', () => {
    expect(keyOf(new NoteArgs())).toBe('&kind=note&args={"note":{"text":"hello"}}');
  });

  test('adds to the marks of the parent class', () => {
    expect(keyOf(new ReminderArgs())).toContain('"round":1}');
    expect(keyOf(new ReminderArgs())).toContain('"batch":3,"customer"');
  });

  test('looks into a class once, as River does: a second property of it counts whole', () => {
    expect(keyOf(new PairArgs())).toBe(
      '&kind=pair&args={"billing":{"city":"Metz"},"shipping":{"city":"Metz","street":"Rue Serpenoise"}}',
    );
  });

  test('takes the class of a nested object where it is said', () => {
    expect(keyOf(new ExplicitArgs())).toBe('&kind=explicit&args={"item":{"sku":"x"}}');
  });

  test('does not guess the class from a value, so that a key never depends on it', () => {
    @JobArgs('guessed')
    class GuessedArgs {
      @UniqueArg() customer: Customer | null = new Customer();
    }
    @JobArgs('named')
    class NamedArgs {
      @UniqueArg(() => Customer) customer: Customer | null = null;
    }
    expect(() => keyOf(new GuessedArgs())).toThrow('@UniqueArg(() => Customer)');
    expect(keyOf(new NamedArgs())).toBe('&kind=named&args=');
  });

  test('counts in a payload of jobArgs, too', () => {
    expect(keyOf(jobArgs('payload', new Address()))).toBe('&kind=payload&args={"city":"Metz"}');
  });

  test('gives way to paths that are named', () => {
    const params = makeInsertParams(
      new InvoiceArgs(),
      { uniqueOpts: { byArgs: ['remark'] } },
      context,
    );
    expect(params.unique?.text).toBe('&kind=invoice&args={"remark":"not compared"}');
  });
});
