import { get } from './api.js';

const BEAT_MS = 500;
const LATEST = 30;

const listeners = [];
let timer;
let underWay = false;

/** Calls `listener({ jobs, overview, health })` with what is now, or with `{ error }`. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Asks now instead of at the next beat. */
export function refresh() {
  clearTimeout(timer);
  void beat();
}

/** Watches as long as somebody can see it. */
export function watch() {
  document.addEventListener('visibilitychange', refresh);
  refresh();
}

async function beat() {
  if (underWay || document.hidden) return;
  underWay = true;
  try {
    const [jobs, overview, health] = await Promise.all([
      get(`jobs?limit=${LATEST}`),
      get('overview'),
      get('health'),
    ]);
    listeners.forEach((listener) => listener({ jobs, overview, health }));
  } catch (error) {
    listeners.forEach((listener) => listener({ error }));
  }
  underWay = false;
  clearTimeout(timer);
  timer = setTimeout(beat, BEAT_MS);
}
