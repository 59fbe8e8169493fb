import { post } from './api.js';
import { byId, element } from './dom.js';
import { argsText, outputText, tookText } from './job-text.js';
import { noteOf } from './jobs-filter.js';
import { onChange, refresh } from './live.js';
import { tellError } from './toast.js';

const ENDED = ['cancelled', 'completed', 'discarded'];

/** Rows on show by job id, each with the text of the job it was made of. */
const rows = new Map();
let isFirst = true;

export function showJobs() {
  onChange(({ page, overview }) => {
    if (page === undefined) return;
    byId('jobs').hidden = byId('jobs-filter').hidden = overview.jobs === 0;
    byId('empty').hidden = overview.jobs > 0;
    byId('jobs-note').textContent = noteOf(page.jobs.length, overview.jobs);
    update(page.jobs);
    isFirst = false;
  });
}

/** Touches only what has changed, so that a selection or a focus in the table survives. */
function update(jobs) {
  const body = byId('jobs').tBodies[0];
  const shown = new Set(jobs.map(({ id }) => id));
  for (const [id, { row }] of rows) {
    if (shown.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  jobs.forEach((job, index) => {
    const row = rowOf(job);
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  });
}

function rowOf(job) {
  const text = JSON.stringify(job);
  const known = rows.get(job.id);
  if (known?.text === text) return known.row;
  const row = known?.row ?? element('tr', isFirst ? {} : { class: 'fresh' });
  row.replaceChildren(...cells(job));
  rows.set(job.id, { row, text });
  return row;
}

function cells(job) {
  const output = outputText(job);
  const data = element('td', { class: 'data' }, element('span', { class: 'args' }, argsText(job)));
  if (output !== '') data.append(element('span', { class: 'output' }, output));
  else if (job.error !== null) data.append(element('span', { class: 'failure' }, job.error));
  const queue = job.queue === 'default' ? '' : `queue ${job.queue}`;
  const priority = job.priority === 1 ? '' : `priority ${job.priority}`;
  const retries = job.attempt > 1 ? `attempt ${job.attempt}` : '';
  const small = [queue, priority, retries].filter(Boolean).join(', ');
  return [
    element('td', { class: 'id' }, `#${job.id}`),
    element('td', { class: 'kind' }, job.kind, element('small', {}, small)),
    element('td', {}, element('span', { class: 'state', 'data-state': job.state }, job.state)),
    data,
    element('td', {}, workedBy(job)),
    element('td', { class: 'number' }, tookText(job)),
    element('td', { class: 'act' }, buttonOf(job)),
  ];
}

function workedBy(job) {
  if (job.workedBy === null) return '';
  return element('span', { class: 'by', 'data-by': job.workedBy }, job.workedBy);
}

/** What can be changed of a job: one that has ended is worked again, any other is cancelled. */
function buttonOf({ id, state }) {
  const action = ENDED.includes(state) ? 'retry' : 'cancel';
  const button = element(
    'button',
    { type: 'button', class: 'plain small', 'aria-label': `${action} job ${id}` },
    action === 'retry' ? 'Retry' : 'Cancel',
  );
  button.addEventListener('click', () => void change(button, id, action));
  return button;
}

async function change(button, id, action) {
  button.disabled = true;
  try {
    await post(`jobs/${id}/${action}`);
  } catch (error) {
    tellError(`The job did not ${action}`, error);
  }
  button.disabled = false;
  refresh();
}
