/**
 * Attach by process id on Linux. debugpy gets into a running program by `gdb`, which is often not installed, and whose older versions
 * cannot call a function on processors with a larger register state. So debugpy finds a `gdb` of ours first on its PATH, which does
 * what debugpy asks of it by itself (src/python/attach), and goes on to the real gdb where it cannot.
 *
 * On CPython 3.14 and later debugpy asks the interpreter (`sys.remote_exec`) instead, which answers only once the main thread runs
 * Python again: never in a program that idles or is blocked. So that way is closed to debugpy, and left to src/python/attach as a last one.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Configuration } from './resolve';

export interface GdbStandIn {
  env: NodeJS.ProcessEnv;
  dispose(): void;
}

/** CPython's own switch. */
const NO_REMOTE_EXEC = 'PYTHON_DISABLE_REMOTE_DEBUG';

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The environment for debugpy's adapter, or nothing where the session attaches otherwise or the platform needs no gdb. */
export function gdbStandIn(
  configuration: Configuration,
  python: string[],
  injectorFolder: string,
  env: NodeJS.ProcessEnv = process.env,
): GdbStandIn | undefined {
  if (configuration.request !== 'attach' || configuration.processId === undefined) return undefined;
  const injector = join(injectorFolder, 'inject.py');
  if (process.platform !== 'linux' || !existsSync(injector)) return undefined;
  const path = env.PATH ?? '';
  const real = path
    .split(delimiter)
    .map((folder) => join(folder, 'gdb'))
    .find((candidate) => existsSync(candidate));
  const folder = mkdtempSync(join(tmpdir(), 'async-health-attach-'));
  const command = [...python, injector, real ?? ''].map(quoted).join(' ');
  writeFileSync(join(folder, 'gdb'), `#!/bin/sh\nunset ${NO_REMOTE_EXEC}\nexec ${command} "$@"\n`, { mode: 0o755 });
  return {
    env: { ...env, PATH: `${folder}${delimiter}${path}`, ...(process.arch === 'x64' ? { [NO_REMOTE_EXEC]: '1' } : {}) },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
