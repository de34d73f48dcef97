// Which CPython interpreters this machine has, and the virtual environments made of them.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parallel, run } from './run.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const windows = process.platform === 'win32';

/** Oldest minor version that the probe supports. */
export const OLDEST = 8;
/** Newest minor version that is looked for on PATH. */
const NEWEST = 20;

/** The python of a virtual environment. */
export function pythonOf(venv) {
  return windows ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
}

/** The root environment's python: samples, tools, `npm start`. */
export const rootPython = pythonOf(join(root, '.venv'));

function candidates() {
  const names = windows
    ? ['python.exe']
    : ['python3', ...Array.from({ length: NEWEST - OLDEST + 1 }, (_, i) => `python3.${NEWEST - i}`), 'python'];
  const found = [];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) if (folder && existsSync(join(folder, name))) found.push(join(folder, name));
  }
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  if (existsSync(pyenv)) {
    for (const version of readdirSync(pyenv)) {
      const python = join(pyenv, version, 'bin', 'python');
      if (/^3\./.test(version) && existsSync(python)) found.push(python);
    }
  }
  const seen = new Set();
  return found.filter((path) => {
    // A pyenv shim is one script under many names: only the path tells them apart.
    const key = path.includes('shims') ? path : realpathSync(path);
    return !seen.has(key) && seen.add(key);
  });
}

const ASK = `
import json, platform, sys, sysconfig
try:
    import venv, ensurepip
    venv = True
except ImportError:
    venv = False
print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]), getattr(sys, "_base_executable", sys.executable), venv,
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
`;

/**
 * Every CPython from 3.8 on, one of each minor version, oldest first. What comes first on PATH wins. Builds without the GIL are
 * left out: `ASYNC_HEALTH_PYTHONS` and `AH_TEST_PYTHON` name one for the dap tests.
 * `isDefault` marks what plain `python3` runs.
 * @returns {Promise<{version: string, minor: number, full: string, python: string, hasVenv: boolean, isDefault: boolean}[]>}
 */
export async function findInterpreters() {
  const byMinor = new Map();
  const paths = candidates();
  const answers = await parallel(paths, 4, (path) => run(path, ['-I', '-c', ASK], { quiet: true, timeoutMs: 20_000 }));
  // A folder on PATH may hold a python3.14 and no python3: the name decides, not what comes first.
  let defaultMinor;
  for (const [index, { code, output }] of answers.entries()) {
    if (code !== 0) continue; // a shim without its interpreter, a broken install
    let answer;
    try {
      answer = JSON.parse(output.trim().split('\n').at(-1));
    } catch {
      continue;
    }
    const [implementation, [major, minor, micro], base, hasVenv, freeThreaded] = answer;
    if (implementation !== 'CPython' || major !== 3 || minor < OLDEST || freeThreaded) continue;
    const python = existsSync(base) ? base : paths[index];
    if (/^python3?(\.exe)?$/.test(basename(paths[index]))) defaultMinor ??= minor;
    const known = byMinor.get(minor);
    if (known === undefined || (!known.hasVenv && hasVenv)) {
      byMinor.set(minor, { version: `3.${minor}`, minor, full: `3.${minor}.${micro}`, python, hasVenv });
    }
  }
  return [...byMinor.values()].map((one) => ({ ...one, isDefault: one.minor === defaultMinor })).sort((a, b) => a.minor - b.minor);
}

/** Environments that `npm run setup` has made in `.venvs`, oldest first: `{version, minor, full, python}`. */
export function testPythons() {
  const folder = join(root, '.venvs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^3\.\d+$/.test(name) && existsSync(join(folder, name, 'async-health.json')))
    .map((version) => ({
      version,
      minor: Number(version.slice(2)),
      python: pythonOf(join(folder, version)),
      full: stampOf(join(folder, version))?.python,
    }))
    .sort((a, b) => a.minor - b.minor);
}

/** What `npm run setup` noted in an environment it finished; undefined when there is none. */
export function stampOf(venv) {
  try {
    return JSON.parse(readFileSync(join(venv, 'async-health.json'), 'utf8'));
  } catch {
    return undefined;
  }
}
