import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { FetchPace } from '../../../lib/worker/queue/fetch-pace.js';

const HOUR = 3_600_000;
let pace: FetchPace;
afterEach(() => pace.stop());

/** Waits for a claim, and counts those that came. */
function open(options: { fetchCooldownMs: number; pollIntervalMs: number }, random = 0) {
  let claims = 0;
  let heard: () => void = () => undefined;
  const onClaim = (): void => {
    claims++;
    heard();
  };
  pace = new FetchPace({ maxWorkers: 1, ...options }, onClaim, () => random);
  return {
    get claims() {
      return claims;
    },
    next: () => new Promise<void>((resolve) => (heard = resolve)),
  };
}

test('claims once for several triggers', async () => {
  const counted = open({ fetchCooldownMs: HOUR, pollIntervalMs: HOUR });
  pace.trigger();
  pace.trigger();
  pace.triggerNow();
  await counted.next();
  await nextTurn();
  expect(counted.claims).toBe(1);
});

test('holds a trigger back in the cooldown after a claim that found nothing', async () => {
  const counted = open({ fetchCooldownMs: HOUR, pollIntervalMs: HOUR });
  pace.claimed(false);
  pace.trigger();
  const waiting = counted.next();
  // The other kind of trigger shows that nothing else was due before.
  pace.triggerNow();
  await waiting;
  expect(counted.claims).toBe(1);
});

test('claims at the end of the cooldown, long before the next poll', async () => {
  const counted = open({ fetchCooldownMs: 20, pollIntervalMs: HOUR });
  pace.claimed(false);
  pace.trigger();
  await counted.next();
  expect(counted.claims).toBe(1);
});

test('a claim that found jobs begins no cooldown', async () => {
  const counted = open({ fetchCooldownMs: HOUR, pollIntervalMs: HOUR });
  pace.claimed(true);
  pace.trigger();
  await counted.next();
  expect(counted.claims).toBe(1);
});

test('polls without a trigger', async () => {
  const counted = open({ fetchCooldownMs: 1, pollIntervalMs: 5 }, 1);
  pace.claimed(false);
  await counted.next();
  expect(counted.claims).toBe(1);
});
