// Every protection switched off, one after the other, each in a process of its own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createDatabase } from './database.mjs';
import { PROTECTIONS } from './protections.mjs';

const SCRIPT = fileURLToPath(new URL('run.mjs', import.meta.url));

export async function printTable({ seed, trials, url }) {
  const database = await createDatabase(url);
  try {
    console.log(`${trials} trials each, seed ${seed}\n`);
    console.log('| switched off | what it does | mismatches | stray rows | kinds | pool |');
    console.log('| --- | --- | --- | --- | --- | --- |');
    const rows = [
      ['nothing', '', []],
      ...Object.entries(PROTECTIONS).map(([name, { what }]) => [name, what, ['--without', name]]),
      ['everything: plain TypeORM', '', ['--plain']],
    ];
    for (const [name, what, switches] of rows) {
      const size = ['--seed', seed, '--trials', trials, '--url', database.url];
      const { stdout } = spawnSync(process.execPath, [SCRIPT, ...size.map(String), ...switches], {
        encoding: 'utf8',
      });
      const of = (label) => new RegExp(`^${label}: (.*)$`, 'm').exec(stdout)?.[1] ?? 'crashed';
      const [mismatches, ...kinds] = of('mismatches').split(' ');
      const cells = [name, what, mismatches, of('trials with stray rows'), kinds.join(' ')];
      console.log(`| ${[...cells, of('pool back to its baseline')].join(' | ')} |`);
    }
  } finally {
    await database.drop();
  }
}
