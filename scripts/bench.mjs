// Measures what Async Health costs, beside the alternatives, as alternating runs with medians.
//   npm run bench [-- name…] [--rounds N] [--python X.Y,…] [--quick]
// `--quick`: fewer and shorter runs, to try things out; nothing is written then.
// Prints tables, writes bench-results.json (results of other benches stay), out/bench/growth.svg, and "What it costs" in the README.
// A missed budget is reported, never hidden; the exit code is 0 unless a bench could not run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
let broken = 0;
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
    broken++;
    console.error(`${name} could not run: ${error.stack ?? error}`);
  }
}
if (!quick) writeReadme();

const measured = Object.entries(all.benches).filter(([name]) => names.includes(name));
const missed = measured.flatMap(([name, { rows }]) => rows.filter((one) => one.met === false).map((one) => ({ name, ...one })));
console.log(missed.length === 0 ? 'Every budget is met.' : `${missed.length} budgets missed:`);
for (const one of missed) {
  console.log(
    `- ${one.name}: ${one.what}${one.variant ? `, ${one.variant}` : ''}: ${one.value} ${one.unit}, budget ${one.atLeast ? '≥' : '≤'} ${one.budget}`,
  );
}
process.exitCode = broken > 0 ? 1 : 0;

/** "What it costs", between the markers in the README. */
function writeReadme() {
  const path = join(root, 'README.md');
  const begin = '<!-- bench:begin -->';
  const end = '<!-- bench:end -->';
  const readme = readFileSync(path, 'utf8');
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) {
    console.error(`README.md has no ${begin} … ${end}: "What it costs" was not written.`);
    return;
  }
  const lines = ['', 'Medians of alternating runs; `npm run bench` measures anew and rewrites this section.', ''];
  for (const name of ORDER) {
    const bench = all.benches[name];
    if (!bench) continue;
    const { cores, platform, node, loadAverage } = bench.machine;
    lines.push(`### ${bench.title}`, '', table(bench.rows), '');
    lines.push(...(bench.notes ?? []).map((note) => `- ${note}`));
    lines.push(
      `- ${bench.date}, ${bench.rounds} rounds, ${cores} cores (${platform}), Node ${node}${bench.versions ? `, ${bench.versions}` : ''}, load ${loadAverage}.`,
      '',
    );
  }
  writeFileSync(path, readme.slice(0, from + begin.length) + lines.join('\n') + readme.slice(to));
}
