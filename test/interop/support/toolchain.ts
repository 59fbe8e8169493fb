import { spawnSync } from 'node:child_process';
import { describe, test } from '@jest/globals';

interface Requirement {
  readonly tool: string;
  /** Why the tests cannot run; undefined when they can. */
  readonly missing: string | undefined;
  /** What to do about it. */
  readonly cure: string;
}

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** Tests against River's own Go client. */
export function describeWithGo(name: string, body: () => void): void {
  const { error, status } = spawnSync('go', ['version']);
  const requirement: Requirement = {
    tool: 'Go',
    missing: error || status !== 0 ? 'there is no Go on the PATH' : undefined,
    cure: 'Install the Go that test/interop/go/go.mod names (https://go.dev/dl), then: npm test -- test/interop',
  };
  describeWith(requirement, name, body);
}

/**
 * Tests that need a tool. Without it a CI run fails, since an agreement that nobody checked is none;
 * elsewhere they are skipped, and the run says so.
 */
export function describeWith(requirement: Requirement, name: string, body: () => void): void {
  const { tool, missing, cure } = requirement;
  if (missing === undefined) return describe(name, body);
  if (isCi) {
    return describe(name, () => {
      test(`needs ${tool}`, () => {
        throw new Error(`${missing}, and CI does not skip these tests. ${cure}`);
      });
    });
  }
  process.stderr.write(`\nSKIPPED: ${name}: ${missing}. ${cure}\n`);
  describe.skip(`${name} (skipped: ${missing})`, body); // a user's machine may lack Go or Python; in CI the branch above fails instead
}
