// Many transactions at once, without an end, each with an order and two jobs. Says which are
// committed; is killed by kill.mjs.
import 'reflect-metadata';
import { jobArgs, RiverClient, RiverTransaction } from 'nestjs-river';
import { DataSource } from 'typeorm';

const AT_ONCE = 20;
const [url, run] = process.argv.slice(2);
const dataSource = await new DataSource({ type: 'postgres', url, extra: { max: 10 } }).initialize();
const transaction = new RiverTransaction('default', dataSource);
const river = new RiverClient(dataSource, {});

let serial = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (;;) {
      const tag = `${run}-${serial++}`;
      await transaction.run(async (manager) => {
        void river.insert(jobArgs('kill', { tag }));
        await manager.query('insert into kill_order (tag) values ($1)', [tag]);
        await river.insert(jobArgs('kill', { tag }));
      });
      process.stdout.write(`${tag}\n`);
    }
  }),
);
