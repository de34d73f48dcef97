// Runs other people's test suites with and without the probe, compares test by test, and lists what the probe found in which test.
//   npm run compat -- anyio|trio|cpython [--python X.Y] [--detail light|standard|full] [--runs N]
// Writes out/compat/<suite>-<X.Y>.{md,json}. Exit 1 when a test differs for good or a finding is not one that test/compat/expected.json
// knows as misuse on purpose.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReport, writeResult } from './lib/compat-report.mjs';
import { findInterpreters, pythonOf, root, rootPython, testPythons } from './lib/pythons.mjs';
import { must, run, step } from './lib/run.mjs';
import { makeVenv, setup } from './setup.mjs';

const SUITES = ['anyio', 'trio', 'cpython'];
const LIMIT_MS = 30 * 60_000;
/** So many differing tests are run again, alone, to tell a flickering test from a changed one. */
const MAX_AGAIN = 40;

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : fallback);
const detail = option('--detail', 'standard');
const version = option('--python');
const runs = Number(option('--runs', '3'));
const suite = args[0];
if (!SUITES.includes(suite) || args.length > 1) {
  console.error(`Usage: npm run compat -- ${SUITES.join('|')} [--python X.Y] [--detail light|standard|full] [--runs N]`);
  process.exit(2);
}

const base = join(root, 'out', 'compat');
const plugin = join(root, 'test', 'compat');

/** The environment to run in: the one of that interpreter plus what the suites want. */
async function environment() {
  await setup();
  const chosen = version ? testPythons().find((one) => one.version === version) : testPythons().at(-1);
  if (!chosen)
    throw new Error(
      `There is no CPython ${version}; found: ${testPythons()
        .map((one) => one.version)
        .join(', ')}`,
    );
  const interpreter = (await findInterpreters()).find((one) => one.version === chosen.version);
  if (suite === 'cpython') return { ...chosen, label: `CPython ${chosen.full} test.test_asyncio` };
  const venv = join(root, '.venvs', `compat-${chosen.version}`);
  const problem = await makeVenv(`compat-${chosen.version}`, venv, interpreter, ['test/requirements.txt', 'test/compat/requirements.txt'], {
    withUv: true,
  });
  if (problem) throw new Error(problem);
  const python = pythonOf(venv);
  const { output } = await must(python, ['-c', `import importlib.metadata as m; print(m.version("${suite}"))`], { quiet: true });
  return { ...chosen, python, release: output.trim(), label: `${suite} ${output.trim()} on CPython ${chosen.full}` };
}

/** The suite's own sources: the package's source distribution of exactly the installed version. Returns its folder. */
async function sources(release) {
  const folder = join(base, 'sources');
  const name = `${suite}-${release}`;
  mkdirSync(folder, { recursive: true });
  if (!readdirSync(folder).includes(name)) {
    step(`Fetching the source distribution of ${suite} ${release} …`);
    const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--no-binary', ':all:', '-d', folder, `${suite}==${release}`];
    await must(rootPython, pip, { quiet: true, timeoutMs: 300_000 });
    await must('tar', ['xzf', join(folder, `${name}.tar.gz`), '-C', folder], { quiet: true });
  }
  return join(folder, name);
}

/** Command line, folder and environment of the suite; `only` limits it to these tests. */
function commandOf({ python, folder }, only) {
  if (suite === 'cpython')
    return { args: [join(plugin, 'async_health_compat.py'), ...(only ?? ['test.test_asyncio'])], cwd: join(base, 'scratch') };
  const pytest = [
    '-m',
    'pytest',
    '-p',
    'async_health_compat',
    '-p',
    'no:cacheprovider',
    '-q',
    '--no-header',
    '-x',
    '--maxfail=100000',
    '--tb=short',
  ];
  if (suite === 'anyio') return { args: [...pytest, '-o', 'timeout=60', ...(only ?? ['tests'])], cwd: folder };
  // Without the checks of trio's own source tree, which want a type checker and more.
  const own = [
    '-p',
    'trio._tests.pytest_plugin',
    '--skip-optional-imports',
    '-W',
    'ignore::DeprecationWarning',
    '--ignore-glob=*/_tests/tools/*',
  ];
  return {
    args: [...pytest, ...own, '--deselect', '_tests/test_exports.py', '--pyargs', ...(only ?? ['trio'])],
    cwd: join(base, 'scratch'),
  };
}

