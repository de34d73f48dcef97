/** What the dap tests run on: the project's `.venv`, test programs with `# @marker` lines, temporary folders. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The project's root: tests are bundled to dist/test/dap. */
export const ROOT = findRoot();
export const PROGRAMS = join(ROOT, 'test/dap/programs');
export const PROBE_FOLDER = join(process.env.AH_TEST_DIST ?? join(ROOT, 'dist'), 'python/async_health');
export const CLI = join(process.env.AH_TEST_DIST ?? join(ROOT, 'dist'), 'cli.js');

/** An interpreter with debugpy: `AH_TEST_PYTHON`, else the project's `.venv`. */
export const PYTHON = process.env.AH_TEST_PYTHON ?? join(ROOT, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

before(() => {
  assert.ok(existsSync(PYTHON), `No Python with debugpy at ${PYTHON}. Run "npm test" once (it makes .venv), or set AH_TEST_PYTHON.`);
});

function findRoot(): string {
  for (let folder = __dirname; ; folder = join(folder, '..')) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'src/adapter'))) return folder;
    if (folder === '/') throw new Error('the project root was not found above the tests');
  }
}

export function program(name: string): string {
  const path = join(PROGRAMS, name);
  assert.ok(existsSync(path), `${path} is missing`);
  return path;
}

/** 1-based line that carries `# @name`. */
export function marker(path: string, name: string): number {
  const index = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => new RegExp(`# @${name}\\b`).test(line));
  assert.ok(index >= 0, `no "# @${name}" in ${path}`);
  return index + 1;
}

/** A folder that is removed when the tests end; also when those that would use it are not chosen, and `after` is not called. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ah-dap-'));
  if (folders.push(folder) === 1) {
    process.once('exit', () => {
      for (const one of folders) rmSync(one, { recursive: true, force: true });
    });
  }
  return folder;
}
const folders: string[] = [];

/** Fails when `promise` takes longer. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls until `check` holds. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** True while a process of that id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended.
    return !(existsSync(`/proc/${pid}/stat`) && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, '')));
  } catch {
    return false;
  }
}
