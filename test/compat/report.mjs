import { command } from './command.mjs';

const RUN_LIMIT_MS = 120_000;

/** Says what was tried and how it went, and counts. */
export class Report {
  passed = 0;
  failed = 0;
  /** @type {(text: string) => void} */
  #print = console.log;

  /** @param {string} text */
  say(text) {
    this.#print(text);
  }

  /**
   * Runs what reports beside others, and prints all of its report when it is over.
   *
   * @param {(report: Report) => Promise<void>} work
   */
  async section(work) {
    const section = new Report();
    /** @type {string[]} */
    const texts = [];
    section.#print = (text) => void texts.push(text);
    try {
      await work(section);
    } finally {
      this.say(texts.join('\n'));
      this.passed += section.passed;
      this.failed += section.failed;
    }
  }

  /**
   * @param {string} what
   * @param {() => Promise<unknown>} work
   * @returns {Promise<boolean>} whether it went well
   */
  async check(what, work) {
    const began = Date.now();
    try {
      await work();
    } catch (error) {
      this.failed += 1;
      this.say(`FAIL ${what}\n${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
    this.passed += 1;
    this.say(`ok   ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  }

  /**
   * Runs a program that prints its own checks, and counts them.
   *
   * @param {string} what
   * @param {readonly [node: string, ...args: string[]]} program
   * @param {string} cwd
   * @param {number} [limitMs]
   */
  async program(what, [node, ...args], cwd, limitMs = RUN_LIMIT_MS) {
    const { code, output } = await command(node, args, { cwd, limitMs });
    const passed = output.match(/^ok /gm)?.length ?? 0;
    const failed = output.match(/^FAIL /gm)?.length ?? 0;
    // One that says nothing of a failure may have failed as a whole.
    const isWhole = failed === 0 && (code !== 0 || passed === 0);
    this.passed += passed;
    this.failed += isWhole ? 1 : failed;
    if (failed === 0 && !isWhole) {
      const [summary] = output.match(/^TypeORM .*$/m) ?? [];
      this.say(`ok   ${what}: ${passed} checks${summary ? `\n     ${summary}` : ''}`);
    } else this.say(`FAIL ${what}, ended with ${code}:\n${output}`);
  }
}