/** One run. @returns {Promise<{tests: Map<string, object>, recording: string, ms: number, code: number}>} */
async function runSuite(where, withProbe, tag, only) {
  const results = join(base, `${tag}.jsonl`);
  const recording = join(base, `${tag}.recording.jsonl`);
  for (const file of [results, recording]) rmSync(file, { force: true });
  mkdirSync(join(base, 'scratch'), { recursive: true });
  const { args: words, cwd } = commandOf(where, only);
  const env = {
    ...process.env,
    PYTHONPATH: plugin,
    PYTHONDONTWRITEBYTECODE: '1',
    AH_COMPAT_RESULTS: results,
    AH_COMPAT_DETAIL: detail,
    ...(withProbe ? { AH_COMPAT_RECORDING: recording } : {}),
  };
  if (!withProbe) delete env.AH_COMPAT_RECORDING;
  const outcome = await run(where.python, words, { cwd, env, quiet: true, timeoutMs: LIMIT_MS });
  let lines;
  try {
    lines = readFileSync(results, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  } catch {
    lines = [];
  }
  if (lines.length === 0)
    throw new Error(`The suite ran no test (exit code ${outcome.code}):\n${outcome.output.split('\n').slice(-30).join('\n')}`);
  writeFileSync(join(base, `${tag}.log`), outcome.output);
  return {
    tests: new Map(lines.map((line) => [line.test, line])),
    recording,
    ms: outcome.ms,
    code: outcome.code,
    timedOut: outcome.timedOut,
  };
}

const good = (test) => test === undefined || test.outcome === 'passed' || test.outcome === 'skipped';

/** Runs each differing test alone, several times each way. A test whose outcome is one the other side has shown too only flickers. */
async function sift(where, different) {
  const verdicts = [];
  for (const one of different.slice(0, MAX_AGAIN)) {
    const seen = { with: [one.with], without: [one.without] };
    for (let round = 0; round < runs; round++) {
      for (const side of ['without', 'with']) {
        const again = await runSuite(where, side === 'with', 'again', [idOf(one.test)]).catch(() => undefined);
        seen[side].push(again?.tests.get(one.test)?.outcome ?? 'missing');
      }
    }
    const ok = (list) => list.filter((outcome) => outcome === 'passed' || outcome === 'skipped').length / list.length;
    // The first outcome counts too; what alone passes as often on both sides was a flicker or needs its neighbours.
    const changed = ok(seen.without.slice(1)) > ok(seen.with.slice(1));
    verdicts.push({ ...one, seen, verdict: changed ? 'changed by the probe' : 'flickers' });
    step(`${one.test}: ${verdicts.at(-1).verdict} (without ${seen.without.join(' ')}; with ${seen.with.join(' ')})`);
  }
  for (const one of different.slice(MAX_AGAIN)) verdicts.push({ ...one, verdict: 'not looked at again' });
  return verdicts;
}

/** A test's id as the suite's command line takes it. */
function idOf(test) {
  if (suite !== 'trio') return test;
  return test
    .replace(/^.*?site-packages\//, '')
    .replace(/^(\.\.\/)+/, '')
    .replace(/^src\//, '')
    .replace(/\.py::/, '::')
    .replaceAll('/', '.');
}

try {
  const found = await environment();
  const where = { ...found, folder: suite === 'cpython' ? '' : await sources(found.release) };
  step(`${where.label}: without the probe …`);
  const without = await runSuite(where, false, `${suite}-${where.version}-without`);
  step(`… ${without.tests.size} tests in ${(without.ms / 1000).toFixed(0)} s. With the probe (${detail}) …`);
  const probed = await runSuite(where, true, `${suite}-${where.version}-with`);
  step(`… ${probed.tests.size} tests in ${(probed.ms / 1000).toFixed(0)} s.`);

  const names = [...new Set([...without.tests.keys(), ...probed.tests.keys()])];
  const different = names
    .map((test) => ({ test, without: without.tests.get(test)?.outcome ?? 'missing', with: probed.tests.get(test)?.outcome ?? 'missing' }))
    .filter((one) => good({ outcome: one.without }) !== good({ outcome: one.with }));
  for (const one of different) one.message = probed.tests.get(one.test)?.message;
  step(`${different.length} tests differ.`);
  const verdicts = await sift(where, different);

  step('What the probe found …');
  const { findings, dropped, notes } = await readReport(probed.recording, probed.tests, suite);
  const result = {
    suite: where.label,
    detail,
    date: new Date().toISOString().slice(0, 10),
    without,
    probed,
    verdicts,
    findings,
    dropped,
    notes,
  };
  const { summary, ok } = writeResult(join(base, `${suite}-${where.version}`), result);
  console.log(summary);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
