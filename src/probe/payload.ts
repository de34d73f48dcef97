/** The probe's Python sources as one expression that debugpy evaluates in the program: so nothing needs to be installed there. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pythonLiteral } from './link';

/** File name without `.py` → source, of the whole package; `_ah_loader` is what is executed. */
export interface ProbePayload {
  loader: string;
  modules: Record<string, string>;
  /** Another one for each other set of files. */
  digest: string;
}

const cache = new Map<string, ProbePayload>();

/**
 * Reads the probe from the folder of the `async_health` package (default: the one built next to this bundle).
 * @throws Error when it is not there: the build is incomplete
 */
export function readPayload(folder = pythonFolder('async_health')): ProbePayload {
  const known = cache.get(folder);
  if (known) return known;
  if (!existsSync(join(folder, '_ah_loader.py')))
    throw new Error(`The probe's Python files are not in ${folder}. Run "npm run build", or reinstall the extension.`);
  const modules: Record<string, string> = {};
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.py')) modules[file.slice(0, -3)] = readFileSync(join(folder, file), 'utf8');
  }
  const { _ah_loader: loader, ...others } = modules;
  const digest = createHash('sha256').update(JSON.stringify(modules)).digest('hex');
  const payload = { loader: loader!, modules: others, digest };
  cache.set(folder, payload);
  return payload;
}

/** A folder of Python files that is built with us (`dist/python/<name>`), seen from any bundle in dist. */
export function pythonFolder(name: string): string {
  let folder = __dirname;
  for (let up = 0; up < 6; up++) {
    const candidate = join(folder, 'python', name);
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  return join(__dirname, 'python', name);
}

/**
 * Brings the probe in and starts it. A program that has it, or finds its bytecode in the user's cache folder, needs no sources.
 * `atOnce`: the sources go along from the first, for programs that can't be held back until a second question is answered.
 * @throws what `evaluate` throws
 */
export async function bringIn(
  payload: ProbePayload,
  options: Record<string, unknown>,
  evaluate: (expression: string) => Promise<string>,
  { atOnce = false } = {},
): Promise<void> {
  const answer = await evaluate(loaderExpression(payload, options, atOnce));
  // With quotes or without, that differs between debugpy's ways to evaluate.
  if (/^'?sources'?$/.test(answer)) await evaluate(loaderExpression(payload, options, true));
}

/** One expression: runs the loader in a name space of its own, so that nothing of it lands in pydevd's globals. The form is told in `_ah_loader.py`. */
function loaderExpression({ loader, modules, digest }: ProbePayload, options: Record<string, unknown>, withSources: boolean): string {
  const text = JSON.stringify({ digest, modules: withSources ? modules : undefined, options });
  const space = `{"PAYLOAD": ${pythonLiteral(text)}}`;
  return `(lambda space: exec(${pythonLiteral(loader)}, space) or space.get("RESULT"))(${space})`;
}
