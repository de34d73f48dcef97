// Measures what Async Health costs, beside the alternatives, as alternating runs with medians.
//   npm run bench [-- name…] [--rounds N] [--python X.Y,…] [--quick]
// `--quick`: fewer and shorter runs, to try things out; nothing is written then.
// Prints tables, writes bench-results.json (results of other benches stay), out/bench/growth.svg, "What it costs" in the README and
// test/bench/RESULTS.md. A missed budget is reported, never hidden; the exit code is 0 unless a bench could not run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { missedBudgets, writeReports } from './bench/report.mjs';
import { machine, table } from './lib/measure.mjs';
import { findInterpreters, pythonOf, root, testPythons } from './lib/pythons.mjs';
import { must, step } from './lib/run.mjs';
import { makeVenv, setup } from './setup.mjs';

// As users have it: without bytecode every start compiles debugpy anew.
delete process.env.PYTHONDONTWRITEBYTECODE;

const ORDER = ['probe-micro', 'probe-app', 'debug-app', 'loop-stall', 'f5', 'rpc', 'live', 'ingest', 'panel', 'growth'];
const args = process.argv.slice(2);
const flag = (name) => args.includes(name) && args.splice(args.indexOf(name), 1).length > 0;
const option = (name) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : undefined);
const quick = flag('--quick');
const rounds = Number(option('--rounds') ?? (quick ? 3 : 7));
const pythons = option('--python')?.split(',');
const names = args.length > 0 ? args : ORDER;
const unknown = names.filter((name) => !ORDER.includes(name));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Benches: ${ORDER.join(', ')}.`);
  process.exit(2);
}

/** The interpreter of version `wanted` with the alternatives installed; tells loudly what it cannot have. */
async function benchPython(wanted) {
  const base = testPythons().find((one) => one.version === wanted);
  if (!base) {
    step(`SKIPPED: CPython ${wanted} is not on this machine.`);
    return undefined;
  }
  const interpreter = (await findInterpreters()).find((one) => one.version === wanted);
  const venv = join(root, '.venvs', `bench-${wanted}`);
  const problem = await makeVenv(`bench-${wanted}`, venv, interpreter, ['test/requirements.txt', 'test/bench/requirements.txt'], {
    withUv: true,
  });
  if (!problem) return { ...base, python: pythonOf(venv), peers: true };
  step(`SKIPPED the alternatives on CPython ${wanted}: they cannot be installed.\n${problem}`);
  return { ...base, peers: false };
}

const context = {
  root,
  rounds,
  quick,
  /** Versions asked for on the command line, or what the bench wants. */
  versions: (defaults) => pythons ?? defaults,
  benchPython,
  log: (text) => step(`  ${text}`),
  output: join(root, 'out', 'bench'),
};

const file = join(root, 'bench-results.json');
const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { benches: {} };
const begun = performance.now();
const broken = [];
try {
  await setup();
  await must(process.execPath, ['scripts/build.mjs'], { cwd: root, quiet: true, timeoutMs: 300_000 });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
mkdirSync(context.output, { recursive: true });
for (const name of names) {
  step(`${name} …`);
  try {
    const bench = (await import(pathToFileURL(join(root, 'scripts', 'bench', `${name}.bench.mjs`)).href)).default;
    const result = await bench(context);
    all.benches[name] = { date: new Date().toISOString().slice(0, 10), machine: machine(), rounds, ...result };
    console.log(`\n## ${name}: ${result.title}\n\n${table(result.rows)}`);
    for (const note of result.notes ?? []) console.log(`- ${note}`);
    console.log('');
    if (!quick) writeFileSync(file, `${JSON.stringify(all, undefined, 1)}\n`);
  } catch (error) {
    broken.push(name);
    console.error(`${name} could not run: ${error.stack ?? error}`);
  }
}

const inOrder = ORDER.filter((name) => all.benches[name]).map((name) => [name, all.benches[name]]);
if (!quick) writeReports(root, inOrder);
const missed = missedBudgets(inOrder.filter(([name]) => names.includes(name)));
console.log(missed.count === 0 ? 'Every budget is met.' : `${missed.count} budgets missed:`);
for (const line of missed.lines) console.log(line);
if (broken.length > 0) console.error(`Could not run: ${broken.join(', ')}.`);
step(`Done in ${Math.round((performance.now() - begun) / 60_000)} minutes.`);
process.exitCode = broken.length > 0 ? 1 : 0;
