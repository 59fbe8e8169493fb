import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * A process and all that descend from it, each as `{ pid, parent, born, command }`. A keeper in a
 * session of its own is still a child, so it is found too.
 */
export function treeOf(root) {
  const all = processes();
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** Which of these processes are still there. Ids are given out again, so the birth counts too. */
export function survivorsOf(tree) {
  const now = new Set(processes().map(keyOf));
  return tree.filter((each) => now.has(keyOf(each)));
}

const keyOf = ({ pid, born }) => `${pid} ${born}`;

function processes() {
  return existsSync('/proc/self/stat') ? fromProc() : fromPs();
}

function fromProc() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // After the command in parentheses, which may hold spaces: state, parent, ..., birth (22nd).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended; it only waits to be asked how.
      if (fields[0] === 'Z') return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(pid), parent: Number(fields[1]), born: fields[19], command }];
    } catch {
      return []; // ended while we looked
    }
  });
}

function fromPs() {
  const text = execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,lstart=,command='], {
    encoding: 'utf8',
  });
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+\S+\s+\d+)\s+(.*)$/.exec(line);
    if (match === null || match[3].startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), born: match[4], command: match[5] }];
  });
}
