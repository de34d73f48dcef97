// Runs every test level, each with a time limit, and ends with a plain total: `N passed, N failed`. On a fresh clone it first installs
// what is needed.
//   npm test                      all levels
//   npm test -- unit dap          only these
//   npm test -- python dap catalog --python 3.11      the levels that run Python, on that interpreter alone
//   npm test -- dap --grep stepping
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, rootPython, testPythons } from './lib/pythons.mjs';
import { parallel, run, step } from './lib/run.mjs';
import { setup } from './setup.mjs';

const minutes = (count) => count * 60_000;
const results = mkdtempSync(join(tmpdir(), 'async-health-test-'));

const args = process.argv.slice(2);
const option = (name) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : undefined);
const onlyPython = option('--python');
const grep = option('--grep');

/** What tells the levels to run on the interpreter of `--python` alone. */
function chosenInterpreter() {
  if (!onlyPython) return {};
  const one = testPythons().find(({ version }) => version === onlyPython);
  if (!one) throw new Error(`There is no CPython ${onlyPython} in .venvs: put it on PATH and run again.`);
  return {
    ASYNC_HEALTH_PYTHON: one.python,
    ASYNC_HEALTH_PYTHONS: one.python,
    ASYNC_HEALTH_CATALOG_PYTHONS: one.version,
    AH_TEST_PYTHON: one.python,
  };
}

/** Environment of a part of a level: where to write results, which interpreters there are. */
function environment(file) {
  return {
    ...process.env,
    ASYNC_HEALTH_RESULTS: file,
    ASYNC_HEALTH_PYTHON: rootPython,
    ...chosenInterpreter(),
    NO_COLOR: '1',
    NODE_OPTIONS: [process.env.NODE_OPTIONS, '--enable-source-maps'].filter(Boolean).join(' '),
    PYTHONPATH: [join(root, 'scripts', 'lib'), process.env.PYTHONPATH].filter(Boolean).join(process.platform === 'win32' ? ';' : ':'),
  };
}

/** A level that is built mocha files. */
function mochaLevel(level, limit, { pattern = `dist/test/${level}/**/*.js`, ignore = [] } = {}) {
  return {
    name: level,
    parts: () => [
      {
        name: level,
        limit,
        command: process.execPath,
        args: [
          join(root, 'node_modules/mocha/bin/mocha.js'),
          '--reporter',
          join(root, 'scripts/lib/mocha-results.cjs'),
          ...(grep ? ['--grep', grep] : []),
          ...ignore.flatMap((pattern) => ['--ignore', pattern]),
          pattern,
        ],
      },
    ],
  };
}

/** The levels, in the order in which they run: quick ones first. A part is one process; its limit ends it. */
const LEVELS = [
  {
    name: 'check',
    parts: () => [{ name: 'check', limit: minutes(5), command: process.execPath, args: [join(root, 'scripts/check.mjs')] }],
  },
  mochaLevel('unit', minutes(5)),
  {
    name: 'python',
    width: 2,
    parts: () =>
      testPythons()
        .filter((one) => !onlyPython || one.version === onlyPython)
        .map(({ version, python }) => ({
          name: `python ${version}`,
          limit: minutes(12),
          command: python,
          args: [
            '-m',
            'pytest',
            '-q',
            '--color=no',
            '-p',
            'pytest_results',
            '-p',
            'no:cacheprovider',
            ...(grep ? ['-k', grep] : []),
            'test/python',
          ],
        })),
  },
  mochaLevel('dap', minutes(15), { ignore: ['dist/test/dap/catalog/**'] }),
  mochaLevel('catalog', minutes(15), { pattern: 'dist/test/dap/catalog/**/*.js' }),
  {
    name: 'host',
    parts: () => [
      {
        name: 'host',
        limit: minutes(10),
        command: process.execPath,
        args: [join(root, 'scripts/test-host.mjs'), ...(grep ? ['--grep', grep] : [])],
      },
    ],
  },
  {
    name: 'e2e',
    parts: () => [
      {
        name: 'e2e',
        limit: minutes(10),
        command: process.execPath,
        args: [join(root, 'scripts/test-e2e.mjs'), ...(grep ? ['--grep', grep] : [])],
      },
    ],
  },
];

