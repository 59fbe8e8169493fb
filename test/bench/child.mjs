// One subject in a process of its own. Reads requests from its input, one line of JSON each, and
// answers each with a line. go/main.go speaks the same.
//
//   node child.mjs '{"module":"raw","url":"postgres://…"}'
import { createInterface } from 'node:readline';
import { measure } from './measure.mjs';

const { module, ...options } = JSON.parse(process.argv[2]);
// Standard output belongs to the answers, whatever a subject's packages print.
console.log = console.info = console.warn = console.error;
const { open } = await import(`./subjects/${module}.mjs`);
const { close, ...operations } = await open(options);

let next = 1;
answer({ runtime: `Node ${process.versions.node}`, operations: Object.keys(operations) });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    answer(await serve(JSON.parse(line)));
  } catch (error) {
    answer({ error: String(error?.stack ?? error) });
  }
}
await close();

async function serve({ op, ...request }) {
  if (op === 'settle') {
    globalThis.gc();
    return {};
  }
  // Subjects that work jobs measure themselves.
  if (module.startsWith('working/')) return await operations[op](request);
  const from = microseconds();
  const figures = await measure(callOf(operations[op], request), request);
  const jobs = figures.latencies.length * (request.batch ?? 1);
  return { ...figures, jobs, window: [from, microseconds()] };
}

/** Every job has a number of its own, but for those that shall be duplicates: they share `keys`. */
function callOf(operation, { batch, keys, schema = 'public' }) {
  if (batch !== undefined) return () => operation((next += batch) - batch, batch);
  if (keys !== undefined) return () => operation(next++ % keys);
  return () => operation(next++, schema);
}

function microseconds() {
  return Number(process.hrtime.bigint() / 1000n);
}

function answer(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
