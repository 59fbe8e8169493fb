import { byId } from './dom.js';
import { onChange } from './live.js';

const SHORT = {
  building: 'Go worker is being built',
  starting: 'Go worker is starting',
  ready: 'Go worker is ready',
  missing: 'no Go on the PATH, Nest works alone',
  failed: 'Go worker is down, Nest works alone',
  away: 'no answer from the application',
};

export function showWorker() {
  const worker = byId('worker');
  onChange(({ health, error }) => {
    const state = error === undefined ? health.worker : 'away';
    if (worker.dataset.state === state) return;
    worker.dataset.state = state;
    worker.textContent = SHORT[state] ?? state;
    worker.title = health?.workerInWords ? `The worker ${health.workerInWords}.` : '';
  });
}
