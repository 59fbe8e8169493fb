// Profiles our client: a scenario at a time, in a process of its own.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDistance } from './distance.mjs';
import { readProfile, topOf } from './profile.mjs';
import { SECTIONS } from './scenarios.mjs';
import { SubjectProcess } from './subject-process.mjs';
import { SUBJECTS } from './subjects.mjs';

const SECONDS = 5;

/** @param bench `database`, `commandOf`, `say` */
export async function runProfiles(names, bench) {
  for (const name of names) {
    const section = SECTIONS.find(({ scenarios }) => name in scenarios);
    const folder = await mkdtemp(join(tmpdir(), `river-bench-${name}-`));
    const window = await profileOne(section, { name, folder }, bench);
    console.log(`\n${name}: ${folder}`);
    for (const line of topOf(await readProfile(folder), window)) console.log(line);
  }
}

async function profileOne(section, { name, folder }, { database, commandOf }) {
  const { request, measured } = section.scenarios[name];
  const distance = section.distanceMs && (await openDistance(database.url, section.distanceMs));
  await database.empty(SUBJECTS.ours.store.emptied);
  const flags = ['--cpu-prof', '--cpu-prof-interval', '200', '--cpu-prof-dir', folder];
  const process = await SubjectProcess.start(
    'ours',
    commandOf('ours', distance?.url ?? database.url, flags),
  );
  try {
    await process.ask({ ...request, seconds: 1, limit: measured.limit });
    const length = measured.limit === undefined ? { seconds: SECONDS } : measured;
    const { window } = await process.ask({ ...request, ...length });
    return window;
  } finally {
    await process.end();
    await distance?.close();
  }
}
