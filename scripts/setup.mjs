// Installs all that a fresh clone needs, and does nothing when it is there: Node modules, Debian packages (as root), the root
// `.venv` and one environment per interpreter in `.venvs/<X.Y>`.
//   npm run setup [-- --only node,system,python] [-- --relock]
// --relock makes test/requirements.txt anew from test/requirements.in.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findInterpreters, pythonOf, root, rootPython, stampOf } from './lib/pythons.mjs';
import { must, parallel, run, step } from './lib/run.mjs';

const windows = process.platform === 'win32';
const read = (path) => readFileSync(join(root, path), 'utf8');

// --- Node -----------------------------------------------------------------------------------------------------------

/** True when what is installed is what the lock file says (optional packages of other platforms apart). */
function nodeModulesMatch() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const wanted = JSON.parse(read('package-lock.json')).packages;
  const present = JSON.parse(read('node_modules/.package-lock.json')).packages;
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version);
}

async function setupNode() {
  if (nodeModulesMatch()) return;
  step('Node modules: npm ci …');
  const npm = windows ? 'npm.cmd' : 'npm';
  await must(npm, ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: root, quiet: true, timeoutMs: 900_000 });
}

// --- Debian packages ------------------------------------------------------------------------------------------------

function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.some((name) => folders.some((folder) => folder && existsSync(join(folder, name))));
}

/** What is missing on this machine, as Debian packages: a browser (with a font) and a compiler for VS Code's native modules. */
function missingPackages() {
  const packages = [];
  if (!onPath('chromium', 'chromium-browser', 'google-chrome')) packages.push('chromium');
  if (!existsSync('/usr/share/fonts/truetype')) packages.push('fonts-dejavu-core');
  if (!onPath('c++', 'g++') || !onPath('make')) packages.push('build-essential');
  if (!onPath('python3')) packages.push('python3', 'python3-venv');
  return packages;
}

async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  step(`Debian packages: ${packages.join(', ')} (apt-get) …`);
  await run('apt-get', ['update', '-q'], { env, quiet: true, timeoutMs: 300_000 });
  await must('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages], { env, quiet: true, timeoutMs: 900_000 });
}

async function setupSystem() {
  if (process.platform !== 'linux') return;
  const packages = missingPackages();
  if (packages.length === 0) return;
  if (!onPath('apt-get') || process.getuid() !== 0) {
    step(`Missing on this machine, please install: ${packages.join(', ')}. Levels that need them will fail.`);
    return;
  }
  await aptInstall(packages);
}

// --- Python ---------------------------------------------------------------------------------------------------------

/** uv reads no pip configuration: hand over what the environment says about certificates and package sources. */
export function uvEnvironment() {
  const env = { ...process.env };
  const map = {
    PIP_CERT: 'SSL_CERT_FILE',
    PIP_INDEX_URL: 'UV_DEFAULT_INDEX',
    PIP_EXTRA_INDEX_URL: 'UV_INDEX',
    PIP_FIND_LINKS: 'UV_FIND_LINKS',
  };
  for (const [pip, uv] of Object.entries(map)) if (env[pip] && !env[uv]) env[uv] = env[pip];
  return env;
}

/** uv of the root environment. */
export const uvPath = join(root, '.venv', windows ? 'Scripts/uv.exe' : 'bin/uv');

