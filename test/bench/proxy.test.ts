import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openProxy } from './proxy.mjs';

const DELAY_MS = 25;

let echo: Server;
let proxy: Awaited<ReturnType<typeof openProxy>>;
let socket: Socket;

beforeEach(async () => {
  echo = createServer((peer) => peer.pipe(peer));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  proxy = await openProxy(`postgres://127.0.0.1:${port}/x`, DELAY_MS);
  socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  await once(socket, 'connect');
});

afterEach(async () => {
  socket.destroy();
  await proxy.close();
  echo.close();
});

async function received(bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= bytes) break;
  }
  return Buffer.concat(chunks);
}

test('a round trip takes twice the delay, however many are under way', async () => {
  const round = async (text: string): Promise<number> => {
    const begun = performance.now();
    socket.write(text);
    expect(String(await received(text.length))).toBe(text);
    return performance.now() - begun;
  };
  expect(await round('a')).toBeGreaterThanOrEqual(2 * DELAY_MS - 1);

  const begun = performance.now();
  for (let number = 0; number < 40; number++) {
    socket.write('b');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(String(await received(40))).toBe('b'.repeat(40));
  // One after another they would take 40 round trips, two seconds.
  expect(performance.now() - begun).toBeLessThan(40 * DELAY_MS);
});

test('bytes arrive as they were sent, also more than the wire holds', async () => {
  const sent = Buffer.alloc(12 * 1024 * 1024);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  socket.write(sent);
  expect((await received(sent.length)).equals(sent)).toBe(true);
});

test('an end is passed on after what was sent before it', async () => {
  socket.end('last');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(String(Buffer.concat(chunks))).toBe('last');
});
