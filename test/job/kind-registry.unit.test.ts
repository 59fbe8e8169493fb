import { beforeEach, describe, expect, test } from '@jest/globals';
import { KindRegistry } from '../../lib/client/inserts/kind-registry.js';
import { identifyJob, type IdentifiedJob } from '../../lib/job/identify-job.js';
import { jobArgs } from '../../lib/job/job-args.js';
import { refusalOf } from '../insert/refusal.js';

/** A job of a class with the given name, made anew at each call. */
function jobOf(name: string, kind = 'sort'): IdentifiedJob {
  const argsClass = class {};
  Object.defineProperty(argsClass, 'name', { value: name });
  return { ...identifyJob({ kind }), argsClass };
}

describe('the kinds of a client', () => {
  let kinds: KindRegistry;
  beforeEach(() => {
    kinds = new KindRegistry();
  });

  test('are claimed by the first class, as often as it comes', () => {
    const job = jobOf('Sort');
    kinds.claim(job);
    kinds.claim(job);
  });

  test('are refused to a second class, naming both', () => {
    kinds.claim(jobOf('Sort'));
    const refusal = refusalOf(() => kinds.claim(jobOf('Other')));
    expect(refusal).toMatchObject({ code: 'RIVER_KIND_TAKEN', field: 'kind' });
    expect(refusal.message).toMatch(/'sort' is the kind of the class Sort.*Other needs another/);
  });

  test('stay with the first class after a refusal', () => {
    const first = jobOf('Sort');
    kinds.claim(first);
    refusalOf(() => kinds.claim(jobOf('Other')));
    expect(() => kinds.claim(first)).not.toThrow();
  });

  test('go to a class of the same name, which is the same one loaded again', () => {
    kinds.claim(jobOf('Sort'));
    expect(() => kinds.claim(jobOf('Sort'))).not.toThrow();
  });

  test('are not shared by two classes without a name', () => {
    const anonymous = jobOf('');
    kinds.claim(anonymous);
    expect(() => kinds.claim(anonymous)).not.toThrow();
    expect(refusalOf(() => kinds.claim(jobOf(''))).message).toMatch(/\(anonymous\).*\(anonymous\)/);
  });

  test('may be several for one class', () => {
    const { argsClass } = jobOf('Dynamic');
    kinds.claim({ ...jobOf('', 'a'), argsClass });
    expect(() => kinds.claim({ ...jobOf('', 'b'), argsClass })).not.toThrow();
  });

  test('are not claimed by object literals and jobArgs()', () => {
    kinds.claim(identifyJob({ kind: 'sort' }));
    kinds.claim(identifyJob(jobArgs('sort', {})));
    kinds.claim(jobOf('Sort'));
    expect(() => kinds.claim(identifyJob(jobArgs('sort', {})))).not.toThrow();
  });

  test('are those of this client only', () => {
    kinds.claim(jobOf('Sort'));
    expect(() => new KindRegistry().claim(jobOf('Other'))).not.toThrow();
  });

  test('may be words that JavaScript objects know by themselves', () => {
    expect(() => kinds.claim(jobOf('Sort', '__proto__'))).not.toThrow();
    expect(() => kinds.claim(jobOf('Sort', 'constructor'))).not.toThrow();
  });
});
