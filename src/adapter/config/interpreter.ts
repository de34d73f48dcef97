/** Finding the interpreter: configuration → what the editor knows → `.venv` of the workspace → PATH. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { UserError } from '../errors';

/** What the surroundings know; the extension fills it from the Python extension's API, the CLI from its arguments. */
export interface Discovery {
  workspaceFolder?: string;
  /** The interpreter chosen in the editor. */
  python?: string;
  /** debugpy of the Python Debugger extension (its exported `debug.getDebuggerPackagePath()`). */
  debugpyPath?: string;
  /** Folder of the bundled pure-Python debugpy (holds `debugpy/`). */
  bundledDebugpy?: string;
  /** Where debugpy's logs go when the configuration says `logToFile`. */
  logDir?: string;
  env?: NodeJS.ProcessEnv;
  /** Starts debugpy's adapter in a session of its own, out of reach of the terminal's Ctrl-C. */
  detached?: boolean;
}

export interface Interpreter {
  /** Command with its own arguments: `['python']`, `['py', '-3']`. */
  command: string[];
  source: 'configuration' | 'editor' | 'workspace' | 'path';
}

const WINDOWS = process.platform === 'win32';
const NAMES = WINDOWS ? ['python.exe', 'python3.exe', 'py.exe'] : ['python3', 'python'];

/** Keys of a configuration that name the interpreter for debugpy's adapter, best first. */
const ADAPTER_KEYS = ['debugAdapterPython', 'python', 'pythonPath'];

/** @throws UserError `no-python` that names what was looked at */
export function findPythonSync(configuration: Record<string, unknown>, discovery: Discovery, keys: string[] = ADAPTER_KEYS): Interpreter {
  const env = discovery.env ?? process.env;
  for (const key of keys) {
    const command = asCommand(configuration[key]);
    if (!command) continue;
    const found = locate(command[0]!, discovery.workspaceFolder, env);
    if (!found) throw missing(`"${key}" in the launch configuration is "${command[0]}", which is not there or not executable.`);
    return { command: [found, ...command.slice(1)], source: 'configuration' };
  }
  if (discovery.python) {
    const found = locate(discovery.python, discovery.workspaceFolder, env);
    if (!found) throw missing(`The chosen interpreter "${discovery.python}" is not there or not executable.`);
    return { command: [found], source: 'editor' };
  }
  if (discovery.workspaceFolder) {
    for (const folder of ['.venv', 'venv']) {
      const candidate = join(discovery.workspaceFolder, folder, WINDOWS ? 'Scripts/python.exe' : 'bin/python');
      if (isExecutable(candidate)) return { command: [candidate], source: 'workspace' };
    }
  }
  for (const name of NAMES) {
    const found = onPath(name, env);
    if (found) return { command: name === 'py.exe' ? [found, '-3'] : [found], source: 'path' };
  }
  throw missing('No Python was found: none in the launch configuration, no .venv in the workspace, no python3 on PATH.');
}

function missing(what: string): UserError {
  return new UserError('no-python', what, 'Install Python 3.8 or newer, set "python" in launch.json, or run "Python: Select Interpreter".');
}

/** `python` may be a string or a list, as in the Python Debugger. Unresolved `${…}` variables count as not given. */
function asCommand(value: unknown): string[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((part) => typeof part === 'string') || list[0] === '') return undefined;
  return /^\$\{.*\}$/.test(list[0] as string) ? undefined : (list as string[]);
}

function locate(command: string, folder: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (isAbsolute(command)) return isExecutable(command) ? command : undefined;
  if (!/[\\/]/.test(command)) return onPath(command, env);
  const path = join(folder ?? process.cwd(), command);
  return isExecutable(path) ? path : undefined;
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const suffixes = WINDOWS && !/\.[a-z]+$/i.test(name) ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (env.PATH ?? env.Path ?? '').split(delimiter)) {
    if (!folder) continue;
    for (const suffix of suffixes) {
      const path = join(folder, name + suffix);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    if (!existsSync(path) || !statSync(path).isFile()) return false;
    // The Microsoft Store's stand-in for Python is an empty file that opens the shop.
    if (WINDOWS) return statSync(path).size > 0 || !path.includes('WindowsApps');
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
