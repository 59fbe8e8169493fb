import { byId } from './dom.js';
import { onChange, refresh } from './live.js';

const PAGE = 30;

/** The place behind which the page on show begins; undefined for the newest jobs. */
let after;

/** The request for the jobs on show. */
export function jobsPath() {
  const query = new URLSearchParams({ limit: PAGE });
  for (const [name, value] of new FormData(byId('jobs-filter'))) {
    if (value !== '') query.set(name, value);
  }
  if (after !== undefined) query.set('after', after);
  return `jobs?${query}`;
}

/** What is on show, in words. */
export function noteOf(shown, all) {
  const isFiltered = [...new FormData(byId('jobs-filter')).values()].some((value) => value !== '');
  if (shown === all) return 'as they are in river_job, newest first';
  const which = after === undefined ? 'the latest' : 'older ones:';
  return `${which} ${shown} of ${isFiltered ? 'those chosen' : all.toLocaleString()}`;
}

export function enableFilter() {
  const [form, newest, older] = ['jobs-filter', 'newest', 'older'].map(byId);
  let next;
  const show = (place) => {
    after = place;
    newest.disabled = place === undefined;
    older.disabled = true;
    refresh();
  };
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', () => show(undefined));
  newest.addEventListener('click', () => show(undefined));
  older.addEventListener('click', () => show(next));
  onChange(({ page }) => {
    if (page === undefined) return;
    ({ next } = page);
    older.disabled = next === undefined;
  });
}