/** Environment `venv` of `interpreter` with the pinned `files`, unless it is there already. Returns an error text or ''. */
export async function makeVenv(label, venv, interpreter, files, { withUv }) {
  const wanted = {
    python: interpreter.full,
    base: interpreter.python,
    requirements: createHash('sha256').update(files.map(read).join('\0')).digest('hex'),
  };
  const present = stampOf(venv);
  const python = pythonOf(venv);
  if (present && existsSync(python) && Object.keys(wanted).every((key) => present[key] === wanted[key])) return '';
  const begin = Date.now();
  step(`${label}: environment for CPython ${interpreter.full} …`);
  if (present?.base !== wanted.base || present?.python !== wanted.python || !existsSync(python))
    rmSync(venv, { recursive: true, force: true });
  if (!existsSync(python)) {
    const made = await run(interpreter.python, ['-m', 'venv', ...(withUv ? ['--without-pip'] : []), venv], {
      quiet: true,
      timeoutMs: 120_000,
    });
    if (made.code !== 0) return `${label}: python -m venv failed\n${made.output}`;
  }
  const args = files.flatMap((file) => ['-r', join(root, file)]);
  let installed = { code: 1, output: '' };
  if (withUv || existsSync(uvPath)) {
    installed = await run(uvPath, ['pip', 'install', '-q', '--python', python, ...args], {
      quiet: true,
      env: uvEnvironment(),
      timeoutMs: 600_000,
    });
    if (installed.code !== 0) step(`${label}: uv could not install, trying pip …`);
  }
  if (installed.code !== 0) {
    await run(python, ['-m', 'ensurepip'], { quiet: true, timeoutMs: 120_000 });
    installed = await run(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...args], {
      quiet: true,
      timeoutMs: 900_000,
    });
  }
  if (installed.code !== 0) return `${label}: installing ${files.join(', ')} failed\n${installed.output.split('\n').slice(-15).join('\n')}`;
  writeFileSync(join(venv, 'async-health.json'), `${JSON.stringify(wanted)}\n`);
  step(`${label}: ready in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  return '';
}

/** Which interpreter makes the root environment: plain `python3` if it can run everything (3.10), else the newest. */
function rootInterpreter(usable) {
  return usable.find((one) => one.isDefault && one.minor >= 10) ?? usable.at(-1);
}

async function setupPython({ rootOnly = false } = {}) {
  let interpreters = await findInterpreters();
  if (process.platform === 'linux' && process.getuid() === 0 && onPath('apt-get') && !interpreters.some((one) => one.hasVenv)) {
    await aptInstall(['python3', 'python3-venv']);
    interpreters = await findInterpreters();
  }
  const usable = interpreters.filter((one) => one.hasVenv);
  for (const one of interpreters) if (!one.hasVenv) step(`CPython ${one.full} has no venv module: left out.`);
  if (usable.length === 0)
    throw new Error(
      'No CPython 3.8 or newer with the venv module was found. Install one (Debian: python3 and python3-venv) and run again.',
    );

  const main = rootInterpreter(usable);
  const failed = await makeVenv('.venv', join(root, '.venv'), main, ['test/requirements.txt', 'test/requirements-dev.txt'], {
    withUv: false,
  });
  if (failed) throw new Error(failed);
  if (rootOnly) return;
  const uvWorks = (await run(uvPath, ['--version'], { quiet: true, timeoutMs: 20_000 })).code === 0;
  mkdirSync(join(root, '.venvs'), { recursive: true });
  const errors = await parallel(usable, 2, (one) =>
    makeVenv(`.venvs/${one.version}`, join(root, '.venvs', one.version), one, ['test/requirements.txt'], { withUv: uvWorks }),
  );
  const problems = errors.filter(Boolean);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** test/requirements.in → test/requirements.txt: one pinned list for every supported interpreter. */
async function relock() {
  const args = ['pip', 'compile', '--universal', '--python-version', '3.8', '--no-header', '--no-annotate', '--no-emit-index-url', '-q'];
  for (const name of ['requirements', 'requirements-dev', 'compat/requirements', 'bench/requirements']) {
    await must(uvPath, [...args, '--upgrade', join('test', `${name}.in`), '-o', join('test', `${name}.txt`)], {
      cwd: root,
      quiet: true,
      env: uvEnvironment(),
    });
    step(`test/${name}.txt written`);
  }
}

/**
 * @param {{only?: string[]}} options parts wanted: `node`, `system`, `python` (or `root-python`: `.venv` alone, for `npm start`); all by default.
 */
export async function setup({ only = ['node', 'system', 'python'] } = {}) {
  if (Number(process.versions.node.split('.')[0]) < 20) throw new Error(`Node 20 or newer is needed, this is ${process.version}.`);
  if (only.includes('node')) await setupNode();
  if (only.includes('system')) await setupSystem();
  if (only.includes('python')) await setupPython();
  else if (only.includes('root-python')) await setupPython({ rootOnly: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split(',') : undefined;
    if (process.argv.includes('--relock')) await relock();
    await setup({ only });
    step(`Ready. Samples and tools use ${rootPython.slice(root.length)}.`);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
