// Puts a pure-Python debugpy at dist/debugpy/debugpy, so that F5 works with nothing installed. Idempotent; the wheel is kept in
// the user's cache folder. What only speeds pydevd up (compiled modules for one Python) is left out; the libraries for attaching
// to a process by its id stay.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInterpreters, root, rootPython } from './lib/pythons.mjs';
import { must, run, step } from './lib/run.mjs';

const VERSION = '1.8.22';
const WHEEL = `debugpy-${VERSION}-py2.py3-none-any.whl`;
const SHA256 = 'a9e9d3550e15ca479c59333e90845029190531f0cacfedab3b815a57bd913947';

/** Left out: symbols and sources of the native parts, modules compiled for one Python, caches. */
const UNUSED = /\.(pdb|pyd|lib|cpp|h|hpp|pyx|pxd|c)$|__pycache__|[\\/]compile_[^\\/]*$/;

const target = join(root, 'dist', 'debugpy');
const stamp = join(target, 'stamp.json');
const wanted = JSON.stringify({ version: VERSION, sha256: SHA256, unused: UNUSED.source });

function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return join(process.env.XDG_CACHE_HOME, 'async-health');
  if (process.platform === 'win32' && process.env.LOCALAPPDATA) return join(process.env.LOCALAPPDATA, 'async-health', 'cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'async-health');
  return join(homedir(), '.cache', 'async-health');
}

function isIntact(file) {
  return existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === SHA256;
}

/** A Python that has pip. */
async function pythonWithPip() {
  const candidates = [rootPython, ...(await findInterpreters()).map(({ python }) => python)];
  for (const python of candidates) {
    if (existsSync(python) && (await run(python, ['-m', 'pip', '--version'], { quiet: true, timeoutMs: 60_000 })).code === 0) return python;
  }
  throw new Error('No Python with pip was found to fetch debugpy. Run "npm run setup" first, or install pip.');
}

async function wheel() {
  const folder = cacheFolder();
  const file = join(folder, WHEEL);
  if (isIntact(file)) return { file, python: existsSync(rootPython) ? rootPython : await pythonWithPip() };
  const python = await pythonWithPip();
  step(`Fetching ${WHEEL} …`);
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(join(folder, 'fetch-'));
  try {
    const options = ['--no-deps', '--only-binary=:all:', '--platform', 'any', '--python-version', '311', '--implementation', 'py'];
    await must(python, ['-m', 'pip', 'download', '--quiet', `debugpy==${VERSION}`, ...options, '--dest', fresh], {
      quiet: true,
      timeoutMs: 300_000,
    });
    const fetched = join(fresh, WHEEL);
    if (!isIntact(fetched))
      throw new Error(`${WHEEL} is not the file that was pinned (SHA-256 differs). Do not use it; check the package index.`);
    renameSync(fetched, file);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return { file, python };
}

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
  step('debugpy is bundled already.');
} else {
  const { file, python } = await wheel();
  const unpacked = mkdtempSync(join(tmpdir(), 'ah-debugpy-'));
  try {
    await must(python, ['-m', 'zipfile', '-e', file, unpacked], { quiet: true, timeoutMs: 60_000 });
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    cpSync(join(unpacked, 'debugpy'), join(target, 'debugpy'), {
      recursive: true,
      filter: (path) => !UNUSED.test(path.slice(unpacked.length)),
    });
    const info = join(unpacked, `debugpy-${VERSION}.dist-info`);
    for (const name of readdirSync(info, { recursive: true, encoding: 'utf8' })) {
      if (/(^|[\\/])LICENSE$/i.test(name)) cpSync(join(info, name), join(target, 'LICENSE'));
    }
    writeFileSync(stamp, wanted);
    step(`debugpy ${VERSION} is at dist/debugpy.`);
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}
