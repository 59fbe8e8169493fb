import { post } from './api.js';
import { byId, element } from './dom.js';
import { onChange, refresh } from './live.js';
import { tellError } from './toast.js';

/** What is on show, so that nothing is touched while it does not change. */
let shown;

export function showQueues() {
  onChange(({ queues }) => {
    if (queues === undefined) return;
    const text = JSON.stringify(
      queues.map(({ name, counts, pausedAt }) => [name, counts, pausedAt]),
    );
    if (text === shown) return;
    shown = text;
    const focused = document.activeElement?.dataset.queue;
    byId('queues').replaceChildren(...queues.map(lineOf));
    byId('queues').querySelector(`[data-queue="${focused}"]`)?.focus({ preventScroll: true });
  });
}

function lineOf({ name, counts, pausedAt }) {
  const action = pausedAt === null ? 'pause' : 'resume';
  const button = element(
    'button',
    { type: 'button', class: 'plain small', 'data-queue': name, 'aria-label': `${action} ${name}` },
    action === 'pause' ? 'Pause' : 'Resume',
  );
  button.addEventListener('click', () => void turn(button, name, action));
  const waiting = counts.available + counts.retryable + counts.scheduled + counts.pending;
  const numbers = `${waiting} waiting, ${counts.running} running`;
  const title = element('b', {}, name);
  if (pausedAt !== null) title.append(element('span', { class: 'state' }, 'paused'));
  return element('li', {}, element('div', {}, title, element('small', {}, numbers)), button);
}

async function turn(button, name, action) {
  button.disabled = true;
  try {
    await post(`queues/${encodeURIComponent(name)}/${action}`);
  } catch (error) {
    tellError(`The queue did not ${action}`, error);
  }
  button.disabled = false;
  refresh();
}
