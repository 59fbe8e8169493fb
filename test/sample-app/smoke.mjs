/*
 * The sample application from outside, as a newcomer meets it: `npm start` in a fresh data folder,
 * a job over HTTP that Go works, an order that fails and one that does not, Ctrl-C, and what is
 * left of all that. Needs Go. Run it by `npm run smoke`; SMOKE_VERBOSE=1 shows the application's output.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, Sample } from './sample.mjs';
import { until } from './until.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dataFolder = mkdtempSync(join(tmpdir(), 'nestjs-river-smoke-'));
chmodSync(dataFolder, 0o755); // for root, Postgres runs as another user
const started = [];
let passed = 0;

async function check(what, run) {
  const began = Date.now();
  const answer = await run();
  passed += 1;
  console.log(`ok   ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return answer;
}

async function startSample(command) {
  const sample = new Sample({ root, command, dataFolder, port: await freePort() });
  started.push(sample);
  await sample.untilUp(180_000);
  return sample;
}

async function stopSample(sample, how) {
  const tree = sample.processes();
  // Else a tree that was looked up wrongly would look as if everything had stopped.
  for (const part of ['keeper', 'postgres', 'worker']) {
    assert.ok(
      tree.some(({ command }) => command.includes(part)),
      `${part} was running`,
    );
  }
  how();
  await sample.untilGone(tree, 40_000);
  assert.equal(await sample.portIsClosed(), true, 'its port is closed');
}

async function run() {
  const first = await check('npm start, in a fresh folder', () => startSample(['npm', 'start']));
  await check('the Go worker is ready', () => first.untilWorkerReady(300_000));

  const sortedId = await check('POST /sort, and a worker sorts', async () => {
    const { status, answer } = await first.request('/sort', {
      strings: ['whale', 'tiger', 'bear'],
    });
    assert.equal(status, 201);
    const job = await first.untilWorked(answer.job.id, 20_000);
    assert.deepEqual(job.output, { sorted: ['bear', 'tiger', 'whale'] });
    return job.id;
  });

  await check('POST /sort/batch, and all of it is worked', async () => {
    const jobs = Array.from({ length: 50 }, (_, index) => ({ strings: [`b${index}`, 'a'] }));
    const { answer } = await first.request('/sort/batch', { jobs });
    assert.equal(answer.inserted, 50);
    for (const id of answer.ids) await first.untilWorked(id, 20_000);
  });

  await check('POST /reports/daily twice: the second is skipped', async () => {
    const { answer: once } = await first.request('/reports/daily', { day: '2026-11-21' });
    const { answer: twice } = await first.request('/reports/daily', { day: '2026-11-21' });
    assert.equal(once.uniqueSkippedAsDuplicated, false);
    assert.equal(twice.uniqueSkippedAsDuplicated, true);
    assert.equal(twice.job.id, once.job.id);
  });

  await check('POST /sort/answer: the output comes in the same request', async () => {
    const body = { strings: ['whale', 'bear'] };
    const { status, answer } = await first.request('/sort/answer', body);
    assert.deepEqual([status, answer.sorted], [200, ['bear', 'whale']]);
    const job = await first.get(`/jobs/${answer.id}`);
    assert.deepEqual([job.state, job.output], ['completed', { sorted: ['bear', 'whale'] }]);
    const slow = await first.request('/sort/answer', { ...body, delayMs: 11_000 });
    assert.deepEqual([slow.status, slow.answer.code], [504, 'RIVER_WAIT_TIMEOUT']);
    const [, id] = /^Job (\d+) .* running /.exec(slow.answer.message);
    await first.untilWorked(id, 10_000);
  });

  await check('GET /jobs by filters, a page at a time, and every job once', async () => {
    const pages = [];
    let after = '';
    do {
      const page = await first.get(`/jobs?kind=sort&state=completed&limit=20${after}`);
      assert.ok(page.jobs.every(({ kind, state }) => kind === 'sort' && state === 'completed'));
      pages.push(page.jobs.map(({ id }) => Number(id)));
      after = page.next === undefined ? undefined : `&after=${page.next}`;
    } while (after !== undefined);
    const ids = pages.flat();
    assert.deepEqual(pages.map(({ length }) => length).slice(0, 2), [20, 20]);
    assert.equal(ids.length, 53);
    assert.deepEqual(
      ids,
      [...new Set(ids)].sort((a, b) => b - a),
    );
    const none = await first.get('/jobs?queue=mail&queue=slow&kind=sort');
    assert.deepEqual(none, { jobs: [] });
  });

  await check('POST /jobs/:id/cancel stops the running job, retry works it again', async () => {
    const { answer } = await first.request('/sort', { strings: ['b', 'a'], delayMs: 30_000 });
    await first.untilIn('running', answer.job.id, 10_000);
    await first.post(`/jobs/${answer.job.id}/cancel`);
    const cancelled = await first.untilIn('cancelled', answer.job.id, 5000);
    assert.match(cancelled.error, /cancelled/);

    const later = await first.request('/sort', { strings: ['b', 'a'], delay: 3_600_000 });
    const waiting = await first.post(`/jobs/${later.answer.job.id}/cancel`);
    assert.equal(waiting.state, 'cancelled');
    const again = await first.post(`/jobs/${later.answer.job.id}/retry`);
    assert.equal(again.state, 'available');
    const job = await first.untilWorked(later.answer.job.id, 10_000);
    assert.deepEqual(job.output, { sorted: ['a', 'b'] });
  });

  await check('POST /queues/:name/pause: Go takes no more jobs of it, until resume', async () => {
    const queue = async (name) => (await first.get('/queues')).find((each) => each.name === name);
    await first.post('/queues/slow/pause');
    assert.notEqual((await queue('slow')).pausedAt, null);
    await sleep(500); // the worker hears of it by a notification
    const { answer } = await first.request('/sort', { strings: ['z', 'y'], queue: 'slow' });
    await sleep(2500); // more than two of its polls
    assert.equal((await first.get(`/jobs/${answer.job.id}`)).state, 'available');
    assert.equal((await queue('slow')).counts.available, 1);
    await first.post('/queues/slow/resume');
    assert.equal((await queue('slow')).pausedAt, null);
    await first.untilWorked(answer.job.id, 10_000);
  });

  await check('what is not there answers 404', async () => {
    for (const path of ['/jobs/999999999', '/jobs/999999999/cancel', '/queues/none/resume']) {
      const body = path === '/jobs/999999999' ? undefined : {};
      const { status } = await first.request(path, body);
      assert.equal(status, 404, path);
    }
  });

  await check('bad requests answer 400 and say why', async () => {
    const form = await first.request('/sort', { strings: 'whale' });
    assert.equal(form.status, 400);
    const rule = await first.request('/sort', { strings: ['a'], priority: 9 });
    assert.equal(rule.status, 400);
    assert.equal(rule.answer.code, 'RIVER_INVALID_OPTION');
    assert.equal(rule.answer.field, 'priority');
    for (const path of ['/jobs?state=asleep', '/jobs?limit=0', '/jobs?after=x', '/jobs/x']) {
      assert.equal((await first.request(path)).status, 400, path);
    }
  });

  await check('pages of other sites can neither read nor change anything', async () => {
    const at = `http://localhost:${first.port}`;
    const status = async (path, options) => (await fetch(`${at}${path}`, options)).status;
    const form = new URLSearchParams({ strings: 'whale' });
    assert.equal(await status('/sort', { method: 'POST', body: form }), 400);
    for (const [header, value] of [
      ['origin', 'http://other.example'],
      ['sec-fetch-site', 'cross-site'],
    ]) {
      const given = { method: 'POST', headers: { [header]: value } };
      assert.equal(await status('/queues/slow/pause', given), 403, header);
    }
    assert.equal((await first.get('/queues')).find(({ name }) => name === 'slow').pausedAt, null);
    assert.equal(await first.statusUnderName('other.example'), 421);
    const { headers } = await fetch(at);
    assert.match(headers.get('content-security-policy'), /script-src 'self'/);
    assert.equal(headers.get('x-powered-by'), null);
  });

  await check('U+0000 in an e-mail address is a bad request', async () => {
    const items = [{ sku: 'whale-plush', quantity: 2 }];
    const { status } = await first.request('/orders', { email: 'a\u0000@example.com', items });
    assert.equal(status, 400);
  });

  const order = { email: 'ada@example.com', items: [{ sku: 'whale-plush', quantity: 2 }] };
  await check('an order that fails leaves neither order nor job', async () => {
    const before = await first.get('/overview');
    const { status } = await first.request('/orders', { ...order, failAfterInsert: true });
    assert.equal(status, 422);
    const after = await first.get('/overview');
    assert.deepEqual([after.orders, after.jobs], [before.orders, before.jobs]);
  });

  await check('an order that succeeds has both, and its jobs are worked', async () => {
    const { status, answer } = await first.request('/orders', order);
    assert.equal(status, 201);
    assert.equal((await first.get('/orders'))[0].id, answer.order.id);
    assert.equal(answer.jobIds.length, 2);
    for (const id of answer.jobIds) {
      const job = await first.untilWorked(id, 20_000);
      assert.equal(job.args.orderId, answer.order.id);
    }
  });

  await check('the page and the API documentation are there', async () => {
    const page = await fetch(`http://localhost:${first.port}/`);
    assert.match(await page.text(), /<title>nestjs-river/);
    const docs = await fetch(`http://localhost:${first.port}/docs`);
    assert.equal(docs.status, 200);
  });

  await check('Nest works jobs beside Go, also in a process of its own', async () => {
    const receipt = (await first.get('/jobs?kind=send_receipt&limit=1')).jobs[0];
    assert.deepEqual([receipt.state, receipt.workedBy], ['completed', 'Nest']);
    const report = (await first.get('/jobs?kind=daily_report&limit=1')).jobs[0];
    assert.equal((await first.untilWorked(report.id, 20_000)).workedBy, 'Go');
    const second = new Sample({
      root,
      command: ['node', 'dist/sample-app/main.js', '--worker-only'],
      dataFolder,
      port: await freePort(),
    });
    started.push(second);
    await until('the second process works', 20_000, () => second.output.includes('working jobs'));
    const tree = second.processes();
    second.interrupt();
    await second.untilGone(tree, 20_000);
  });

  await check('Ctrl-C stops everything', () => stopSample(first, () => first.interrupt()));

  const second = await check('a second start finds the data of the first', async () => {
    const sample = await startSample(['npm', 'start']);
    await sample.untilWorked(sortedId, 5000);
    assert.equal((await sample.get('/overview')).orders, 1);
    await sample.untilWorkerReady(60_000);
    return sample;
  });
  await check('SIGTERM to npm alone stops everything', () =>
    stopSample(second, () => second.terminate()),
  );

  const again = ['node', 'dist/sample-app/main.js'];
  const third = await check('a third start', async () => {
    const sample = await startSample(again);
    await sample.untilWorkerReady(60_000);
    return sample;
  });
  await check('kill -9 of everything', () => stopSample(third, () => third.killAll()));
  const fourth = await check('starts again after that, with its data', async () => {
    const sample = await startSample(again);
    await sample.untilWorked(sortedId, 5000);
    await sample.untilWorkerReady(60_000);
    return sample;
  });
  await check('stops again', () => stopSample(fourth, () => fourth.interrupt()));
}

let failed = 0;
try {
  await run();
} catch (error) {
  failed = 1;
  console.log(`FAIL ${error.stack}\n`);
}
if (failed > 0 || process.env.SMOKE_VERBOSE === '1') {
  started.forEach((sample) => console.log(sample.output));
}
started.forEach((sample) => sample.killAll());
rmSync(dataFolder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed);
