// The command line.
import { parseArgs } from 'node:util';
import { QUICK, SCENARIOS } from './scenarios.mjs';
import { SUBJECTS } from './subjects.mjs';

export const USAGE = `npm run bench -- [switches]

  --quick             ours and raw only, ${QUICK.scenarios.join(', ')}: under a minute
  --rounds N          rounds of each scenario, 5 by default
  --scenarios a,b     ${Object.keys(SCENARIOS).join(', ')}
  --subjects a,b      ${Object.keys(SUBJECTS).join(', ')}
  --url postgres://…  a server instead of an embedded one; a database is made on it and dropped
  --json FILE         the medians as JSON
  --write             write RESULTS.md and results.svg also after a run that was not in full
  --profile a,b       no comparison: where our client's time goes in these scenarios`;

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      scenarios: { type: 'string' },
      subjects: { type: 'string' },
      profile: { type: 'string' },
      url: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a number from 1.');
  const isFull = !values.quick && values.scenarios === undefined && values.subjects === undefined;
  return {
    ...values,
    rounds,
    writes: isFull || values.write,
    scenarios: chosen('scenarios', values, SCENARIOS),
    subjects: chosen('subjects', values, SUBJECTS),
    profile: values.profile === undefined ? undefined : chosen('profile', values, SCENARIOS),
  };
}

function chosen(name, values, all) {
  const known = Object.keys(all);
  if (values[name] === undefined) return values.quick ? QUICK[name] : known;
  const names = values[name].split(',');
  const unknown = names.filter((each) => !known.includes(each));
  if (unknown.length === 0) return known.filter((each) => names.includes(each));
  throw new Error(`--${name}: there is no ${unknown.join(', ')}; there are ${known.join(', ')}.`);
}
