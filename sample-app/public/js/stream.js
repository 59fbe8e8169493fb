import { byId, element } from './dom.js';
import { onChange } from './live.js';

/** The way of a job that goes well; the other states are shown only when there are such jobs. */
const ALWAYS = ['scheduled', 'available', 'running', 'completed'];
const SOMETIMES = ['pending', 'retryable', 'discarded', 'cancelled'];

const stations = new Map();

export function showStream() {
  for (const state of [...ALWAYS, ...SOMETIMES]) {
    const count = element('b', {}, '0');
    const station = element('li', {}, count, element('span', {}, state));
    station.hidden = SOMETIMES.includes(state);
    stations.set(state, { station, count });
    byId('stream').append(station);
  }
  onChange(({ overview }) => {
    if (overview !== undefined) update(overview.jobsByState);
  });
}

function update(jobsByState) {
  for (const [state, { station, count }] of stations) {
    const jobs = jobsByState[state] ?? 0;
    count.textContent = jobs.toLocaleString();
    station.toggleAttribute('data-some', jobs > 0);
    if (SOMETIMES.includes(state)) station.hidden = jobs === 0;
  }
}
