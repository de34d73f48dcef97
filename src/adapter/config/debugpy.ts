/** Finding debugpy: `debugAdapterPath` → the Python Debugger extension's → the interpreter's own → the bundled copy. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../errors';
import type { Discovery, Interpreter } from './interpreter';

export interface DebugpyLocation {
  /** The package's folder; nothing = import it from the interpreter. */
  path?: string;
  source: 'configuration' | 'editor' | 'interpreter' | 'bundled';
}

/** Longest a `python -c` may take, ms (cold disks, network homes). */
const PROBE_TIMEOUT_MS = 20_000;

const run = promisify(execFile);

/** Interpreters that were seen to have debugpy: asking costs a start of Python, once is enough. (One that lost it fails with a clear error.) */
const known = new Set<string>();

/** @throws UserError `no-debugpy` */
export async function resolveDebugpy(
  configuration: Record<string, unknown>,
  python: Interpreter,
  discovery: Discovery,
): Promise<DebugpyLocation> {
  const configured = configuration.debugAdapterPath;
  if (typeof configured === 'string' && configured !== '') {
    const found = packageFolder(configured);
    if (!found) throw missing(`"debugAdapterPath" is "${configured}", where there is no debugpy.`);
    return { path: found, source: 'configuration' };
  }
  const editors = discovery.debugpyPath && packageFolder(discovery.debugpyPath);
  if (editors) return { path: editors, source: 'editor' };
  const why = await interpreterLacks(python.command);
  if (why === undefined) return { source: 'interpreter' };
  const bundled = discovery.bundledDebugpy && packageFolder(discovery.bundledDebugpy);
  if (bundled) return { path: bundled, source: 'bundled' };
  throw missing(`debugpy can't be imported by ${python.command.join(' ')}${why ? ` (${why})` : ''}.`);
}

/** The debugpy package below `path`, which may be its parent, itself, or its `adapter` folder. */
export function packageFolder(path: string): string | undefined {
  for (const candidate of [path, join(path, 'debugpy'), join(path, '..')]) {
    if (existsSync(join(candidate, 'adapter', '__main__.py'))) return candidate;
  }
  return undefined;
}

/** Nothing when the interpreter can import debugpy's adapter; else why not. Does not run debugpy. */
async function interpreterLacks(command: string[]): Promise<string | undefined> {
  const [program, ...args] = command;
  const key = JSON.stringify(command);
  if (known.has(key)) return undefined;
  const script = "import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('debugpy.adapter') else 1)";
  try {
    await run(program!, [...args, '-c', script], { timeout: PROBE_TIMEOUT_MS, windowsHide: true });
    known.add(key);
    return undefined;
  } catch (error) {
    const failure = error as { code?: unknown; killed?: boolean; stderr?: string };
    if (failure.killed) return `it did not answer within ${PROBE_TIMEOUT_MS / 1000} s`;
    return failure.stderr?.trim().split('\n').pop() ?? '';
  }
}

function missing(what: string): UserError {
  return new UserError(
    'no-debugpy',
    what,
    'Run "pip install debugpy" in that environment, or set "debugAdapterPath" to a folder that has it.',
  );
}
