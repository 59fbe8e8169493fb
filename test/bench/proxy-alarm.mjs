// The alarm of proxy.mjs, in a thread of its own: Node's timers count whole milliseconds, and a wait
// in a thread is exact to a few hundredths of one.
import { parentPort, workerData } from 'node:worker_threads';

const { flag, due } = workerData;
for (;;) {
  // Zero while nothing is to be delivered; notified when that changes.
  Atomics.wait(flag, 0, 0);
  const left = due[0] - (performance.timeOrigin + performance.now());
  if (left > 0) Atomics.wait(flag, 1, 0, left);
  Atomics.store(flag, 0, 0);
  parentPort.postMessage(null);
}
