import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * @typedef {'to server' | 'to client'} Direction
 * @typedef {object} Cut Where and how a connection is lost.
 * @property {Direction} direction
 * @property {number} index The message, counted from 0 in its direction since the cut was planned.
 * @property {'before' | 'inside' | 'after'} place
 * @property {'cut' | 'silence' | 'terminate'} mode The connection is closed; nothing is forwarded any
 *   more; or the server's backend is terminated, and then everything is forwarded.
 *
 * @typedef {object} Connection
 * @property {number} pid
 * @property {boolean} isSilent
 * @property {[Direction, Buffer][] | undefined} held What waits until the backend is terminated.
 */

const NAMES = {
  'to server': {
    '': 'StartupMessage',
    B: 'Bind',
    C: 'Close',
    D: 'Describe',
    E: 'Execute',
    P: 'Parse',
    Q: 'Query',
    S: 'Sync',
    X: 'Terminate',
    c: 'CopyDone',
    d: 'CopyData',
    f: 'CopyFail',
    p: 'PasswordMessage',
  },
  'to client': {
    1: 'ParseComplete',
    2: 'BindComplete',
    C: 'CommandComplete',
    D: 'DataRow',
    E: 'ErrorResponse',
    G: 'CopyInResponse',
    K: 'BackendKeyData',
    N: 'NoticeResponse',
    R: 'Authentication',
    S: 'ParameterStatus',
    T: 'RowDescription',
    Z: 'ReadyForQuery',
    n: 'NoData',
    t: 'ParameterDescription',
  },
};

/** Cuts one direction of a connection into messages. */
class Messages {
  #pending = Buffer.alloc(0);
  #isUntyped;

  /** @param {Direction} direction */
  constructor(direction) {
    this.#isUntyped = direction === 'to server';
  }

  /** @param {Buffer} chunk @returns {{ type: string, bytes: Buffer }[]} */
  read(chunk) {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const messages = [];
    for (;;) {
      const start = this.#isUntyped ? 0 : 1;
      if (this.#pending.length < start + 4) return messages;
      const end = start + this.#pending.readUInt32BE(start);
      if (this.#pending.length < end) return messages;
      const type = this.#pending.toString('latin1', 0, start);
      messages.push({ type, bytes: this.#pending.subarray(0, end) });
      this.#pending = this.#pending.subarray(end);
      this.#isUntyped = false;
    }
  }
}

/** A way to a database that loses a connection before, inside or after a chosen message. */
export class CutProxy {
  /** @type {Cut | undefined} */
  #cut;
  /** @type {Record<Direction, number>} */
  #seen = { 'to server': 0, 'to client': 0 };
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  /** Backends whose clients have come by this way. @type {Set<number>} */
  pids = new Set();
  /** What was cut: `before Sync to server`. @type {string | undefined} */
  where;
  #target;
  #terminate;
  #server = createServer((client) => this.#connect(client));

  /** @param {string} url @param {(pid: number) => Promise<unknown>} terminate */
  constructor(url, terminate) {
    this.#target = new URL(url);
    this.#terminate = terminate;
  }

  async listen() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const through = new URL(this.#target);
    through.hostname = '127.0.0.1';
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    through.port = String(port);
    return through.href;
  }

  /** @param {Cut | undefined} cut */
  plan(cut) {
    this.#cut = cut;
    this.#seen = { 'to server': 0, 'to client': 0 };
    this.where = undefined;
  }

  /** How many messages there were in each direction since {@link plan}. */
  get seen() {
    return { ...this.#seen };
  }

  /** Closes all connections. */
  drop() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    this.drop();
    await once(this.#server.close(), 'close');
  }

  /** @param {import('node:net').Socket} client */
  #connect(client) {
    const { hostname, port } = this.#target;
    const upstream = connect({ host: hostname, port: Number(port || 5432) });
    const pair = { 'to server': upstream, 'to client': client };
    /** @type {Connection} */
    const state = { pid: 0, isSilent: false, held: undefined };
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket.setNoDelay());
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    client.on('close', () => upstream.end());
    upstream.on('end', () => state.isSilent || state.held || client.end());
    for (const [source, direction] of /** @type {const} */ ([
      [client, 'to server'],
      [upstream, 'to client'],
    ])) {
      const messages = new Messages(direction);
      source.on('data', (chunk) => {
        for (const { type, bytes } of messages.read(chunk)) {
          if (type === 'K' && direction === 'to client') {
            state.pid = bytes.readInt32BE(5);
            this.pids.add(state.pid);
          }
          if (state.isSilent) return;
          const cut = this.#cutAt(direction, type);
          if (cut !== undefined) this.#lose(cut, { pair, bytes, state });
          else if (state.held !== undefined) state.held.push([direction, bytes]);
          else pair[direction].write(bytes);
        }
      });
    }
  }

  /** @param {Direction} direction @param {string} type */
  #cutAt(direction, type) {
    const index = this.#seen[direction]++;
    const cut = this.#cut;
    if (cut?.direction !== direction || cut.index !== index) return undefined;
    this.#cut = undefined;
    const name = /** @type {Record<string, string>} */ (NAMES[direction])[type] ?? type;
    this.where = `${cut.mode} ${cut.place} ${name} ${direction}`;
    return cut;
  }

  /**
   * @param {Cut} cut
   * @param {{ pair: Record<Direction, import('node:net').Socket>, bytes: Buffer, state: Connection }} at
   */
  #lose({ direction, place, mode }, { pair, bytes, state }) {
    const length = { before: 0, inside: Math.floor(bytes.length / 2), after: bytes.length }[place];
    const to = pair[direction];
    const from = pair[direction === 'to server' ? 'to client' : 'to server'];
    to.write(bytes.subarray(0, length));
    if (mode === 'terminate') {
      state.held = [[direction, bytes.subarray(length)]];
      void this.#terminate(state.pid).then(() => {
        for (const [way, held] of state.held ?? []) pair[way].write(held);
        state.held = undefined;
        if (pair['to server'].readableEnded) pair['to client'].end();
      });
      return;
    }
    state.isSilent = true;
    if (mode === 'silence') return;
    to.end();
    from.destroy();
  }
}
