// Running other programs from the scripts: bounded in time, whole process group ended on a timeout, output line by line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const started = Date.now();

/** One progress line, with seconds since the script started. */
export function step(text) {
  console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${text}`);
}

/** What a run gave: exit code (124 after a timeout, 127 when it could not start), its whole output, how long it took. */
/**
 * Runs `command` and waits for its end. Never throws: look at `code`.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, quiet?: boolean, prefix?: string, onLine?: (line: string) => void, input?: string}} options
 *   `quiet`: nothing is printed. `prefix`: before every printed line.
 * @returns {Promise<{code: number, output: string, timedOut: boolean, ms: number}>}
 */
export function run(command, args, options = {}) {
  const { cwd, env = process.env, timeoutMs = 600_000, quiet = false, prefix = '', onLine } = options;
  const begin = Date.now();
  return new Promise((resolve) => {
    let output = '';
    let timedOut = false;
    // A group of its own, so that a timeout ends grandchildren (debuggees, browsers) as well.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
    live.add(child);
    const kill = (signal) => {
      try {
        if (process.platform === 'win32') child.kill(signal);
        else process.kill(-child.pid, signal);
      } catch {
        // It ended by itself meanwhile.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), 3_000).unref();
    }, timeoutMs);
    const take = (line) => {
      output += `${line}\n`;
      if (!quiet) console.log(prefix + line);
      onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
    let settled = false;
    const finish = (code) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      clearTimeout(grace);
      live.delete(child);
      resolve({ code, output, timedOut, ms: Date.now() - begin });
    };
    let grace;
    child.on('error', (error) => {
      take(`${command}: ${error.message}`);
      finish(127);
    });
    child.on('close', (code) => finish(timedOut ? 124 : (code ?? 1)));
    // A grandchild that keeps the pipes open must not keep us waiting for ever.
    child.on('exit', (code) => {
      grace = setTimeout(() => finish(timedOut ? 124 : (code ?? 1)), 5_000);
    });
  });
}

/** As {@link run}, but throws with the end of the output when it fails. */
export async function must(command, args, options = {}) {
  const result = await run(command, args, options);
  if (result.code === 0) return result;
  const tail = options.quiet ? `\n${result.output.split('\n').slice(-25).join('\n')}` : '';
  throw new Error(
    `${command} ${args.join(' ')} ${result.timedOut ? `took longer than ${options.timeoutMs} ms` : `failed with ${result.code}`}${tail}`,
  );
}

/** `items` through `work`, at most `width` at a time; results in order. */
export async function parallel(items, width, work) {
  const results = new Array(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      while (next < items.length) {
        const index = next++;
        results[index] = await work(items[index], index);
      }
    }),
  );
  return results;
}

const live = new Set();
const endAll = () => {
  for (const child of live) {
    try {
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
};
process.on('exit', endAll);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endAll();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}
