import { expect, test } from '@jest/globals';
import { describeValue } from '../../lib/errors/describe-value.js';

test.each<[unknown, string]>([
  [null, 'null'],
  [undefined, 'undefined'],
  ['hunter2', 'a string of 7 characters'],
  [5, 'the number 5'],
  [-0, 'the number 0'],
  [1.5, 'a fraction'],
  [NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [5n, 'a bigint'],
  [true, 'a boolean'],
  [Symbol('hunter2'), 'a symbol'],
  [() => 'hunter2', 'a function'],
  [['hunter2'], 'an array'],
  [{ password: 'hunter2' }, 'an object (Object)'],
  [new Date(0), 'an object (Date)'],
  [Object.create(null), 'an object (Object)'],
  [new (class Order {})(), 'an object (Order)'],
  [new (class {})(), 'an object (Object)'],
  [{ constructor: { name: 'hunter2' } }, 'an object (Object)'],
])('%p is described by its kind, not by its content', (value, description) => {
  expect(describeValue(value)).toBe(description);
});

test('an object that throws when it is looked at is described all the same', () => {
  const thrower = (): never => {
    throw new Error('looked at');
  };
  const { proxy: object, revoke } = Proxy.revocable({}, {});
  const { proxy: array, revoke: revokeArray } = Proxy.revocable([], {});
  revoke();
  revokeArray();
  for (const value of [object, array, new Proxy({}, { get: thrower, getPrototypeOf: thrower })]) {
    expect(describeValue(value)).toBe('an object (Object)');
  }
});

test('a class name that is no text is not used', () => {
  for (const name of [Symbol('odd'), () => 'hunter2', 5, '']) {
    const odd = class {};
    Object.defineProperty(odd, 'name', { value: name });
    expect(describeValue(new odd())).toBe('an object (Object)');
  }
});
