import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Elector, type AutoIntervals } from '../../../lib/worker/leader/elector.js';
import type { Lease, Term } from '../../../lib/worker/leader/lease.js';
import { OutageLog } from '../../../lib/worker/outage-log.js';

/** A lease in memory, with what is to happen at each look and bid. */
class FakeLease {
  readonly calls: string[] = [];
  onLook: () => boolean = () => false;
  onBid: () => Term | undefined = () => 'term';
  #waiting: { calls: number; what: string; resolve: () => void }[] = [];

  isTaken(): Promise<boolean> {
    return this.#answer('look', this.onLook);
  }

  bid(): Promise<Term | undefined> {
    return this.#answer('bid', this.onBid);
  }

  renew(): Promise<boolean> {
    return this.#answer('renew', () => true);
  }

  resign(): Promise<void> {
    return this.#answer('resign', () => undefined);
  }

  count(what: string): number {
    return this.calls.filter((call) => call === what).length;
  }

  /** Resolves at so many calls. */
  until(what: string, calls: number): Promise<void> {
    if (this.count(what) >= calls) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ calls, what, resolve }));
  }

  async #answer<T>(what: string, make: () => T): Promise<T> {
    this.calls.push(what);
    for (const each of this.#waiting)
      if (this.count(each.what) >= each.calls) setImmediate(each.resolve);
    await Promise.resolve();
    return make();
  }
}

let lease: FakeLease;
let elector: Elector;

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
  lease = new FakeLease();
});
afterEach(async () => {
  await elector.stop();
  jest.restoreAllMocks();
});

function start(auto?: AutoIntervals): void {
  elector = new Elector(lease as unknown as Lease, {
    outages: new OutageLog(),
    handler: { start: () => undefined, stop: () => Promise.resolve() },
    auto,
  });
  elector.start();
}

test('keeps the lease that it wins while another client notifies that it resigned', async () => {
  lease.onBid = () => {
    elector.resigned();
    return 'term';
  };
  start();
  await lease.until('renew', 1);
  expect(lease.calls).toEqual(['bid', 'renew']);
  expect(elector.isLeader).toBe(true);
}, 20_000);

test('bids at once when another client resigned while its own bid was lost', async () => {
  lease.onBid = () => {
    if (lease.count('bid') === 1) elector.resigned();
    return undefined;
  };
  start();
  await lease.until('bid', 2);
}, 4_000);

test('resigns when it is stopped while a bid is under way', async () => {
  let stopped: Promise<void> | undefined;
  lease.onBid = () => {
    stopped = elector.stop();
    return 'term';
  };
  start();
  await lease.until('resign', 1);
  await stopped;
  expect(lease.calls).toEqual(['bid', 'resign']);
  expect(elector.isLeader).toBe(false);
});

test('watches for others at once when a term in the mode auto ends, and leads again if there are none', async () => {
  start({ vacantMs: 200, lookMs: 20, termMs: 60_000 });
  await lease.until('bid', 1);
  while (!elector.isLeader) await new Promise(setImmediate);
  elector.requestResign();
  await lease.until('bid', 2);
  const [, afterTerm] = lease.calls.join(' ').split('resign');
  expect(afterTerm?.match(/look/g)?.length).toBeGreaterThan(1);
}, 4_000);

test('bids in the mode auto only after a vacancy that no outage interrupts', async () => {
  let outageEnds = Infinity;
  let looksSince = 0;
  lease.onLook = () => {
    if (outageEnds === Infinity) outageEnds = Date.now() + 600;
    else if (Date.now() < outageEnds) throw new Error('no connection');
    else looksSince++;
    return false;
  };
  start({ vacantMs: 300, lookMs: 20, termMs: 60_000 });
  await lease.until('bid', 1);
  expect(looksSince).toBeGreaterThan(1);
}, 20_000);
