// Every protection switched off, one after the other, each in a process of its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase } from './database.mjs';
import { PROTECTIONS } from './protections.mjs';

const run = promisify(execFile);
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
      const args = [SCRIPT, ...size.map(String), ...switches];
      // Not synchronously: a server of ours stops when nobody reads what it logs. One that crashes
      // has told something all the same.
      const { stdout } = await run(process.execPath, args, { maxBuffer: Infinity }).catch(
        (error) => error,
      );
      const of = (label) => new RegExp(`^${label}: (.*)$`, 'm').exec(stdout)?.[1] ?? 'crashed';
      const [mismatches, ...kinds] = of('mismatches').split(' ');
      const cells = [name, what, mismatches, of('trials with stray rows'), kinds.join(' ')];
      console.log(`| ${[...cells, of('pool back to its baseline')].join(' | ')} |`);
    }
  } finally {
    await database.drop();
  }
}
