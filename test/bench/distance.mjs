// A distance to the server, set by measuring it.
import pg from 'pg';
import { openProxy } from './proxy.mjs';
import { quantile } from './statistics.mjs';

const LOOKS = 400;
const ADJUSTMENTS = 3;

/**
 * @param distanceMs by which a round trip is to be longer
 * @returns the proxy, and by how many milliseconds a round trip is longer as measured
 */
export async function openDistance(url, distanceMs) {
  const proxy = await openProxy(url, distanceMs / 2);
  let measuredMs;
  for (let adjustment = 0; adjustment < ADJUSTMENTS; adjustment++) {
    measuredMs = (await roundTripMs(proxy.url)) - (await roundTripMs(url));
    const wrong = measuredMs - distanceMs;
    if (Math.abs(wrong) < 0.02 * distanceMs) break;
    // The machine adds a little of its own, waking the threads.
    if (adjustment < ADJUSTMENTS - 1) proxy.wire.delayMs -= wrong / 2;
  }
  return { ...proxy, measuredMs };
}

async function roundTripMs(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const times = [];
  for (let look = 0; look < LOOKS; look++) {
    const asked = performance.now();
    await client.query('select 1');
    times.push(performance.now() - asked);
  }
  await client.end();
  return quantile(times, 0.5);
}
