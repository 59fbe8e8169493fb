import { jobArgs } from 'nestjs-river';
import { outcomeOf } from './outcome.mjs';
import { OPENINGS, REACHES } from './places.mjs';

class Rollback extends Error {}

/** Calls on what every call finds, one after another. */
export class Trials {
  #database;
  #isRestored = true;

  /** @param {import('./database.mjs').Database} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * Makes a call in a place, where a job is inserted before it.
   *
   * @returns {Promise<{ outcome: string, text: string, jobs: number, failure?: unknown }>}
   */
  async make(app, [opening, reach], call, { rollback = false, job = true } = {}) {
    if (!this.#isRestored) await this.#database.restore();
    let outcome = 'not called';
    const work = async (manager) => {
      if (job) await app.river.insert(jobArgs('matrix', {}));
      const on = REACHES[reach](app, manager);
      outcome = await outcomeOf(() => call(on));
      if (rollback) throw new Rollback();
    };
    const error = await OPENINGS[opening](app, work).then(
      (answer) => answer?.error,
      (thrown) => thrown,
    );
    const failure = error instanceof Rollback ? undefined : error;
    const { text, jobs } = await this.#database.state();
    this.#isRestored = text === this.#database.seeded;
    return { outcome, text, jobs, failure };
  }
}