/** Counts of one part: from its JSON lines, or (a runner that writes none) from its last lines. */
function count(part, file, outcome) {
  const tally = { name: part.name, passed: 0, failed: 0, skipped: 0, ms: outcome.ms, failures: [] };
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  for (const line of lines) {
    const result = JSON.parse(line);
    tally[result.outcome]++;
    if (result.outcome === 'failed') tally.failures.push(`${result.test}\n${(result.message ?? '').split('\n').slice(-30).join('\n')}`);
  }
  if (lines.length === 0) {
    const total = [...outcome.output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
    const summary = (word) => Number(outcome.output.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
    const counts = total ? total.slice(1).map((text) => Number(text ?? 0)) : ['passing', 'failing', 'pending'].map(summary);
    [tally.passed, tally.failed, tally.skipped] = counts;
    if (tally.failed > 0) tally.failures.push(outcome.output.split('\n').slice(-60).join('\n'));
  }
  const problem = outcome.timedOut
    ? `was ended by its time limit of ${part.limit / 60_000} minutes`
    : tally.passed + tally.failed === 0
      ? 'ran no test'
      : outcome.code !== 0 && tally.failed === 0
        ? `ended with exit code ${outcome.code}`
        : '';
  if (problem) {
    tally.failed++;
    tally.failures.push(`${part.name} ${problem}. The end of its output:\n${outcome.output.split('\n').slice(-25).join('\n')}`);
  }
  return tally;
}

async function runLevel(level) {
  const parts = level.parts();
  if (parts.length === 0) {
    return [
      {
        name: level.name,
        passed: 0,
        failed: 1,
        skipped: 0,
        ms: 0,
        failures: [`${level.name}: nothing to run${onlyPython ? ` for CPython ${onlyPython}` : ''}`],
      },
    ];
  }
  return parallel(parts, level.width ?? 1, async (part) => {
    step(`${part.name} …`);
    const file = join(results, `${part.name.replace(/\W/g, '-')}.jsonl`);
    const outcome = await run(part.command, part.args, {
      cwd: root,
      env: environment(file),
      timeoutMs: part.limit,
      prefix: parts.length > 1 ? `${part.name} | ` : '',
    });
    const tally = count(part, file, outcome);
    step(`${part.name}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
    return tally;
  });
}

function table(tallies) {
  const rows = [
    ['level', 'passed', 'failed', 'skipped', 'seconds'],
    ...tallies.map((t) => [t.name, t.passed, t.failed, t.skipped, (t.ms / 1000).toFixed(1)]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  '))
    .join('\n');
}

const chosen = args.filter((arg) => !arg.startsWith('-'));
const unknown = chosen.filter((name) => !LEVELS.some((level) => level.name === name));
if (unknown.length > 0 || args.some((arg) => arg.startsWith('-'))) {
  console.error(
    `Unknown: ${[...unknown, ...args.filter((arg) => arg.startsWith('-'))].join(', ')}. Levels: ${LEVELS.map((level) => level.name).join(', ')}.`,
  );
  process.exit(2);
}
const levels = LEVELS.filter((level) => chosen.length === 0 || chosen.includes(level.name));

const tallies = [];
try {
  await setup();
  step('Building …');
  const build = await run(process.execPath, ['scripts/build.mjs'], { cwd: root, quiet: true, timeoutMs: minutes(5) });
  if (build.code !== 0) throw new Error(`The build failed:\n${build.output}`);
  for (const level of levels) tallies.push(...(await runLevel(level)));
} catch (error) {
  tallies.push({ name: 'set-up', passed: 0, failed: 1, skipped: 0, ms: 0, failures: [error.stack ?? String(error)] });
}
rmSync(results, { recursive: true, force: true });

const total = (key) => tallies.reduce((sum, tally) => sum + tally[key], 0);
for (const tally of tallies) for (const failure of tally.failures) console.log(`\n✗ ${tally.name}: ${failure}`);
console.log(`\n${table(tallies)}\n`);
console.log(`${total('passed')} passed, ${total('failed')} failed${total('skipped') > 0 ? `, ${total('skipped')} skipped` : ''}`);
process.exitCode = total('failed') > 0 || total('passed') === 0 ? 1 : 0;
