/** The program's environment variables, put together as the Python Debugger does it. */
import { readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { parseEnvFile } from './envFile';

const PATH_NAME = process.platform === 'win32' ? 'Path' : 'PATH';

export interface EnvironmentInput {
  env?: unknown;
  envFile?: unknown;
  console?: unknown;
  gevent?: unknown;
}

/**
 * `env` wins over `envFile`; PATH and PYTHONPATH of both are joined and keep what the system has; with the internal console (where
 * debugpy starts the program itself) the whole environment is given; output is unbuffered UTF-8 unless said otherwise.
 * Values that are no strings are turned into such; `null` leaves a variable alone.
 */
export function programEnvironment(
  input: EnvironmentInput,
  folder: string | undefined,
  base: NodeJS.ProcessEnv,
  onProblem: (text: string) => void,
): Record<string, string> {
  const given = strings(input.env, onProblem);
  const fromFile = readEnvFile(input.envFile, folder, { ...base, ...given }, onProblem);
  const env: Record<string, string> = { ...fromFile, ...given };
  for (const name of [PATH_NAME, 'PYTHONPATH']) {
    const own = joinPaths(fromFile[name], given[name]);
    if (own !== undefined) env[name] = joinPaths(own, base[name]) ?? own;
  }
  if (input.console === 'internalConsole') {
    for (const [name, value] of Object.entries(base)) {
      if (value !== undefined) env[name] ??= value;
    }
  }
  env.PYTHONIOENCODING ??= 'UTF-8';
  env.PYTHONUNBUFFERED ??= '1';
  if (input.gevent === true) env.GEVENT_SUPPORT = 'True'; // read by pydevd
  return env;
}

function readEnvFile(
  file: unknown,
  folder: string | undefined,
  known: NodeJS.ProcessEnv,
  onProblem: (text: string) => void,
): Record<string, string> {
  if (typeof file !== 'string' || file === '') return {};
  const path = isAbsolute(file) ? file : join(folder ?? process.cwd(), file);
  try {
    return parseEnvFile(readFileSync(path, 'utf8'), known);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Not having a .env is normal: it is the default.
    if (code !== 'ENOENT') onProblem(`envFile ${path} can't be read (${code}); its variables are missing`);
    else if (!path.endsWith('.env')) onProblem(`envFile ${path} does not exist; its variables are missing`);
    return {};
  }
}

function strings(env: unknown, onProblem: (text: string) => void): Record<string, string> {
  const result: Record<string, string> = {};
  if (env === undefined || env === null) return result;
  if (typeof env !== 'object' || Array.isArray(env)) {
    onProblem('"env" must be an object of names and values; it is ignored');
    return result;
  }
  for (const [name, value] of Object.entries(env)) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'object') onProblem(`"env.${name}" must be a string; it is ignored`);
    else result[name] = String(value);
  }
  return result;
}

/** Joins lists of folders, without repeating `second` when `first` ends with it. */
function joinPaths(first: string | undefined, second: string | undefined): string | undefined {
  if (!first) return second || undefined;
  if (!second || first === second || first.endsWith(delimiter + second)) return first;
  return `${first}${delimiter}${second}`;
}
