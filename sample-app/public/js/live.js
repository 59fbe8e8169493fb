import { get } from './api.js';

const BEAT_MS = 500;

const listeners = [];
let timer;
let underWay = false;
/** Tells the request for the jobs on show. */
let jobsPath;

/** Calls `listener({ page, overview, queues, health })` with what is now, or with `{ error }`. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Asks now instead of at the next beat. */
export function refresh() {
  clearTimeout(timer);
  void beat();
}

/** Watches as long as somebody can see it. */
export function watch(pathOfJobs) {
  jobsPath = pathOfJobs;
  document.addEventListener('visibilitychange', refresh);
  refresh();
}

async function beat() {
  if (underWay || document.hidden) return;
  underWay = true;
  try {
    const [page, overview, queues, health] = await Promise.all([
      get(jobsPath()),
      get('overview'),
      get('queues'),
      get('health'),
    ]);
    listeners.forEach((listener) => listener({ page, overview, queues, health }));
  } catch (error) {
    listeners.forEach((listener) => listener({ error }));
  }
  underWay = false;
  clearTimeout(timer);
  timer = setTimeout(beat, BEAT_MS);
}
