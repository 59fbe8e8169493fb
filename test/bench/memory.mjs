// The memory of another process, as Linux tells it; elsewhere nothing is told, and nothing reported.
import { readFileSync, writeFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/** @returns a function that answers by how many MiB the resident memory grew since, at its peak */
export function watchMemory(pid) {
  if (process.platform !== 'linux') return () => null;
  // Begins the peak anew.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const before = kibOf(pid, 'VmRSS');
  return () => (kibOf(pid, 'VmHWM') - before) / KIB_PER_MIB;
}

function kibOf(pid, name) {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  );
  return Number(kib);
}
