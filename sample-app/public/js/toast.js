import { ApiError } from './api.js';
import { byId, element } from './dom.js';

const STAYS_MS = 4000;
const AT_MOST = 3;

/** Where the job table is not beside the forms but below them, a link leads there. */
export function tell(title, text = '') {
  const jobs = element('a', { href: '#jobs-title' }, 'Show the jobs');
  const toast = show('toast', title, `${text} `, jobs);
  setTimeout(() => toast.remove(), STAYS_MS);
}

/** An error stays until it is closed: it may be read late. */
export function tellError(title, error) {
  const where = error instanceof ApiError && error.code ? ` (${error.code})` : '';
  const text = error instanceof ApiError ? error.message + where : 'The server cannot be reached.';
  show('toast error', title, text);
}

function show(className, title, ...content) {
  const close = element('button', { type: 'button', 'aria-label': 'Close this message' }, '×');
  const toast = element(
    'div',
    { class: className },
    element('div', {}, element('strong', {}, title), ...content),
    close,
  );
  close.addEventListener('click', () => toast.remove());
  const toasts = byId('toasts');
  toasts.append(toast);
  while (toasts.children.length > AT_MOST) toasts.firstElementChild.remove();
  return toast;
}
