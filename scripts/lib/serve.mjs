// Starts test/bench/app.py in one mode, puts load on it, ends it.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { median, ratios, row } from './measure.mjs';
import { must } from './run.mjs';

const START_MS = 30_000;

/** CPU time of all threads of a process so far, ms; 0 where the kernel does not tell. */
function cpuMs(pid) {
  const folder = `/proc/${pid}/task`;
  if (!existsSync(folder)) return 0;
  let sum = 0;
  for (const thread of readdirSync(folder)) {
    try {
      sum += Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    } catch {
      // this thread has just ended
    }
  }
  return sum;
}

/** @returns {Promise<Load>} */
export async function serve({ root, python, mode, kind, seconds }) {
  const child = spawn(python, [join(root, 'test/bench/app.py'), mode, kind], { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2_000);
  });
  try {
    const port = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${mode}: no port within ${START_MS} ms\n${errors}`)), START_MS);
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (/^\d+$/.test(line)) {
          clearTimeout(timer);
          resolve(Number(line));
        }
      });
      child.on('exit', (code) => reject(new Error(`${mode}: the server ended with ${code}\n${errors}`)));
    });
    return await load({ root, python, port, seconds, pid: child.pid });
  } finally {
    child.stdin.end();
    setTimeout(() => child.kill('SIGKILL'), 2_000).unref();
  }
}

/**
 * @typedef {{rps: number, p50_ms: number, p99_ms: number, requests: number, errors: number, cpuUs: number}} Load
 *   `cpuUs`: CPU time of the server for one request, in µs
 * @returns {Promise<Load>}
 */
export async function load({ root, python, port, seconds, pid }) {
  const before = cpuMs(pid);
  const { output } = await must(python, [join(root, 'test/bench/load.py'), String(port), String(seconds)], {
    quiet: true,
    timeoutMs: 60_000,
  });
  const result = JSON.parse(output.trim().split('\n').at(-1));
  if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
  return { ...result, cpuUs: ((cpuMs(pid) - before) * 1000) / (result.requests + result.warm_up) };
}

/**
 * Result rows: requests per second without, each variant's share of it pair by pair, and CPU per request.
 * @param {{budgets: Record<string, number>, base?: string, why?: Record<string, string>, headline?: string[],
 *   floors?: Record<string, string>}} how by variant; `floors`: the variant that is the least possible of one
 */
export function shares(kind, samples, { budgets, base = 'none', why = {}, headline = [], floors = {} }) {
  const of = (variant, key) => samples[variant].map((one) => one[key]);
  const rows = [row({ what: `${kind}: requests/s`, variant: base, values: of(base, 'rps'), unit: '1/s', digits: 0 })];
  const cpu = [];
  for (const variant of Object.keys(samples)) {
    if (samples[variant].length === 0) continue;
    cpu.push(row({ what: `${kind}: CPU a request`, variant, values: of(variant, 'cpuUs'), unit: 'µs', digits: 0 }));
    if (variant === base) continue;
    rows.push(
      row({
        what: `${kind}: share of requests/s`,
        variant,
        values: ratios(of(variant, 'rps'), of(base, 'rps')),
        unit: '',
        budget: budgets[variant],
        atLeast: true,
        digits: 3,
        why: why[variant],
        headline: headline.includes(variant),
        floor: samples[floors[variant]]?.length > 0 ? median(ratios(of(floors[variant], 'rps'), of(base, 'rps'))) : undefined,
      }),
    );
  }
  return [...rows, ...cpu];
}
