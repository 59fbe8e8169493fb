import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { RiverClient } from 'nestjs-river';
import { delegate } from '../../lib/client/delegate.js';

const METHODS = ['jobGet', 'jobListTx', 'jobCancelMany', 'queuePause', 'queueStats'] as const;

describe('the methods that RiverClient delegates', () => {
  afterEach(() => void jest.restoreAllMocks());

  test.each(METHODS)(
    '%s can be replaced on the prototype, as tests of applications do',
    async (name) => {
      jest.spyOn(RiverClient.prototype, name).mockResolvedValue([] as never);
      const client = Object.create(RiverClient.prototype) as RiverClient;
      expect(await (client[name] as () => Promise<unknown>)()).toEqual([]);
    },
  );

  test('are not enumerable, like those of the class', () => {
    expect(Object.keys(RiverClient.prototype)).toEqual([]);
  });
});

test('a delegated method is called on the part, with all its arguments', () => {
  class Part {
    readonly #sum = 1;
    add(...more: number[]): number {
      return more.reduce((sum, each) => sum + each, this.#sum);
    }
  }
  class Whole {
    readonly part = new Part();
  }
  delegate(Whole, Part, ({ part }) => part);
  const whole = new Whole() as Whole & Pick<Part, 'add'>;
  expect([whole.add(2, 3), whole.add.name]).toEqual([6, 'add']);
});
