// A server on this machine that is a given distance away from another: what comes in leaves as it
// came, after a delay, in either direction. Chunks do not wait for each other, only for their time, so
// that pipelining and throughput are those of a long wire.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Bytes on the way in one direction of a connection before its sender has to wait. */
const WIRE_BYTES = 4 * 1024 * 1024;

/** Half open: one side may have said all and still be told. */
const SOCKET = { noDelay: true, allowHalfOpen: true };

/**
 * @param url of the server
 * @param delayMs in each direction
 * @returns the URL of the same server by way of the proxy, the wire, whose `delayMs` can be changed,
 *   and its end
 */
export async function openProxy(url, delayMs) {
  const target = new URL(url);
  const wire = new Wire(delayMs);
  const sockets = new Set();
  const server = createServer(SOCKET, (near) => {
    const far = connect({
      host: target.hostname,
      port: Number(target.port || 5432),
      noDelay: true,
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.once('close', () => sockets.delete(from));
      wire.join(from, to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = new URL(url);
  address.host = `127.0.0.1:${server.address().port}`;
  return {
    url: address.href,
    wire,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await wire.close();
    },
  };
}

/** Delivers in the order of arrival: with one delay for all, what arrived first is due first. */
class Wire {
  delayMs;
  #waiting = [];
  #isSet = false;
  #flag = new Int32Array(new SharedArrayBuffer(8));
  #due = new Float64Array(new SharedArrayBuffer(8));
  #alarm;

  constructor(delayMs) {
    this.delayMs = delayMs;
    const script = fileURLToPath(new URL('proxy-alarm.mjs', import.meta.url));
    this.#alarm = new Worker(script, { workerData: { flag: this.#flag, due: this.#due } });
    this.#alarm.on('message', () => this.#deliver());
  }

  join(from, to) {
    let bytes = 0;
    from.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > WIRE_BYTES) from.pause();
      this.#send(() => {
        const arrived = () => {
          bytes -= chunk.length;
          if (bytes <= WIRE_BYTES) from.resume();
        };
        if (to.destroyed) arrived();
        else to.write(chunk, arrived);
      });
    });
    from.on('end', () => this.#send(() => to.end()));
    from.on('error', () => this.#send(() => to.destroy()));
  }

  #send(run) {
    this.#waiting.push({ run, due: now() + this.delayMs });
    this.#set();
  }

  #deliver() {
    this.#isSet = false;
    const moment = now();
    let done = 0;
    while (done < this.#waiting.length && this.#waiting[done].due <= moment) {
      this.#waiting[done++].run();
    }
    this.#waiting.splice(0, done);
    this.#set();
  }

  #set() {
    if (this.#isSet || this.#waiting.length === 0) return;
    this.#isSet = true;
    this.#due[0] = this.#waiting[0].due;
    Atomics.store(this.#flag, 0, 1);
    Atomics.notify(this.#flag, 0);
  }

  async close() {
    await this.#alarm.terminate();
  }
}

/** Milliseconds that mean the same in both threads. */
function now() {
  return performance.timeOrigin + performance.now();
}
